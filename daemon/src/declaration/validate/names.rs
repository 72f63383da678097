//! Names: none that means something else, no two alike.

use std::collections::BTreeMap;

use ctr_api::{RESERVED_FOR_LATER, RESERVED_GROUP_NAMES};

use super::{Declared, DeclaredGroup, elements};
use crate::declaration::collect::Collector;
use crate::declaration::place::Place;
use crate::model::{InterfaceName, MACHINE_NAME_MAX, MachineName};

pub(super) fn check(declared: &Declared<'_>, problems: &mut Collector) {
    for group in &declared.groups {
        reserved(group, problems);
        aliases(group, problems);
    }
    bridges(declared, problems);
    machines(declared, problems);
}

fn reserved(group: &DeclaredGroup<'_>, problems: &mut Collector) {
    let name = group.name.value.as_str();
    if RESERVED_GROUP_NAMES.contains(&name) || RESERVED_FOR_LATER.contains(&name) {
        problems
            .error(
                &group.name.place,
                format!("a group cannot be called {name}: `ctr {name}` is a command"),
            )
            .hint(format!("choose another name, such as {name}-group"));
    }
}

/// Two long names may have one hash: see [`InterfaceName::bridge`].
fn bridges(declared: &Declared<'_>, problems: &mut Collector) {
    let mut seen: BTreeMap<InterfaceName, &DeclaredGroup<'_>> = BTreeMap::new();
    for group in &declared.groups {
        let bridge = InterfaceName::bridge(&group.name.value);
        if let Some(first) = seen.get(&bridge) {
            let name = &group.name.value;
            let message = format!(
                "the groups {} and {name} would share the bridge {bridge}",
                first.name.value
            );
            problems
                .error(&group.name.place, message)
                .hint("rename one of them; a name of up to 12 characters never meets another's")
                .related(&first.name.place, "the other group");
        } else {
            seen.insert(bridge, group);
        }
    }
}

fn machines(declared: &Declared<'_>, problems: &mut Collector) {
    let mut seen: BTreeMap<MachineName, (&Place, String)> = BTreeMap::new();
    for container in &declared.containers {
        let id = &container.id;
        let Ok(machine) = id.machine() else {
            let length = id.group.as_str().len() + 1 + id.name.as_str().len();
            let message = format!(
                "the machine name of {id} would have {length} bytes, and {MACHINE_NAME_MAX} are \
                 the most: it is the group's name, a dash and the container's"
            );
            problems
                .error(container.place, message)
                .hint("shorten one of the two names");
            continue;
        };
        if let Some((place, first)) = seen.get(&machine) {
            let message = format!("{first} and {id} would both be the machine {machine}");
            problems
                .error(container.place, message)
                .hint("rename one of them")
                .related(place, "the other container");
        } else {
            seen.insert(machine, (container.place, id.to_string()));
        }
    }
}

/// Within a group a name leads to one container, be it its name or an alias.
fn aliases(group: &DeclaredGroup<'_>, problems: &mut Collector) {
    let mut seen: BTreeMap<&str, (&Place, String)> = group
        .entries()
        .map(|entry| {
            let name = entry.name.value.as_str();
            (
                name,
                (
                    &entry.name.place,
                    format!("the name of {}/{name}", group.name.value),
                ),
            )
        })
        .collect();
    for container in group.containers() {
        for alias in elements(container.container.aliases.as_ref()) {
            let name = alias.value.as_str();
            if let Some((place, what)) = seen.get(name) {
                problems
                    .error(&alias.place, format!("the alias {name} is already {what}"))
                    .hint("choose another alias")
                    .related(place, "here");
            } else {
                seen.insert(
                    name,
                    (&alias.place, format!("an alias of {}", container.id)),
                );
            }
        }
    }
}
