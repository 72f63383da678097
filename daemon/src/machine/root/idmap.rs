//! Mounts whose owners are shifted (`mount_setattr(2)`, "ID-mapped mounts").

#![allow(unsafe_code)]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};
use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use super::UidBase;
use super::host_path::open_host;
use super::ownership::IdMap;

/// A user namespace that says which ids of a disk are shown as which.
#[derive(Debug)]
pub(super) struct UserNamespace(File);

impl UserNamespace {
    /// Makes one.
    ///
    /// A namespace needs a process to be made in: a child that only waits, and is gone when this
    /// returns; the file keeps the namespace.
    pub(super) fn new(users: &[IdMap], groups: &[IdMap]) -> io::Result<Self> {
        let (child_end, mut our_end) = std::os::unix::net::UnixStream::pair()?;
        // SAFETY: between fork and _exit the child makes only system calls (close_range, unshare,
        // write, read): it allocates nothing and takes no lock that another thread may have held.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let fd = child_end.as_raw_fd();
                let kept = fd.unsigned_abs();
                let mut byte = [0_u8; 1];
                // SAFETY: plain system calls on a file descriptor that this process owns and a
                // buffer on its own stack.
                unsafe {
                    // Two of these at once would each hold the other's end, and wait for it for ever.
                    if kept > 0 {
                        libc::syscall(libc::SYS_close_range, 0, kept - 1, 0);
                    }
                    libc::syscall(libc::SYS_close_range, kept + 1, u32::MAX, 0);
                    byte[0] = u8::from(libc::unshare(libc::CLONE_NEWUSER) == 0);
                    libc::write(fd, byte.as_ptr().cast(), 1);
                    libc::read(fd, byte.as_mut_ptr().cast(), 1);
                    libc::_exit(0)
                }
            }
            ForkResult::Parent { child } => {
                drop(child_end);
                let made = (|| {
                    let mut done = [0_u8; 1];
                    our_end.read_exact(&mut done)?;
                    if done[0] != 1 {
                        return Err(io::Error::other("the kernel refuses user namespaces"));
                    }
                    let process = format!("/proc/{child}");
                    for (file, maps) in [("uid_map", users), ("gid_map", groups)] {
                        fs::OpenOptions::new()
                            .write(true)
                            .open(format!("{process}/{file}"))?
                            .write_all(lines(maps).as_bytes())?;
                    }
                    File::open(format!("{process}/ns/user"))
                })();
                drop(our_end);
                waitpid(child, None)?;
                made.map(Self)
            }
        }
    }

    /// One that shifts a whole guest's ids from 0 on the disk to its base.
    pub(super) fn of_guest(base: UidBase) -> io::Result<Self> {
        let whole = [IdMap::whole(0, base.get())];
        Self::new(&whole, &whole)
    }
}

/// As `user_namespaces(7)` has it: what is within, what is without, how many.
fn lines(maps: &[IdMap]) -> String {
    maps.iter().fold(String::new(), |mut text, map| {
        let _ = writeln!(text, "{} {} {}", map.disk, map.shown, map.count);
        text
    })
}

/// A detached copy of the mount at an open path, with what is mounted below it if `all`.
///
/// Nothing shows it until it is attached, and nothing of it is left when it is dropped.
pub(super) fn copy_of(file: impl AsFd, all: bool) -> io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    if all {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    Ok(open_tree(file, "", flags)?)
}

/// A detached copy of the mount at a path of ctrd's own, that no later mount elsewhere comes into.
pub(in crate::machine) fn copy_of_mount(path: &Path) -> io::Result<OwnedFd> {
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_NOFOLLOW)
        .open(path)?;
    let copy = copy_of(&file, false)?;
    set(&copy, None, false)?;
    Ok(copy)
}

/// Sets what a detached copy is like, all of it or nothing: whose files it shows, and whether they can
/// be written. From then on it takes part in no mount that happens elsewhere: one that came later would
/// come with its owners as they are.
///
/// `EINVAL` is a file system that cannot be idmapped, `EPERM` one that is idmapped already.
pub(super) fn set(
    tree: &OwnedFd,
    users: Option<&UserNamespace>,
    read_only: bool,
) -> io::Result<()> {
    let attributes = if read_only {
        libc::MOUNT_ATTR_RDONLY
    } else {
        0
    };
    set_attributes(tree, users, attributes)
}

/// [`set`], with these attributes (`mount_setattr(2)`).
pub(super) fn set_attributes(
    tree: &OwnedFd,
    users: Option<&UserNamespace>,
    attributes: u64,
) -> io::Result<()> {
    let idmap = users.map_or(0, |_| libc::MOUNT_ATTR_IDMAP);
    let attributes = libc::mount_attr {
        attr_set: idmap | attributes,
        attr_clr: 0,
        propagation: libc::MS_PRIVATE,
        userns_fd: users.map_or(0, |users| {
            u64::try_from(users.0.as_raw_fd()).unwrap_or_default()
        }),
    };
    // SAFETY: mount_setattr(2) with an empty path on our own file descriptor and a structure of the
    // size that is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// A detached copy of one mount, its owners shifted.
pub(super) fn idmapped(file: impl AsFd, users: &UserNamespace) -> io::Result<OwnedFd> {
    let tree = copy_of(file, false)?;
    set(&tree, Some(users), false)?;
    Ok(tree)
}

/// Whether nspawn can idmap what is at `path`.
pub fn can_be_idmapped(path: &Path, base: UidBase) -> bool {
    open_host(path).is_ok_and(|opened| {
        UserNamespace::of_guest(base)
            .and_then(|users| idmapped(&opened.file, &users))
            .is_ok()
    })
}

/// Attaches a detached mount at `target`.
pub(super) fn attach(tree: &OwnedFd, target: &Path) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    Ok(move_mount(tree, "", CWD, target, flags)?)
}

#[cfg(test)]
mod tests {
    use super::UserNamespace;
    use crate::machine::root::UidBase;

    #[test]
    fn many_are_made_at_once_and_none_waits_for_another() {
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        let threads: Vec<_> = (0..16)
            .map(|_| {
                std::thread::spawn(|| {
                    for _ in 0..20 {
                        UserNamespace::of_guest(UidBase::LOWEST).expect("made");
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("ended");
        }
    }
}
