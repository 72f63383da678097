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
use nix::sys::stat::{Mode, SFlag, major, makedev, minor, mknod};

use super::guest_groups::{Access, GuestGroups};
use super::mounts::{mounted, private_directory, unmount};
use super::{RootError, UidBase};
use crate::gpu::Node;
use crate::machine::command_line::root_directory;
use crate::model::{Container, MachineName};
use crate::os::{Paths, failpoint};

/// A hundred nodes of a hundred bytes, and the file system's own.
const OPTIONS: &str = "mode=0700,size=256k,nr_inodes=1k";
/// What a node is called until it is finished: no node's name begins with a dot.
const UNFINISHED: &str = ".new";

/// What a node is called that its guest is not to have any more.
fn aside(name: &str, major: u32, minor: u32) -> String {
    format!(".{name}.{major}:{minor}")
}

/// Makes the nodes of a container what they should be, whatever is there. Nodes that are there and
/// are not among them stay: [`put_nodes_aside`] takes them.
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
    let name = node.file_name();
    let path = directory.join(&name);
    let put_aside = directory.join(aside(&name, node.major, node.minor));
    let is_node = |path: &Path| is_node(path, node).map_err(RootError::io("look at", path));
    let made = if is_node(&path)? {
        path.clone()
    } else {
        put_node_aside(directory, &name)?;
        if is_node(&put_aside)? {
            put_aside
        } else {
            let new = directory.join(UNFINISHED);
            remove_if_there(&new)?;
            let device = makedev(node.major.into(), node.minor.into());
            mknod(&new, SFlag::S_IFCHR, Mode::empty(), device)
                .map_err(|errno| RootError::io("make", &path)(errno.into()))?;
            failpoint("node made");
            new
        }
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

/// Puts nodes aside that their guest is not to have any more.
pub fn put_nodes_aside(
    paths: &Paths,
    machine: &MachineName,
    stale: &BTreeSet<String>,
) -> Result<(), RootError> {
    let directory = paths.machine_nodes(machine);
    stale
        .iter()
        .try_for_each(|name| put_node_aside(&directory, name))
}

/// Puts away what stands at a node's name, for the node with those numbers to come back.
///
/// It is not removed: a guest may have it mounted and be unable to let go of it, and what is mounted
/// over a removed file is unmounted by the kernel, or cannot be mounted at all (`detach_mounts()` and
/// `cant_mount()` in its fs/namespace.c).
fn put_node_aside(directory: &Path, name: &str) -> Result<(), RootError> {
    let path = directory.join(name);
    let found = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(RootError::io("look at", &path))?,
    };
    let number = |part: u64| u32::try_from(part).unwrap_or_default();
    let (major, minor) = (number(major(found.rdev())), number(minor(found.rdev())));
    let target = directory.join(aside(name, major, minor));
    fs::rename(&path, target).map_err(RootError::io("put away", &path))?;
    failpoint("node put aside");
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
    names.retain(|name| !name.starts_with('.'));
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
