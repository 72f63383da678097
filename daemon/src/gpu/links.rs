//! Links that a specification asks for, as nodes and mounts: pure.
//!
//! What a link would lead to is shown at the link's own path. So nothing is written into a guest's files
//! that would be wrong with the next driver, and no link in a guest decides what is there.

use std::path::{Component, Path, PathBuf};

use super::Node;
use super::cdi::Link;
use super::delivery::Mount;

/// As many as the kernel follows (`path_resolution(7)`).
const MOST: u32 = 40;

/// What links are as nodes and mounts, and those that lead to nothing that the guest is given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) nodes: Vec<Node>,
    pub(super) mounts: Vec<Mount>,
    pub(super) leading_nowhere: Vec<PathBuf>,
}

/// What these links would show of what a guest is given.
pub(super) fn shown(links: &[Link], nodes: &[Node], mounts: &[Mount]) -> Shown {
    let mut shown = Shown::default();
    for link in links {
        let end = end_of(link, links);
        let node = end
            .as_ref()
            .and_then(|end| nodes.iter().find(|it| it.path == *end));
        let mount = end.as_ref().and_then(|end| mounted(end, mounts));
        if let Some(node) = node {
            shown.nodes.push(Node {
                path: link.path.clone(),
                ..node.clone()
            });
        } else if let Some(mount) = mount {
            shown.mounts.push(Mount {
                guest: link.path.clone(),
                ..mount
            });
        } else {
            shown.leading_nowhere.push(link.path.clone());
        }
    }
    shown
}

/// Where a link leads, through others of these; `None` where that has no end.
fn end_of(link: &Link, links: &[Link]) -> Option<PathBuf> {
    let mut path = target(link)?;
    for _ in 0..MOST {
        match links.iter().find(|it| it.path == path) {
            Some(next) => path = target(next)?,
            None => return Some(path),
        }
    }
    None
}

/// The path that a link says, from its own directory on, as a path without `..`.
fn target(link: &Link) -> Option<PathBuf> {
    let from = link.path.parent()?.join(&link.target);
    let mut path = PathBuf::new();
    for component in from.components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    Some(path)
}

/// What a path shows that is mounted, or below something that is.
fn mounted(path: &Path, mounts: &[Mount]) -> Option<Mount> {
    let mount = mounts.iter().find(|mount| path.starts_with(&mount.guest))?;
    let below = path.strip_prefix(&mount.guest).ok()?;
    let host = if below.as_os_str().is_empty() {
        mount.host.clone()
    } else {
        mount.host.join(below)
    };
    Some(Mount {
        guest: path.to_owned(),
        host,
        no_exec: mount.no_exec,
    })
}

#[cfg(test)]
mod tests {
    use super::{Link, Mount, Node, shown};
    use std::path::{Path, PathBuf};

    fn link(path: &str, target: &str) -> Link {
        Link {
            path: path.into(),
            target: target.into(),
        }
    }

    fn mount(host: &str, guest: &str) -> Mount {
        Mount {
            host: host.into(),
            guest: guest.into(),
            no_exec: false,
        }
    }

    #[test]
    fn a_link_shows_what_it_leads_to() {
        let mounts = [mount("/host/libcuda.so.550.1", "/usr/lib/libcuda.so.550.1")];
        let links = [
            link("/usr/lib/libcuda.so.1", "libcuda.so.550.1"),
            link("/usr/lib/libcuda.so", "libcuda.so.1"),
            link("/opt/libcuda.so", "../usr/lib/./libcuda.so"),
            link("/usr/lib/libother.so", "libother.so.1"),
            link("/a", "/b"),
            link("/b", "/a"),
        ];
        let shown = shown(&links, &[], &mounts);
        let from = Path::new("/host/libcuda.so.550.1");
        assert!(shown.mounts.iter().all(|it| it.host == from));
        let guests: Vec<&Path> = shown.mounts.iter().map(|it| it.guest.as_path()).collect();
        let all = [
            "/usr/lib/libcuda.so.1",
            "/usr/lib/libcuda.so",
            "/opt/libcuda.so",
        ];
        assert_eq!(guests, all.map(Path::new));
        let nowhere = ["/usr/lib/libother.so", "/a", "/b"];
        assert_eq!(shown.leading_nowhere, nowhere.map(PathBuf::from));
    }

    #[test]
    fn a_link_in_dev_is_a_node_and_one_into_a_directory_a_part_of_it() {
        let node = Node {
            path: "/dev/dri/renderD128".into(),
            major: 226,
            minor: 128,
            mode: 0o660,
            group: None,
        };
        let links = [
            link("/dev/dri/by-path/pci-0000:01:00.0-render", "../renderD128"),
            link("/etc/vulkan/icd.d/nvidia.json", "/driver/share/nvidia.json"),
        ];
        let shown = shown(
            &links,
            std::slice::from_ref(&node),
            &[mount("/host/driver", "/driver")],
        );
        assert_eq!(shown.nodes[0].path, links[0].path);
        assert_eq!((shown.nodes[0].major, shown.nodes[0].minor), (226, 128));
        assert_eq!(
            shown.mounts[0].host,
            Path::new("/host/driver/share/nvidia.json")
        );
        assert!(shown.leading_nowhere.is_empty());
    }
}
