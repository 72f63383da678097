//! The mount that a machine's root is: an overlay with a private layer on a shared tree, or a
//! directory of its own.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

use super::binds::blame;
use super::host_path::Opened;
use super::idmap::{UserNamespace, attach, copy_of, set};
use super::ownership::IdMap;
use super::{RootError, UidBase};
use crate::os::{durable, failpoint};

/// Something is mounted at `path` (statx(2), `STATX_ATTR_MOUNT_ROOT`).
pub(super) fn mounted(path: &Path) -> io::Result<bool> {
    match statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()) {
        Ok(found) => Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)),
        Err(rustix::io::Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// What is mounted below `path`, by the table of this process's mounts (`/proc/self/mountinfo`,
/// `proc_pid_mountinfo(5)`). The path is one without links.
pub(in crate::machine) fn mounts_below(path: &Path) -> io::Result<Vec<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(below(&table, path))
}

fn below(table: &str, path: &Path) -> Vec<PathBuf> {
    table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|point| PathBuf::from(unescape(point)))
        .filter(|point| point.starts_with(path) && point != path)
        .collect()
}

/// The kernel writes a space, a tab, a new line and a backslash as three octal digits.
fn unescape(point: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .iter()
    .fold(point.to_owned(), |text, (code, plain)| {
        text.replace(code, plain)
    })
}

/// Mounts `tree` (shared, read-only) with the layer in `state` on it at `target`.
///
/// With a user range the tree is idmapped first and the overlay stands on that: no file of the tree
/// is copied or changes its owner (measured: 8 MB of copies for a booted guest against 220 MB where
/// nspawn changes the owners).
pub(super) fn mount_overlay(
    tree: &Opened,
    state: &Path,
    target: &Path,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    let upper = state.join("upper");
    let work = state.join("work");
    for layer in [&upper, &work] {
        make_directory(layer, 0o755, base)?;
    }
    private_directory(target)?;
    // The lower tree needs a name only while the overlay is made.
    let lower = lower_of(target);
    unmount(&lower)?;
    private_directory(&lower)?;
    let shown = root_copy(tree, base, false)?;
    attach(&shown, &lower).map_err(RootError::io("mount", &lower))?;
    failpoint("lower tree mounted");
    let result = mount_over(&lower, &upper, &work, target);
    failpoint("overlay mounted");
    // The overlay holds a mount of its own of the lower tree.
    unmount(&lower)?;
    failpoint("lower tree unmounted");
    fs::remove_dir(&lower).map_err(RootError::io("remove", &lower))?;
    result
}

/// Where the lower tree is mounted while the overlay at `target` is made.
pub(super) fn lower_of(target: &Path) -> PathBuf {
    target.with_extension(LOWER)
}

/// No machine's name has a dot.
pub(super) const LOWER: &str = "lower";

/// Takes away what is mounted at a root's target, and what a crash left of making it.
pub(super) fn unmount_root(target: &Path) -> Result<(), RootError> {
    // A systemd-nspawn that was killed leaves the file that it has locked its root by
    // (`image_path_lock()` in systemd's source).
    if let Some(name) = target.file_name() {
        let lock = target.with_file_name(format!(".#{}.lck", name.display()));
        match fs::remove_file(&lock) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(RootError::io("remove", &lock)(error));
            }
            _ => failpoint("nspawn's lock removed"),
        }
    }
    for path in [&lower_of(target), target] {
        unmount(path)?;
        failpoint("root unmounted");
        match fs::remove_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(RootError::io("remove", path)(error));
            }
            _ => failpoint("root's mount point removed"),
        }
    }
    Ok(())
}

/// Mounts a directory that is written in place at `target`, with what is mounted below it.
pub(super) fn mount_directory(
    directory: &Opened,
    target: &Path,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    private_directory(target)?;
    let shown = root_copy(directory, base, true)?;
    attach(&shown, target).map_err(RootError::io("mount the root at", target))
}

/// What systemd-nspawn(1) idmaps a root with besides the guest's own ids (`UID_MAPPED_ROOT` in its
/// source): the host's root, which makes the mount points in it, has an id there too.
const HOST_ROOT: u32 = 2_147_483_646;

