//! Who may open a device node in a guest.

use std::io::Read;
use std::path::Path;

use nix::fcntl::OFlag;

use super::inside::open_inside;
use crate::gpu::Node;
use crate::model::{Container, Root};

/// The largest file of groups that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// The groups of these names that every NixOS system has, also before its first boot has written
/// its file of groups (nixos/modules/misc/ids.nix).
const NIXOS: [(&str, u32); 2] = [("video", 26), ("render", 303)];

/// The groups of a guest.
#[derive(Debug)]
pub(super) struct GuestGroups {
    file: String,
    nixos: bool,
}

/// Who may open a node, in the guest's own numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    /// Its group.
    pub(super) group: u32,
    /// Its permissions.
    pub(super) mode: u32,
}

impl GuestGroups {
    /// The groups of a container whose root is at `root`, by its `/etc/group` (group(5)). One that
    /// cannot be read has none.
    pub(super) fn of(container: &Container, root: &Path) -> Self {
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
        let mut file = String::new();
        if let Ok(opened) = open_inside(root, Path::new("etc/group"), flags) {
            let mut bounded = std::fs::File::from(opened).take(LIMIT);
            if bounded.read_to_string(&mut file).is_err() {
                file.clear();
            }
        }
        Self {
            file,
            nixos: matches!(container.root, Root::Nixos(_)),
        }
    }

    /// Who may open a node: whom the host lets, by the name of its group.
    ///
    /// A group that the guest does not have would leave the node to its root alone, and no service of
    /// it could use what the container was given. Who is let in was decided by the declaration: there,
    /// everybody in the guest has the group's rights.
    pub(super) fn access(&self, node: &Node) -> Access {
        let Some(name) = &node.group else {
            return Access {
                group: 0,
                mode: node.mode,
            };
        };
        match self.find(name) {
            Some(group) => Access {
                group,
                mode: node.mode,
            },
            None => Access {
                group: 0,
                mode: node.mode | (node.mode >> 3 & 0o7),
            },
        }
    }

    fn find(&self, name: &str) -> Option<u32> {
        let in_file = self.file.lines().find_map(|line| {
            let mut fields = line.split(':');
            let is_it = fields.next()? == name;
            let gid: u32 = fields.nth(1)?.parse().ok()?;
            (is_it && gid < super::UidBase::RANGE).then_some(gid)
        });
        let fixed = || {
            let fixed = NIXOS.iter().find(|(fixed, _)| *fixed == name);
            fixed.filter(|_| self.nixos).map(|(_, gid)| *gid)
        };
        in_file.or_else(fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, GuestGroups};
    use crate::gpu::Node;

    fn access(file: &str, nixos: bool, mode: u32, group: Option<&str>) -> (u32, u32) {
        let groups = GuestGroups {
            file: file.to_owned(),
            nixos,
        };
        let Access { group, mode } = groups.access(&Node {
            path: "/dev/dri/renderD128".into(),
            major: 226,
            minor: 128,
            mode,
            group: group.map(str::to_owned),
        });
        (group, mode)
    }

    #[test]
    fn the_guests_group_of_the_same_name_has_what_the_hosts_has() {
        let file = "root:x:0:\nrenderer:x:7:\nrender:x:992:ollama\nvideo:x:44:\n";
        assert_eq!(access(file, false, 0o660, Some("render")), (992, 0o660));
        assert_eq!(access(file, false, 0o660, None), (0, 0o660));
        assert_eq!(access(file, true, 0o660, Some("render")), (992, 0o660));
    }

    #[test]
    fn a_group_that_is_not_there_shuts_nobody_out() {
        assert_eq!(
            access("root:x:0:\n", false, 0o660, Some("nvidia")),
            (0, 0o666)
        );
        assert_eq!(access("", false, 0o640, Some("render")), (0, 0o644));
        assert_eq!(access("", true, 0o660, Some("render")), (303, 0o660));
        // Nobody's number in the guest.
        let file = "render:x:65536:\n";
        assert_eq!(access(file, false, 0o660, Some("render")), (0, 0o666));
    }
}
