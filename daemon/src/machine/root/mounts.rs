//! The overlay that gives a machine its private layer on a shared tree.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::idmap::{UserNamespace, attach, idmapped};
use super::{RootError, UidBase};

/// Something is mounted at `path`: it is on another device than the directory it stands in.
///
/// An overlay always has a device number of its own, so this cannot be fooled by a bind of the same
/// file system; ctrd mounts nothing else there.
pub fn mounted(path: &Path) -> io::Result<bool> {
    let here = match fs::symlink_metadata(path) {
        Ok(it) => it,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let Some(parent) = path.parent() else {
        return Ok(true);
    };
    Ok(here.dev() != fs::symlink_metadata(parent)?.dev())
}

/// What is mounted below `path`, by the table of this process's mounts (`/proc/self/mountinfo`,
/// `proc_pid_mountinfo(5)`).
pub(super) fn mounts_below(path: &Path) -> io::Result<Vec<PathBuf>> {
    let path = fs::canonicalize(path)?;
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(below(&table, &path))
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
    tree: &Path,
    state: &Path,
    target: &Path,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    let upper = state.join("upper");
    let work = state.join("work");
    for layer in [&upper, &work] {
        make_directory(layer, 0o755, base)?;
    }
    make_directory(target, 0o755, None)?;
    // The lower tree needs a name only while the overlay is made, and the overlay's own target
    // serves: what is mounted there first is covered, and then taken away.
    match base {
        None => mount_over(tree, &upper, &work, target),
        Some(base) => {
            let lower = target.with_extension("lower");
            make_directory(&lower, 0o700, None)?;
            let users = UserNamespace::new(base).map_err(RootError::UserNamespace)?;
            let shifted = idmapped(tree, &users).map_err(|source| RootError::CannotBeIdmapped {
                path: tree.to_owned(),
                source,
            })?;
            attach(&shifted, &lower).map_err(RootError::io("mount", &lower))?;
            let result = mount_over(&lower, &upper, &work, target);
            // The overlay holds a mount of its own of the lower tree.
            unmount(&lower)?;
            fs::remove_dir(&lower).map_err(RootError::io("remove", &lower))?;
            result
        }
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

/// Takes a mount away; that there is none is no failure.
pub(super) fn unmount(target: &Path) -> Result<(), RootError> {
    match umount2(target, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => Ok(()),
        Err(errno) => Err(RootError::io("unmount", target)(errno.into())),
    }
}

/// Makes a directory of ours with its owner; one that is there keeps its content.
pub(super) fn make_directory(
    path: &Path,
    mode: u32,
    owner: Option<UidBase>,
) -> Result<(), RootError> {
    match fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
    {
        Ok(()) => {}
        Err(error) => return Err(RootError::io("make", path)(error)),
    }
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