/// A detached copy of a root, its owners shifted into a guest's range.
pub(super) fn root_copy(
    root: &Opened,
    base: Option<UidBase>,
    all: bool,
) -> Result<OwnedFd, RootError> {
    let tree = copy_of(&root.file, all).map_err(RootError::io("copy the mount of", &root.path))?;
    let users = match base {
        None => None,
        Some(base) => {
            let host_root = IdMap {
                disk: HOST_ROOT,
                shown: 0,
                count: 1,
            };
            let maps = [IdMap::whole(0, base.get()), host_root];
            Some(UserNamespace::new(&maps, &maps).map_err(RootError::UserNamespace)?)
        }
    };
    match (set(&tree, users.as_ref(), false), &users) {
        (Ok(()), _) => Ok(tree),
        (Err(error), Some(users)) => Err(blame(&root.path, root, users, error)),
        (Err(error), None) => Err(RootError::io("set up the mount of", &root.path)(error)),
    }
}

fn mount_over(lower: &Path, upper: &Path, work: &Path, target: &Path) -> Result<(), RootError> {
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        escape(lower),
        escape(upper),
        escape(work)
    );
    let mut tries = 0;
    loop {
        let mounted = mount(
            Some("ctr"),
            target,
            Some("overlay"),
            MsFlags::MS_NODEV | MsFlags::MS_NOATIME,
            Some(options.as_str()),
        );
        match mounted {
            Ok(()) => return Ok(()),
            // The layer is in use as long as the last process of the guest before is on its way out
            // of its mount namespace (`ovl_inuse_trylock()` in fs/overlayfs).
            Err(Errno::EBUSY) if tries < BUSY_TRIES => {
                tries += 1;
                thread::sleep(BUSY_PAUSE);
            }
            Err(errno) => return Err(RootError::io("mount the root at", target)(errno.into())),
        }
    }
}

/// Together far longer than a mount namespace takes to go.
const BUSY_TRIES: u32 = 100;
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// In overlayfs's options a comma, a colon and a backslash of a path are escaped with a backslash.
fn escape(path: &Path) -> String {
    let mut out = String::new();
    for c in path.display().to_string().chars() {
        if matches!(c, ',' | ':' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Takes away all that is mounted at `target`; that there is nothing is no failure.
pub(super) fn unmount(target: &Path) -> Result<(), RootError> {
    loop {
        match umount2(target, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
            Ok(()) => {}
            Err(Errno::EINVAL | Errno::ENOENT) => return Ok(()),
            Err(errno) => return Err(RootError::io("unmount", target)(errno.into())),
        }
    }
}

/// Makes a directory that no user of the host can enter: what is below has owners of a guest.
pub(super) fn private_directory(path: &Path) -> Result<(), RootError> {
    make_directory(path, 0o700, None)?;
    // One of an earlier version may be open.
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .map_err(RootError::io("close", path))
}

/// Makes what a directory, or anything else, can be mounted over; what is there stays.
pub(super) fn make_mount_point(path: &Path, for_directory: bool) -> Result<(), RootError> {
    if for_directory {
        return private_directory(path);
    }
    let mut file = OpenOptions::new();
    file.write(true).create(true).truncate(false).mode(0o600);
    file.open(path).map_err(RootError::io("make", path))?;
    Ok(())
}

/// Makes a directory of ours with its owner; one that is there keeps its content. Its name outlives a
/// power cut, as what its guest saves in it does.
pub(super) fn make_directory(
    path: &Path,
    mode: u32,
    owner: Option<UidBase>,
) -> Result<(), RootError> {
    durable::make_directory(path, mode)?;
    if let Some(owner) = owner {
        let id = Some(owner.get());
        chown(path, id, id).map_err(RootError::io("give an owner to", path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{below, escape};
    use std::path::{Path, PathBuf};

    #[test]
    fn what_is_mounted_below_is_found_and_its_neighbours_are_not() {
        let table = "22 1 0:1 / /srv/a rw - tmpfs a rw\n23 22 0:2 / /srv/a/b\\040c rw - tmpfs b rw\n\
                     24 1 0:3 / /srv/ab rw - tmpfs c rw\n";
        assert_eq!(
            below(table, Path::new("/srv/a")),
            [PathBuf::from("/srv/a/b c")]
        );
    }

    #[test]
    fn a_path_cannot_add_an_option() {
        assert_eq!(
            escape(Path::new("/a,upperdir=/b:c\\")),
            "/a\\,upperdir=/b\\:c\\\\"
        );
    }
}
