//! How much a tree takes, and when it was changed last.

use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

use crate::machine::root::FileError;

/// A tree may be deeper than this; what is below is not counted. A descriptor is open for each level.
const DEEPEST: usize = 64;
/// What a block of `st_blocks` has (inode(7)).
const BLOCK: u64 = 512;

/// The sum of some trees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measured {
    /// Bytes on the disk, about: a file with two names counts twice.
    pub(super) bytes: u64,
    /// The newest change of anything, in milliseconds since the epoch.
    pub(super) changed_ms: Option<u64>,
}

impl Measured {
    pub(super) fn add(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.changed_ms = self.changed_ms.max(other.changed_ms);
    }

    fn of(stat: &Stat) -> Self {
        let blocks = u64::try_from(stat.st_blocks).unwrap_or_default();
        let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
        Self {
            bytes: blocks.saturating_mul(BLOCK),
            changed_ms: Some(seconds.saturating_mul(1000)),
        }
    }
}

/// Measures a tree. No link is followed and no other file system entered.
pub(super) fn measure(path: &Path) -> Result<Measured, FileError> {
    let error = |errno: Errno| FileError::new("measure", path)(errno.into());
    let stat = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).map_err(error)?;
    let mut sum = Measured::of(&stat);
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        let directory = open(CWD, path).map_err(error)?;
        below(&directory, stat.st_dev, DEEPEST, &mut sum).map_err(error)?;
    }
    Ok(sum)
}

fn below(directory: &OwnedFd, device: u64, levels: usize, sum: &mut Measured) -> Result<(), Errno> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let stat = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            // Somebody took it away meanwhile.
            Err(Errno::NOENT) => continue,
            stat => stat?,
        };
        if stat.st_dev != device {
            continue;
        }
        sum.add(Measured::of(&stat));
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory && levels > 0 {
            match open(directory, name) {
                Ok(inner) => below(&inner, device, levels - 1, sum)?,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
    Ok(())
}

fn open<Fd: rustix::fd::AsFd, P: rustix::path::Arg>(at: Fd, name: P) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, name, flags, Mode::empty())
}
