//! What a change of each key of the declaration takes: one table, and which keys two models differ
//! in.
//!
//! Everything that depends on it is made from here: the digests on a running unit, the reasons in a
//! plan, the table in docs/explanation/how-it-converges.md. The values are taken out of the model's
//! structures without `..`, so a field that is added without a key does not compile.

mod table;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::{ContainerId, Group, Model};
pub use table::{Key, Level};
pub(crate) use values::{Values, container_values, text};
use values::{group_values, host_values};

/// What a change of a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A running guest has it at once.
    Live,
    /// It counts the next time that it matters, and nothing is to be done for it now.
    Later,
    /// A running guest switches to it from inside, where it can.
    Switch,
    /// A running guest cannot follow: it is stopped and started again.
    Restart,
}

impl Class {
    /// The word that people see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Later => "later",
            Self::Switch => "switch",
            Self::Restart => "restart",
        }
    }
}

/// A key whose value differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change {
    /// The key.
    pub key: Key,
    /// The name that stands for the `*` of the key.
    pub entry: Option<String>,
}

impl Change {
    /// A change of a key without a name in it.
    pub const fn of(key: Key) -> Self {
        Self { key, entry: None }
    }

    /// What it takes.
    pub const fn class(&self) -> Class {
        self.key.class()
    }
}

impl fmt::Display for Change {
    /// The key as it is written in the declaration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.key.name();
        let (Some((before, after)), Some(entry)) = (name.split_once('*'), &self.entry) else {
            return f.write_str(name);
        };
        let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !entry.is_empty() && entry.chars().all(is_bare) {
            write!(f, "{before}{entry}{after}")
        } else {
            write!(f, "{before}{entry:?}{after}")
        }
    }
}

/// The values as texts, to compare.
#[derive(Default)]
struct Texts(BTreeMap<(Key, Option<String>), String>);

impl Values for Texts {
    fn put<T: Serialize + ?Sized>(&mut self, key: Key, entry: Option<&str>, value: &T) {
        self.0.insert((key, entry.map(str::to_owned)), text(value));
    }
}

impl Texts {
    fn changes(&self, new: &Self) -> Vec<Change> {
        let all: BTreeSet<_> = self.0.keys().chain(new.0.keys()).collect();
        let changed = all.into_iter().filter_map(|(key, entry)| {
            let at = (*key, entry.clone());
            let key = match (self.0.get(&at), new.0.get(&at)) {
                (Some(old), Some(new)) => (old != new).then_some(*key),
                // It comes or goes with another: `enable` with `boot`, a text with its file.
                _ if entry.is_none() || key.is_content_of_a_file() => None,
                _ if *key == Key::CredentialSource => Some(Key::Credential),
                _ => Some(*key),
            };
            Some(Change {
                key: key?,
                entry: entry.clone(),
            })
        });
        whole(&changed.collect::<Vec<_>>())
    }
}

/// What came or went as a whole is named as a whole: `ports`, and not `ports.publish` besides.
pub(crate) fn whole(changed: &[Change]) -> Vec<Change> {
    let names: BTreeSet<&str> = changed.iter().map(|it| it.key.name()).collect();
    let is_part = |it: &Change| {
        let first = it.key.name().split_once('.').map(|(first, _)| first);
        it.entry.is_none() && first.is_some_and(|first| names.contains(first))
    };
    let whole = changed.iter().filter(|it| !is_part(it));
    whole.cloned().collect()
}

/// The keys in which a container that is declared in both models differs, in the order of the table.
/// Empty where one of them does not declare it.
pub fn changes(old: &Model, new: &Model, id: &ContainerId) -> Vec<Change> {
    let values = |model: &Model| {
        let group = model.groups.get(&id.group)?;
        let mut texts = Texts::default();
        host_values(model, &mut texts);
        container_values(group, group.containers.get(&id.name)?, &mut texts);
        Some(texts)
    };
    // Most containers are in both as they were: nothing is written out for those.
    if old.container(id) == new.container(id) && surround_alike(old, new, id) {
        return Vec::new();
    }
    match (values(old), values(new)) {
        (Some(old), Some(new)) => old.changes(&new),
        _ => Vec::new(),
    }
}

/// Whether both say the same of a container's host and group. It need not see every equality.
fn surround_alike(old: &Model, new: &Model, id: &ContainerId) -> bool {
    let (Some(one), Some(other)) = (old.groups.get(&id.group), new.groups.get(&id.group)) else {
        return false;
    };
    let Model {
        nameservers,
        metrics: _,
        load_gpu_modules: _,
        groups: _,
    } = old;
    let Group {
        name,
        description,
        subnet,
        host_address,
        bridge,
        reach,
        host_ports,
        containers: _,
    } = one;
    *nameservers == new.nameservers
        && *name == other.name
        && *description == other.description
        && *subnet == other.subnet
        && *host_address == other.host_address
        && *bridge == other.bridge
        && *reach == other.reach
        && *host_ports == other.host_ports
}

/// The keys of a group itself in which two declarations of it differ.
pub fn group_changes(old: &Group, new: &Group) -> Vec<Change> {
    let values = |group: &Group| {
        let mut texts = Texts::default();
        group_values(group, &mut texts);
        texts
    };
    values(old).changes(&values(new))
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
