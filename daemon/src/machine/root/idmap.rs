//! Mounts whose owners are shifted into a guest's range (`mount_setattr(2)`, "ID-mapped mounts").

#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};

use super::UidBase;

/// A user namespace that maps a guest's ids onto the host's: 0 to the base, and so on.
#[derive(Debug)]
pub struct UserNamespace(File);

impl UserNamespace {
    /// Makes one.
    ///
    /// A namespace needs a process to be made in: a child that only waits, and is gone when this
    /// returns; the file keeps the namespace.
    pub fn new(base: UidBase) -> io::Result<Self> {
        let (child_end, mut our_end) = std::os::unix::net::UnixStream::pair()?;
        // SAFETY: between fork and _exit the child makes only system calls (unshare, write, read):
        // it allocates nothing and takes no lock that another thread may have held.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let fd = child_end.as_raw_fd();
                let mut byte = [0_u8; 1];
                // SAFETY: plain system calls on a file descriptor that this process owns and a
                // buffer on its own stack.
                unsafe {
                    byte[0] = u8::from(libc::unshare(libc::CLONE_NEWUSER) == 0);
                    libc::write(fd, byte.as_ptr().cast(), 1);
                    libc::close(our_end.as_raw_fd());
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
                    let map = format!("0 {} {}\n", base.get(), UidBase::RANGE);
                    fs::OpenOptions::new()
                        .write(true)
                        .open(format!("{process}/uid_map"))?
                        .write_all(map.as_bytes())?;
                    fs::OpenOptions::new()
                        .write(true)
                        .open(format!("{process}/gid_map"))?
                        .write_all(map.as_bytes())?;
                    File::open(format!("{process}/ns/user"))
                })();
                drop(our_end);
                waitpid(child, None)?;
                made.map(Self)
            }
        }
    }
}

/// A detached copy of the mount at `path`, its owners shifted into the namespace's range.
///
/// Nothing shows it until it is attached, and nothing of it is left when it is dropped. `EINVAL` is
/// a file system that cannot be idmapped.
pub fn idmapped(path: &Path, users: &UserNamespace) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_RECURSIVE as u32;
    // SAFETY: open_tree(2) with a NUL-terminated path that outlives the call.
    let tree = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
    let tree = i32::try_from(tree).unwrap_or(-1);
    if tree < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given us this file descriptor, and nobody else has it.
    let tree = unsafe { OwnedFd::from_raw_fd(tree) };
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::try_from(users.0.as_raw_fd()).unwrap_or(0),
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
        Ok(tree)
    }
}

/// Attaches a detached mount at `target`.
pub(super) fn attach(tree: &OwnedFd, target: &Path) -> io::Result<()> {
    let target = CString::new(target.as_os_str().as_bytes())?;
    // SAFETY: move_mount(2) with an empty source path on our own file descriptor and a
    // NUL-terminated target that outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
