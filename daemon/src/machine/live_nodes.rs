//! Device nodes in a guest that runs: which it has, and how it is given others.
//!
//! A node of ctrd's own file system is mounted over its place in the guest's /dev, as systemd-nspawn does
//! for those that are there at the start. Nothing is made in the guest but empty files to mount over, and
//! nothing is looked up by a path that could lead out of its /dev.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::mount::{MntFlags, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{Mode, SFlag, fstat, makedev, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, unlinkat};
use rustix::fs::{AtFlags as StatxAtFlags, CWD, StatxAttributes, StatxFlags, statx};
use rustix::mount::{MoveMountFlags, move_mount};

use super::root::{UidBase, copy_of_mount};
use crate::gpu::Node;
use crate::model::MachineName;
use crate::os::{Paths, failpoint, process_is_in};

/// What a guest has could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what} {path} in the guest")]
pub struct LiveNodeError {
    what: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl LiveNodeError {
    fn new(what: &'static str, path: &Path) -> impl FnOnce(Errno) -> Self {
        let path = path.to_owned();
        move |errno| Self {
            what,
            path,
            source: errno.into(),
        }
    }
}

/// A guest that runs.
#[derive(Debug, Clone)]
pub struct LiveGuest {
    /// Its first process, on the host.
    pub leader: u32,
    /// Its unit's cgroup, below the cgroup2 mount.
    pub control_group: String,
    /// The first of its user ids; `None` where it has the host's.
    pub base: Option<UidBase>,
}

/// Whether a running guest has each of these nodes at its place.
///
/// Who may open them there is not compared: its root may change that for its own users.
pub fn has_nodes(guest: &LiveGuest, nodes: &[Node]) -> Result<bool, LiveNodeError> {
    let root = match File::open(format!("/proc/{}/root", guest.leader)) {
        Ok(root) => root,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(source) => {
            return Err(LiveNodeError {
                what: "open",
                path: "/".into(),
                source,
            });
        }
    };
    // The number may be another process's by now, and then there is no guest to have anything.
    if !process_is_in(guest.leader, &guest.control_group).unwrap_or(false) {
        return Ok(true);
    }
    Ok(nodes.iter().all(|node| {
        open_in(&root, &node.path, OFlag::O_PATH | OFlag::O_NOFOLLOW)
            .and_then(|file| is_node(&file, node))
            .unwrap_or(false)
    }))
}

/// Opens a path of a guest below its root without following any link.
fn open_in(root: impl AsFd, path: &Path, flags: OFlag) -> nix::Result<OwnedFd> {
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(
        ResolveFlag::RESOLVE_IN_ROOT
            | ResolveFlag::RESOLVE_NO_SYMLINKS
            | ResolveFlag::RESOLVE_NO_MAGICLINKS,
    );
    openat2(root, path, how)
}

fn is_node(file: &OwnedFd, node: &Node) -> nix::Result<bool> {
    let found = fstat(file)?;
    let is_character = SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFCHR;
    Ok(is_character && found.st_rdev == makedev(node.major.into(), node.minor.into()))
}

/// Gives a running guest the nodes that it does not have at their places, and takes those away that are
/// named as stale, by the names of their files.
///
/// Blocks.
pub fn change_nodes(
    paths: &Paths,
    machine: &MachineName,
    guest: &LiveGuest,
    nodes: &[Node],
    stale: impl IntoIterator<Item = String>,
) -> Result<(), LiveNodeError> {
    let directory = paths.machine_nodes(machine);
    // Copies are made here, where their sources are: the guest's file system has none of it.
    let mut copies = Vec::new();
    for node in nodes {
        let source = directory.join(node.file_name());
        let error = |source| LiveNodeError {
            what: "copy the mount of",
            path: node.path.clone(),
            source,
        };
        copies.push((node.clone(), copy_of_mount(&source).map_err(error)?));
    }
    let stale: Vec<PathBuf> = stale.into_iter().map(|name| Node::path_of(&name)).collect();
    let guest = guest.clone();
    // setns(2) changes the file system of one thread, which ends with it.
    let joined = std::thread::spawn(move || in_guest(&guest, &copies, &stale));
    joined
        .join()
        .unwrap_or_else(|_| Err(LiveNodeError::new("change", Path::new("/dev"))(Errno::EIO)))
}

fn in_guest(
    guest: &LiveGuest,
    copies: &[(Node, OwnedFd)],
    stale: &[PathBuf],
) -> Result<(), LiveNodeError> {
    let root = Path::new("/");
    let io_error = |source| LiveNodeError {
        what: "look at",
        path: root.to_owned(),
        source,
    };
    let namespace = File::open(format!("/proc/{}/ns/mnt", guest.leader)).map_err(io_error)?;
    // The number may be another process's by now.
    if !process_is_in(guest.leader, &guest.control_group).map_err(io_error)? {
        return Err(LiveNodeError::new("look at", root)(Errno::ESRCH));
    }
    unshare(CloneFlags::CLONE_FS).map_err(LiveNodeError::new("leave the host for", root))?;
    setns(&namespace, CloneFlags::CLONE_NEWNS).map_err(LiveNodeError::new("join", root))?;
    let root = File::open("/").map_err(io_error)?;
    for path in stale {
        take(&root, path).map_err(LiveNodeError::new("take away", path))?;
        failpoint("node taken from the guest");
    }
    for (node, copy) in copies {
        give(&root, node, copy, guest.base).map_err(LiveNodeError::new("put", &node.path))?;
    }
    Ok(())
}

/// Mounts a node at its place in the guest.
fn give(root: &File, node: &Node, copy: &OwnedFd, base: Option<UidBase>) -> nix::Result<()> {
    let there = open_in(root, &node.path, OFlag::O_PATH | OFlag::O_NOFOLLOW);
    if let Ok(there) = &there
        && is_node(there, node)?
    {
        return Ok(());
    }
    unmount(&node.path);
    let place = match open_in(root, &node.path, OFlag::O_PATH | OFlag::O_NOFOLLOW) {
        Ok(place) => place,
        Err(Errno::ENOENT) => make_place(root, &node.path, base)?,
        Err(errno) => return Err(errno),
    };
    let kind = SFlag::from_bits_truncate(fstat(&place)?.st_mode) & SFlag::S_IFMT;
    if kind == SFlag::S_IFDIR || kind == SFlag::S_IFLNK {
        return Err(Errno::EEXIST);
    }
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(copy, "", &place, "", flags)
        .map_err(|errno| Errno::from_raw(errno.raw_os_error()))?;
    failpoint("node put into the guest");
    Ok(())
}

/// An empty file to mount over, with the directories that it stands in below /dev.
fn make_place(root: &File, path: &Path, base: Option<UidBase>) -> nix::Result<OwnedFd> {
    let first = base.map_or(0, UidBase::get);
    let mut directory = open_in(
        root,
        Path::new("/dev"),
        OFlag::O_DIRECTORY | OFlag::O_RDONLY,
    )?;
    let below = path.strip_prefix("/dev").map_err(|_| Errno::EINVAL)?;
    let (parents, name) = (below.parent().unwrap_or(Path::new("")), below.file_name());
    let name = name.ok_or(Errno::EINVAL)?;
    for parent in parents {
        let parent = Path::new(parent);
        let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY;
        directory = match open_in(&directory, parent, flags) {
            Err(Errno::ENOENT) => {
                mkdirat(&directory, parent, Mode::from_bits_truncate(0o755))?;
                let made = open_in(&directory, parent, flags)?;
                nix::unistd::fchown(
                    &made,
                    Some(Uid::from_raw(first)),
                    Some(Gid::from_raw(first)),
                )?;
                made
            }
            opened => opened?,
        };
    }
    let how = OpenHow::new()
        .flags(OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC)
        .mode(Mode::from_bits_truncate(0o600))
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
    openat2(&directory, name, how)?;
    let owner = (Some(Uid::from_raw(first)), Some(Gid::from_raw(first)));
    fchownat(
        &directory,
        name,
        owner.0,
        owner.1,
        AtFlags::AT_SYMLINK_NOFOLLOW,
    )?;
    open_in(
        &directory,
        Path::new(name),
        OFlag::O_PATH | OFlag::O_NOFOLLOW,
    )
}

/// Takes a node's mount away, and the empty file that it was mounted over.
///
/// One that systemd-nspawn mounted cannot be taken away from a guest with users of its own
/// (`mount_namespaces(7)`, "Restrictions on mount namespaces"): it stays, and the unit's list of devices
/// lets nobody open it.
fn take(root: &File, path: &Path) -> nix::Result<()> {
    unmount(path);
    let Ok(there) = open_in(root, path, OFlag::O_PATH | OFlag::O_NOFOLLOW) else {
        return Ok(());
    };
    let found = fstat(&there)?;
    let is_file = SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
    if !is_file || found.st_size != 0 || is_mount(path) {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    let directory = open_in(root, parent, OFlag::O_DIRECTORY | OFlag::O_RDONLY)?;
    let name = path.file_name().ok_or(Errno::EINVAL)?;
    match unlinkat(&directory, name, UnlinkatFlags::NoRemoveDir) {
        Err(Errno::ENOENT) => Ok(()),
        removed => removed,
    }
}

fn is_mount(path: &Path) -> bool {
    statx(
        CWD,
        path,
        StatxAtFlags::SYMLINK_NOFOLLOW,
        StatxFlags::empty(),
    )
    .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Takes away what is mounted at a path of the guest; only its own file system is changed by that,
/// wherever a link in it leads.
fn unmount(path: &Path) {
    // Each driver that came again was mounted over the one before, where that one is nspawn's.
    const MOST: u32 = 8;
    for _ in 0..MOST {
        if umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW).is_err() {
            return;
        }
    }
}
