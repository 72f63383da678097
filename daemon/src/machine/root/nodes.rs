//! Device nodes for a guest: each is made by ctrd, on a file system of the machine's own.
//!
//! The host's nodes cannot be shown to a guest with users of its own: the kernel idmaps no devtmpfs, and a
//! node that belongs to the host's `render` belongs to nobody there. So each machine with devices has a
//! tmpfs on which ctrd makes them with the owners that the guest is to see, and systemd-nspawn binds
//! them. Nothing is ever made in the host's own /dev. Decision 0022 has the reasons.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use super::guest_groups::{Access, GuestGroups};
use super::mounts::{mounted, private_directory, unmount};
use super::{RootError, UidBase};
use crate::gpu::Node;
use crate::machine::command_line::root_directory;
use crate::model::{Container, MachineName};
use crate::os::{Paths, failpoint};

/// A hundred nodes of a hundred bytes, and the file system's own.
const OPTIONS: &str = "mode=0700,size=256k,nr_inodes=1k";
/// What a node is called until it is finished: no node's name begins like this.
const UNFINISHED: &str = ".new";

/// Makes the nodes of a container what they should be, whatever is there. Nodes that are there and
/// are not among them stay: [`remove_stale_nodes`] takes them.
pub fn make_nodes(
    container: &Container,
    paths: &Paths,
    base: Option<UidBase>,
    nodes: &[Node],
) -> Result<(), RootError> {
    let directory = paths.machine_nodes(&container.machine);
    if nodes.is_empty() {
        return Ok(());
    }
    if !mounted(&directory).map_err(RootError::io("look at", &directory))? {
        private_directory(&paths.nodes())?;
        private_directory(&directory)?;
        failpoint("place of nodes made");
        // Not MS_NODEV: that is the point.
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
        mount(Some("ctr"), &directory, Some("tmpfs"), flags, Some(OPTIONS))
            .map_err(|errno| RootError::io("mount", &directory)(errno.into()))?;
        failpoint("place of nodes mounted");
    }
    let groups = GuestGroups::of(container, &root_directory(container, paths));
    for node in nodes {
        put(&directory, node, groups.access(node), base)?;
    }
    Ok(())
}

/// Makes one node, or sets who may open the one that is there. A guest that has it sees that at once.
fn put(
    directory: &Path,
    node: &Node,
    access: Access,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    let path = directory.join(node.file_name());
    let made = if is_node(&path, node).map_err(RootError::io("look at", &path))? {
        path.clone()
    } else {
        let new = directory.join(UNFINISHED);
        remove_if_there(&new)?;
        let device = makedev(node.major.into(), node.minor.into());
        mknod(&new, SFlag::S_IFCHR, Mode::empty(), device)
            .map_err(|errno| RootError::io("make", &path)(errno.into()))?;
        failpoint("node made");
        new
    };
    let first = base.map_or(0, UidBase::get);
    chown(&made, Some(first), Some(first + access.group))
        .map_err(RootError::io("give an owner to", &path))?;
    fs::set_permissions(&made, fs::Permissions::from_mode(access.mode))
        .map_err(RootError::io("set the mode of", &path))?;
    if made != path {
        fs::rename(&made, &path).map_err(RootError::io("name", &path))?;
        failpoint("node named");
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<(), RootError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RootError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Whether what stands at a path is this node, whoever may open it.
fn is_node(path: &Path, node: &Node) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(found.file_type().is_char_device()
            && found.rdev() == makedev(node.major.into(), node.minor.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether exactly these nodes are there, each as it should be.
pub fn nodes_are_current(
    container: &Container,
    paths: &Paths,
    base: Option<UidBase>,
    nodes: &[Node],
) -> Result<bool, RootError> {
    let directory = paths.machine_nodes(&container.machine);
    let there = file_names(&directory)?;
    if there != nodes.iter().map(Node::file_name).collect() {
        return Ok(false);
    }
    if nodes.is_empty() {
        return Ok(true);
    }
    let groups = GuestGroups::of(container, &root_directory(container, paths));
    let first = base.map_or(0, UidBase::get);
    for node in nodes {
        let path = directory.join(node.file_name());
        let access = groups.access(node);
        let found = fs::symlink_metadata(&path).map_err(RootError::io("look at", &path))?;
        let current = found.file_type().is_char_device()
            && found.rdev() == makedev(node.major.into(), node.minor.into())
            && found.mode() & 0o7777 == access.mode
            && (found.uid(), found.gid()) == (first, first + access.group);
        if !current {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The nodes that are there and are not among these, by the names of their files.
pub fn stale_nodes(
    paths: &Paths,
    machine: &MachineName,
    nodes: &[Node],
) -> Result<BTreeSet<String>, RootError> {
    let mut there = file_names(&paths.machine_nodes(machine))?;
    for node in nodes {
        there.remove(&node.file_name());
    }
    Ok(there)
}

/// Takes nodes away that their guest does not have any more.
pub fn remove_stale_nodes(
    paths: &Paths,
    machine: &MachineName,
    stale: &BTreeSet<String>,
) -> Result<(), RootError> {
    let directory = paths.machine_nodes(machine);
    for name in stale {
        remove_if_there(&directory.join(name))?;
        failpoint("stale node removed");
    }
    Ok(())
}

fn file_names(directory: &Path) -> Result<BTreeSet<String>, RootError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.map_err(RootError::io("read", directory))?,
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let name = entry.map_err(RootError::io("read", directory))?.file_name();
        names.insert(name.to_string_lossy().into_owned());
    }
    names.remove(UNFINISHED);
    Ok(names)
}

/// Takes all nodes of a machine away; that there are none is no failure.
pub(super) fn remove_nodes(paths: &Paths, machine: &MachineName) -> Result<(), RootError> {
    let directory = paths.machine_nodes(machine);
    unmount(&directory)?;
    failpoint("place of nodes unmounted");
    match fs::remove_dir(&directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RootError::io("remove", &directory)(error))
        }
        _ => Ok(()),
    }
}
