//! The bounds of a guest's user namespace (namespaces(7), `/proc/sys/user`).
//!
//! These files are those of the user namespace that looks at them, and only who has
//! `CAP_SYS_RESOURCE` in it may write there (`set_permissions()` in the kernel's kernel/ucount.c): ctrd
//! has it once it has joined, the guest never. Only a process with one thread can join a user
//! namespace (setns(2)), so each look is a child that is gone when it is answered.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};

use super::confinement::Bound;
use super::root::UidBase;

/// The bounds of a guest's users could not be read or set.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what} the bounds of the guest's users in /proc/sys/user")]
pub struct BoundsError {
    what: &'static str,
    #[source]
    source: io::Error,
}

impl BoundsError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        (self.source.raw_os_error() == Some(libc::EROFS))
            .then(|| "mount /proc/sys/user so that root can write there".to_owned())
    }
}

/// Whether every bound is as it should be. A guest that has just ended has none to set.
pub fn observe_bounds(leader: u32, base: UidBase, bounds: &[Bound]) -> Result<bool, BoundsError> {
    let differs = look(leader, base, bounds, false);
    differs
        .map(|differs| !differs)
        .map_err(|source| BoundsError {
            what: "read",
            source,
        })
}

/// Sets every bound that is not as it should be. What a guest already has beyond it stays.
pub fn set_bounds(leader: u32, base: UidBase, bounds: &[Bound]) -> Result<(), BoundsError> {
    let set = look(leader, base, bounds, true);
    set.map(drop).map_err(|source| BoundsError {
        what: "set",
        source,
    })
}

/// Whether some bound differs, or did.
fn look(leader: u32, base: UidBase, bounds: &[Bound], write: bool) -> io::Result<bool> {
    let Some(namespace) = namespace_of(leader, base)? else {
        return Ok(false);
    };
    // Made before the fork: the child allocates nothing.
    let files = bounds
        .iter()
        .map(|(name, most)| {
            let path = CString::new(format!("/proc/sys/user/{name}"))?;
            Ok((path, most.to_string().into_bytes()))
        })
        .collect::<io::Result<Vec<_>>>()?;
    let (child_end, mut our_end) = UnixStream::pair()?;
    // SAFETY: between fork and _exit the child makes only system calls: it allocates nothing and
    // takes no lock that another thread may have held.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let answer = in_child(&namespace, &files, write).to_ne_bytes();
            // SAFETY: write(2) of a buffer on its own stack, and _exit(2).
            unsafe {
                libc::write(child_end.as_raw_fd(), answer.as_ptr().cast(), answer.len());
                libc::_exit(0)
            }
        }
        ForkResult::Parent { child } => {
            drop(child_end);
            let mut answer = [0_u8; 4];
            let heard = our_end.read_exact(&mut answer);
            waitpid(child, None)?;
            heard?;
            match i32::from_ne_bytes(answer) {
                AS_IT_SHOULD_BE => Ok(false),
                DIFFERS => Ok(true),
                errno => Err(io::Error::from_raw_os_error(errno)),
            }
        }
    }
}

/// The child's answers; what is above zero is an errno.
const AS_IT_SHOULD_BE: i32 = 0;
const DIFFERS: i32 = -1;

/// The user namespace of a guest's first process; `None` where it is gone.
///
/// A process id can be another's by now: whoever has it is the guest only if its users are those of
/// the guest, which nobody else has.
fn namespace_of(leader: u32, base: UidBase) -> io::Result<Option<File>> {
    let gone = |error: &io::Error| {
        error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
    };
    let read = File::open(format!("/proc/{leader}/ns/user")).and_then(|namespace| {
        let map = fs::read_to_string(format!("/proc/{leader}/uid_map"))?;
        Ok((namespace, map))
    });
    let (namespace, map) = match read {
        Ok(read) => read,
        Err(error) if gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let first = map.split_whitespace().nth(1);
    let its_own = first.and_then(|first| first.parse().ok()) == Some(base.get());
    Ok(its_own.then_some(namespace))
}

fn in_child(namespace: &File, files: &[(CString, Vec<u8>)], write: bool) -> i32 {
    // SAFETY: setns(2) with a descriptor that is open.
    if unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWUSER) } != 0 {
        return errno();
    }
    let mut answer = AS_IT_SHOULD_BE;
    for (path, most) in files {
        match one(path, most, write) {
            Ok(true) => {}
            Ok(false) => answer = DIFFERS,
            Err(errno) => return errno,
        }
    }
    answer
}

/// Whether a bound was as it should be.
fn one(path: &CString, most: &[u8], write: bool) -> Result<bool, i32> {
    let mut now = [0_u8; 32];
    // SAFETY: plain system calls with a NUL-terminated path, a buffer on its own stack and a
    // descriptor that this process has just opened.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return match errno() {
                // An older kernel does not count this.
                libc::ENOENT => Ok(true),
                errno => Err(errno),
            };
        }
        let length = libc::read(file, now.as_mut_ptr().cast(), now.len());
        let failed = errno();
        libc::close(file);
        let Ok(length) = usize::try_from(length) else {
            return Err(failed);
        };
        let line = now.get(..length).unwrap_or_default();
        if line.strip_suffix(b"\n").unwrap_or(line) == most {
            return Ok(true);
        }
        if write {
            let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
            if file < 0 {
                return Err(errno());
            }
            let written = libc::write(file, most.as_ptr().cast(), most.len());
            let failed = errno();
            libc::close(file);
            if written < 0 {
                return Err(failed);
            }
        }
    }
    Ok(false)
}

fn errno() -> i32 {
    nix::errno::Errno::last_raw()
}

#[cfg(test)]
mod tests {
    use super::{UidBase, observe_bounds, set_bounds};

    #[test]
    fn a_process_with_other_users_is_not_the_guest() {
        let us = std::process::id();
        let base = UidBase::new(524_288).expect("a range");
        let impossible = [("max_user_namespaces", 1)];
        // It would be this test's own user namespace, the machine's.
        set_bounds(us, base, &impossible).expect("nothing was done");
        assert!(observe_bounds(us, base, &impossible).expect("nothing was read"));
    }
}
