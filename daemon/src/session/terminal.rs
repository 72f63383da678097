//! A terminal of the guest: among its own devpts, so that `tty` names it and job control works.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, FsWord, Mode, OFlags, Uid, fchown, fstat, fstatfs, major, minor, open};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use thiserror::Error;

/// Linux `include/uapi/linux/magic.h`.
const DEVPTS_SUPER_MAGIC: FsWord = 0x1cd1;

/// Both sides of a new terminal.
#[derive(Debug)]
pub(super) struct Terminal {
    /// The side of the person.
    pub(super) master: OwnedFd,
    /// The side of the programs.
    pub(super) slave: OwnedFd,
}

/// The guest gives no terminal.
#[derive(Debug, Error)]
pub(super) enum TerminalError {
    /// It has no /dev/pts/ptmx that opens.
    #[error("failed to open /dev/pts/ptmx in the container")]
    Open(#[source] io::Error),
    /// Something else is there.
    #[error("/dev/pts/ptmx in the container is no terminal multiplexer of a devpts")]
    Impostor,
    /// The slave side could not be had.
    #[error("failed to make a terminal in the container")]
    Make(#[source] io::Error),
}

/// Makes a terminal. Called inside the guest's mount namespace, as the guest's root.
pub(super) fn make(owner: u32, rows: u16, columns: u16) -> Result<Terminal, TerminalError> {
    // O_NONBLOCK: whatever a guest put there, a FIFO for one, opening it does not wait.
    let flags =
        OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let master =
        open("/dev/pts/ptmx", flags, Mode::empty()).map_err(|e| TerminalError::Open(e.into()))?;
    if !is_multiplexer(&master).map_err(|e| TerminalError::Open(e.into()))? {
        return Err(TerminalError::Impostor);
    }
    finish(master, owner, rows, columns).map_err(|e| TerminalError::Make(e.into()))
}

/// A devpts and the device 5:2: only both together make the kernel's own multiplexer (pts(4)).
fn is_multiplexer(file: &OwnedFd) -> rustix::io::Result<bool> {
    let status = fstat(file)?;
    let device = FileType::from_raw_mode(status.st_mode) == FileType::CharacterDevice
        && (major(status.st_rdev), minor(status.st_rdev)) == (5, 2);
    Ok(device && fstatfs(file)?.f_type == DEVPTS_SUPER_MAGIC)
}

fn finish(master: OwnedFd, owner: u32, rows: u16, columns: u16) -> rustix::io::Result<Terminal> {
    unlockpt(&master)?;
    // From the master, not by its name (`ioctl_tty(2)`, `TIOCGPTPEER`): the guest could have mounted
    // something over /dev/pts in between.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let slave = ioctl_tiocgptpeer(&master, flags)?;
    // The group stays what the devpts was mounted with: `tty`, whose members may write(1) to it.
    fchown(&slave, Some(Uid::from_raw(owner)), None)?;
    if rows > 0 && columns > 0 {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size)?;
    }
    // The client decides how it reads; the open above only had not to hang.
    rustix::fs::fcntl_setfl(&master, OFlags::RDWR)?;
    Ok(Terminal { master, slave })
}
