//! What runs in a container: its root's init or one process, and the commands beside it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{DeclaredContainer, elements};
use crate::declaration::collect::Collector;
use crate::declaration::file::Table as _;
use crate::declaration::place::{At, Place, quote};
use crate::declaration::value::Word;

pub(super) fn check(declared: &DeclaredContainer<'_>, problems: &mut Collector) {
    boot_or_command(declared, problems);
    let container = declared.container;
    if let Some(command) = &container.command {
        words(command, "a container's command", problems);
        if let Some(program) = command.value.first()
            && !program.value.0.is_empty()
            && !Path::new(&program.value.0).has_root()
        {
            problems
                .error(
                    &program.place,
                    format!(
                        "the program {} is not an absolute path",
                        quote(&program.value.0)
                    ),
                )
                .hint("write where the guest has it: \"/usr/bin/…\"");
        }
    }
    for action in container
        .actions
        .iter()
        .flat_map(|actions| &actions.value.0)
    {
        if let Some(command) = &action.value.command {
            words(command, "an action's command", problems);
        }
    }
    if let Some(timeout) = container
        .start_timeout
        .as_ref()
        .filter(|it| it.value.0 == Duration::ZERO)
    {
        problems
            .error(
                &timeout.place,
                "a container cannot be ready in no time at all",
            )
            .hint("write how long it may take, such as \"90s\", which is the default");
    }
}

fn boot_or_command(declared: &DeclaredContainer<'_>, problems: &mut Collector) {
    let container = declared.container;
    let command = container.written().contains(&"command");
    let boots = container
        .boot
        .as_ref()
        .map(|boot| (boot.value, &boot.place));
    match (boots, command) {
        (Some((true, place)), true) => {
            problems
                .error(place, "a container either boots or runs one command")
                .hint("remove `boot` or `command`");
        }
        (Some((false, place)), false) => {
            problems
                .error(
                    place,
                    format!("{} neither boots nor runs a command", declared.id),
                )
                .hint("add command = [\"/usr/bin/…\"], or remove `boot`");
        }
        _ => {}
    }
    if command {
        if let Some(enable) = &container.enable {
            problems
                .error(
                    &enable.place,
                    "`enable` pulls units into a boot, and this container runs a command",
                )
                .hint("remove `enable` or `command`");
        }
        return;
    }
    let only_with_command = [
        ("user", container.user.as_ref().map(|user| &user.place)),
        (
            "working-directory",
            container.working_directory.as_ref().map(|path| &path.place),
        ),
    ];
    for (key, place) in only_with_command {
        let Some(place) = place else { continue };
        problems
            .error(
                place,
                format!("`{key}` belongs to `command`, and this container boots"),
            )
            .hint(format!("remove it: the guest's own units say their {key}"));
    }
    let mut seen: BTreeMap<&str, &Place> = BTreeMap::new();
    for unit in elements(container.enable.as_ref()) {
        if let Some(first) = seen.insert(&unit.value.0, &unit.place) {
            problems
                .error(
                    &unit.place,
                    format!("{} is listed twice", quote(&unit.value.0)),
                )
                .hint("remove one")
                .related(first, "the first");
        }
    }
}

fn words(command: &At<Vec<At<Word>>>, what: &str, problems: &mut Collector) {
    let (place, message) = match command.value.first() {
        None => (&command.place, format!("{what} needs at least one word")),
        Some(program) if program.value.0.is_empty() => {
            (&program.place, format!("the first word of {what} is empty"))
        }
        Some(_) => return,
    };
    problems
        .error(place, message)
        .hint("write the program and its words: [\"/usr/bin/sleep\", \"60\"]");
}
