//! The named namespaces: files with a namespace mounted on them, as `ip netns` makes them.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{fstat, stat};
use nix::sys::statfs::{NSFS_MAGIC, fstatfs};

use crate::os::failpoint;

/// Makes the directory ready for named namespaces: there, a mount point, and shared, so that what is
/// mounted in it is seen in the mount namespaces of services as well. This is what `ip netns add`
/// does the first time (`netns_add()` in iproute2's `ip/ipnetns.c`), done before any namespace is in it:
/// a directory that is mounted over itself later hides the mounts it had, whose files can then not
/// be removed (EBUSY). One that already has mounts in it and is no mount point is left as it is.
pub(super) fn prepare(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let directory = directory.canonicalize()?;
    let mounts = mount_points(&fs::read_to_string("/proc/thread-self/mountinfo")?);
    if !mounts.contains(&directory) {
        if mounts.iter().any(|point| point.starts_with(&directory)) {
            return Ok(());
        }
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(
            Some(&directory),
            &directory,
            None::<&str>,
            flags,
            None::<&str>,
        )?;
    }
    let flags = MsFlags::MS_SHARED | MsFlags::MS_REC;
    mount(None::<&str>, &directory, None::<&str>, flags, None::<&str>)?;
    Ok(())
}

/// The mount points of a `mountinfo` file, `proc_pid_mountinfo(5)`: the fifth word of a line, with
/// white space written as `\040` and the like.
fn mount_points(mountinfo: &str) -> Vec<PathBuf> {
    let unescape = |word: &str| {
        word.replace("\\040", " ")
            .replace("\\011", "\t")
            .replace("\\134", "\\")
    };
    mountinfo
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|word| PathBuf::from(unescape(word)))
        .collect()
}

/// Opens a named namespace; `None` where there is no file, or one with nothing mounted on it.
pub(super) fn open(path: &Path) -> io::Result<Option<OwnedFd>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_namespace = fstatfs(&file)?.filesystem_type() == NSFS_MAGIC;
    Ok(is_namespace.then(|| file.into()))
}

/// Which namespace: no two have the same while both live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Of an open namespace.
    pub(super) fn of(namespace: &OwnedFd) -> io::Result<Self> {
        let found = fstat(namespace)?;
        Ok(Self {
            device: found.st_dev,
            inode: found.st_ino,
        })
    }

    /// Of whatever is at `path`, which may be something else; `None` where nothing is.
    pub(super) fn at(path: &Path) -> io::Result<Option<Self>> {
        match stat(path) {
            Ok(found) => Ok(Some(Self {
                device: found.st_dev,
                inode: found.st_ino,
            })),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Gives a namespace its name.
pub(super) fn bind(namespace: &OwnedFd, path: &Path) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?;
    failpoint("namespace's file made");
    let source = format!("/proc/self/fd/{}", namespace.as_raw_fd());
    mount(
        Some(source.as_str()),
        path,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )?;
    Ok(())
}

/// Takes its name from a namespace. It may be gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    loop {
        match umount2(path, MntFlags::MNT_DETACH) {
            Ok(()) => failpoint("namespace unmounted"),
            // EINVAL: nothing (more) is mounted on it.
            Err(Errno::EINVAL | Errno::ENOENT) => break,
            Err(error) => return Err(error.into()),
        }
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Somebody mounted the directory over itself after the namespace was made. The name is
        // free for the next namespace, which is all that matters.
        Err(error) if error.raw_os_error() == Some(Errno::EBUSY as i32) => {
            tracing::warn!(path = %path.display(), "the file of a namespace is held by a hidden mount");
            Ok(())
        }
        result => result,
    }
}

/// Takes away the files of ours that no namespace was ever mounted on: a ctrd that ended between the two
/// has left them.
pub(super) fn remove_unfinished(directory: &Path) -> io::Result<()> {
    for name in list(directory)? {
        let path = directory.join(name);
        let empty = fs::symlink_metadata(&path).is_ok_and(|it| it.is_file() && it.len() == 0);
        if empty && open(&path).is_ok_and(|namespace| namespace.is_none()) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The names in the directory that start with `ctr-`.
pub(super) fn list(directory: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(directory)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    Ok(names
        .into_iter()
        .filter(|name| name.starts_with("ctr-"))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::mount_points;

    #[test]
    fn a_mount_point_with_a_blank_is_read() {
        let text = "36 35 98:0 /mnt1 /run/my\\040netns rw,noatime shared:1 - ext4 /dev/root rw\n\
                    37 35 0:4 net:[4026532281] /run/netns/ctr-a rw shared:2 - nsfs nsfs rw\n";
        assert_eq!(
            mount_points(text),
            [
                PathBuf::from("/run/my netns"),
                PathBuf::from("/run/netns/ctr-a")
            ]
        );
    }
}
