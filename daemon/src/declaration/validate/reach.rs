//! What a group may open connections to.

use std::collections::BTreeSet;

use super::{Declared, DeclaredGroup, elements};
use crate::declaration::collect::Collector;
use crate::declaration::place::{At, quote};
use crate::declaration::suggest::closest;
use crate::declaration::value::Reference;
use crate::model::{ContainerId, GroupName};

pub(super) fn check(declared: &Declared<'_>, problems: &mut Collector) {
    let known = Known::new(declared);
    for group in &declared.groups {
        let mut seen = BTreeSet::new();
        for reach in elements(group.group.reach.as_ref()) {
            if !seen.insert(&reach.value) {
                problems
                    .error(
                        &reach.place,
                        format!("{} is listed twice", shown(&reach.value)),
                    )
                    .hint("remove one");
                continue;
            }
            one(group, reach, &known, problems);
        }
    }
}

fn one(
    group: &DeclaredGroup<'_>,
    reach: &At<Reference>,
    known: &Known<'_>,
    problems: &mut Collector,
) {
    let target = match &reach.value {
        Reference::Group(target) => target,
        Reference::Container(id) => &id.group,
    };
    if *target == group.name.value {
        problems
            .error(&reach.place, format!("{target} reaches itself anyway"))
            .hint("remove it: containers of one group reach each other on every port");
    } else if !known.has(&reach.value) {
        problems
            .error(&reach.place, known.unknown(&reach.value))
            .hint_with(|| known.hint(&shown(&reach.value), true));
    }
}

fn shown(reference: &Reference) -> String {
    match reference {
        Reference::Group(group) => group.to_string(),
        Reference::Container(id) => id.to_string(),
    }
}

/// Every group and container that can be referred to.
pub(super) struct Known<'a> {
    groups: BTreeSet<&'a GroupName>,
    containers: BTreeSet<&'a ContainerId>,
    aliases: Vec<(&'a ContainerId, &'a str)>,
}

impl<'a> Known<'a> {
    pub(super) fn new(declared: &'a Declared<'_>) -> Self {
        let groups = declared
            .groups
            .iter()
            .map(|group| &group.name.value)
            .collect();
        let containers = declared
            .containers
            .iter()
            .map(|container| &container.id)
            .collect();
        let aliases = declared
            .containers
            .iter()
            .flat_map(|container| {
                elements(container.container.aliases.as_ref())
                    .iter()
                    .map(|alias| (&container.id, alias.value.as_str()))
            })
            .collect();
        Self {
            groups,
            containers,
            aliases,
        }
    }

    pub(super) fn has(&self, reference: &Reference) -> bool {
        match reference {
            Reference::Group(group) => self.groups.contains(group),
            Reference::Container(id) => self.containers.contains(id),
        }
    }

    /// What is not there.
    pub(super) fn unknown(&self, reference: &Reference) -> String {
        match reference {
            Reference::Group(group) => format!("there is no group {}", quote(group.as_str())),
            Reference::Container(id) if !self.groups.contains(&id.group) => {
                format!("there is no group {}", quote(id.group.as_str()))
            }
            Reference::Container(id) => {
                format!(
                    "the group {} has no container {}",
                    id.group,
                    quote(id.name.as_str())
                )
            }
        }
    }

    /// What a person who wrote `wrong` probably meant.
    pub(super) fn hint(&self, wrong: &str, groups: bool) -> String {
        let bare = wrong.rsplit('/').next().unwrap_or(wrong);
        let alias = self.aliases.iter().find(|(_, alias)| *alias == bare);
        let same_name = self.containers.iter().find(|id| id.name.as_str() == bare);
        if let Some((id, alias)) = alias {
            return format!("{alias} is an alias of \"{id}\": write that");
        }
        if let Some(id) = same_name {
            return format!("did you mean \"{id}\"?");
        }
        let containers: Vec<String> = self.containers.iter().map(ToString::to_string).collect();
        let names = containers.iter().map(String::as_str);
        let group_names = self
            .groups
            .iter()
            .map(|group| group.as_str())
            .filter(|_| groups);
        match closest(wrong, group_names.chain(names)) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None if groups => {
                "name a declared group, or one container as group/container".to_owned()
            }
            None => "name a declared container as group/container".to_owned(),
        }
    }
}
