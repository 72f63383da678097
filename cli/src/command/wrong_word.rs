//! Command lines whose first word is not what it should be.
//!
//! Only the daemon knows the groups, so it is asked before anybody is told that a word is wrong.

use clap::error::{ContextKind, ContextValue};

use crate::args;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::{target, usage};

/// A first word that is taken for a group, and no verb after it.
pub(super) async fn no_verb(group: &str, error: clap::Error) -> Result<Exit, Error> {
    let asked = match Daemon::connect().await {
        Ok(daemon) => daemon.status().await,
        Err(error) => Err(error),
    };
    let own = own_words();
    let near = target::closest(group, own.iter().map(String::as_str));
    match asked.map(|host| target::group(&host, group).map(|_| ())) {
        Ok(Ok(())) => match word_of_the_host(&error, &own) {
            Some(word) => Err(Error::new(
                Exit::USAGE,
                format!("`{word}` is for all groups, not for one"),
            )
            .hint(format!("`ctr {word}`"))),
            None => Ok(usage::print(&error)),
        },
        Ok(Err(no_group)) => Err(match near {
            Some(near) => unknown(group).hint(format!("did you mean `ctr {near}`?")),
            None => no_group,
        }),
        // Without the daemon a near miss is still a near miss.
        Err(_) if near.is_some() => {
            let near = near.unwrap_or_default();
            Err(unknown(group)
                .with_exit(Exit::USAGE)
                .hint(format!("did you mean `ctr {near}`?")))
        }
        Err(unreachable) => Err(unreachable),
    }
}

/// The word of `ctr ml apply` that is no verb of a group, where it is a command of the whole host.
fn word_of_the_host<'a>(error: &'a clap::Error, own: &[String]) -> Option<&'a str> {
    match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) if own.contains(word) => Some(word),
        _ => None,
    }
}

/// `ctr start ollama`: the group is missing.
pub(super) async fn no_group(verb: &str, names: &[String]) -> Result<Exit, Error> {
    let error = Error::new(Exit::USAGE, format!("`{verb}` needs a group before it"));
    let with = |group: &str| format!("`ctr {group} {verb} {}`", names.join(" "));
    let hint = match groups_with(names).await.as_slice() {
        [] => format!("ctr <GROUP> {verb} …; `ctr status` shows the groups"),
        [group] => format!("did you mean {}?", with(group)),
        groups => format!("the groups are {}", groups.join(", ")),
    };
    Err(error.hint(hint))
}

/// `ctr ml stop`: which of them?
pub(super) fn no_name(group: &str, verb: &str) -> Error {
    Error::new(Exit::USAGE, format!("`ctr {group} {verb}` needs a name"))
        .hint(format!("name a container, or say `ctr {group} {verb}-all`"))
}

/// The groups that have all of the named containers.
async fn groups_with(names: &[String]) -> Vec<String> {
    // Without a name every group fits, and none is a better guess than the others.
    if names.is_empty() {
        return Vec::new();
    }
    let Ok(daemon) = Daemon::connect().await else {
        return Vec::new();
    };
    let Ok(host) = daemon.status().await else {
        return Vec::new();
    };
    let has_all = |group: &str| {
        names
            .iter()
            .all(|name| target::container(&host, group, name).is_ok())
    };
    host.groups
        .iter()
        .filter(|it| has_all(&it.name))
        .map(|it| it.name.clone())
        .collect()
}

fn unknown(word: &str) -> Error {
    Error::new(
        Exit::NO_SUCH,
        format!("there is no group or command `{word}`"),
    )
}

fn own_words() -> Vec<String> {
    let command = args::command();
    command
        .get_subcommands()
        .filter(|it| !it.is_hide_set())
        .map(|it| it.get_name().to_owned())
        .collect()
}
