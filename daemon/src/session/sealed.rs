//! A copy of this program that nobody can change (`memfd_create(2)`, `F_ADD_SEALS`).
//!
//! The helper joins a guest, where `/proc/PID/exe` leads to the file it runs. A guest that got hold
//! of it could write to the daemon's own binary (CVE-2019-5736); to a sealed copy in memory nobody
//! can, not even root of the host.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fchmod, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use thiserror::Error;

/// There is no sealed copy.
#[derive(Debug, Error)]
pub enum SealError {
    /// The host forbids programs in memory.
    #[error("failed to make an executable file in memory: sysctl vm.memfd_noexec is 2")]
    Forbidden,
    /// The copy failed.
    #[error("failed to copy the program into memory")]
    Copy(#[source] io::Error),
}

/// Copies the running program. An upgrade that replaces the file on disk changes nothing: the
/// kernel still has the old one behind /proc/self/exe.
pub(super) fn copy_of_this_program() -> Result<OwnedFd, SealError> {
    let memory = executable_memory().map_err(|error| match error {
        Errno::ACCESS => SealError::Forbidden,
        other => SealError::Copy(other.into()),
    })?;
    fill(File::from(memory)).map_err(SealError::Copy)
}

/// Kernels before 6.3 do not know the flag and allow it without.
fn executable_memory() -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create("ctrd-session", flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => memfd_create("ctrd-session", flags),
        answer => answer,
    }
}

fn fill(mut memory: File) -> io::Result<OwnedFd> {
    io::copy(&mut File::open("/proc/self/exe")?, &mut memory)?;
    fchmod(&memory, 0o555.into())?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(&memory, seals)?;
    Ok(memory.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn is_the_program_and_cannot_be_changed() {
        let memory = File::from(copy_of_this_program().unwrap());
        let length = std::fs::metadata("/proc/self/exe").unwrap().len();
        assert_eq!(memory.metadata().unwrap().len(), length);
        assert!((&memory).write_all(b"x").is_err());
        assert!(memory.set_len(0).is_err());
    }
}
