//! Who may open a node, as the host has it.

use std::collections::BTreeMap;

use rustix::fs::{major, minor};

use super::inventory::Node;
use super::tree::{InventoryError, Tree};

/// Who may open a node that the host does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Permissions {
    pub(super) mode: u32,
    pub(super) group: Option<String>,
}

impl Permissions {
    /// Of a kind of node that systemd has a rule for (50-udev-default.rules, with the mode that
    /// distributions build it with).
    pub(super) fn of_group(group: &str) -> Self {
        Self {
            mode: 0o660,
            group: Some(group.to_owned()),
        }
    }
}

/// The names of groups, each looked up once.
pub(super) struct Groups<'a> {
    name: &'a dyn Fn(u32) -> Option<String>,
    known: BTreeMap<u32, Option<String>>,
}

impl<'a> Groups<'a> {
    pub(super) fn new(name: &'a dyn Fn(u32) -> Option<String>) -> Self {
        Self {
            name,
            known: BTreeMap::new(),
        }
    }

    /// A group's name; `None` for root's, and for one without a name.
    pub(super) fn name(&mut self, gid: u32) -> Option<String> {
        if gid == 0 {
            return None;
        }
        let name = self.name;
        self.known.entry(gid).or_insert_with(|| name(gid)).clone()
    }
}

/// Makes nodes of device numbers.
pub(super) struct Nodes<'a> {
    dev: &'a Tree,
    groups: Groups<'a>,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(dev: &'a Tree, groups: Groups<'a>) -> Self {
        Self { dev, groups }
    }

    pub(super) fn group(&mut self, gid: u32) -> Option<String> {
        self.groups.name(gid)
    }

    /// A node at `name` below /dev. The host's own says who may open it, unless it is one of another
    /// device, left over from a driver that was loaded before.
    pub(super) fn node(
        &mut self,
        name: &str,
        number: (u32, u32),
        default: &Permissions,
    ) -> Result<Node, InventoryError> {
        let own = self.dev.character_device(name)?;
        let own = own.filter(|stat| (major(stat.st_rdev), minor(stat.st_rdev)) == number);
        let Permissions { mode, group } = match own {
            Some(stat) => Permissions {
                mode: stat.st_mode & 0o777,
                group: self.groups.name(stat.st_gid),
            },
            None => default.clone(),
        };
        Ok(Node {
            path: format!("/dev/{name}").into(),
            major: number.0,
            minor: number.1,
            mode,
            group,
        })
    }
}
