//! Whose word the declaration is.
//!
//! It makes mounts, units and firewall rules as root, so whoever can write to it is root. sudo and
//! sshd ask the same of their own files (`sudoers(5)`, `StrictModes` in `sshd_config(5)`).

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Somebody who is not root can change what a path holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distrust {
    /// The file, or a directory on the way to it.
    pub path: PathBuf,
    /// Why.
    pub why: Why,
}

/// Who can change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It belongs to this user.
    Owner(u32),
    /// Everybody can write to it.
    Everybody,
    /// This group can write to it.
    Group(u32),
}

impl Distrust {
    /// What a person can do about it.
    pub fn hint(&self) -> String {
        let path = self.path.display();
        match self.why {
            Why::Owner(_) => format!("chown root:root {path}"),
            Why::Everybody | Why::Group(_) => format!("chmod go-w {path}"),
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.why {
            Why::Owner(user) => write!(f, "{path} belongs to user {user}, not to root"),
            Why::Everybody => write!(f, "everybody can write to {path}"),
            Why::Group(group) => write!(f, "group {group} can write to {path}"),
        }
    }
}

/// Finds who else can change an open file, or put another in its place: the file itself, then every
/// directory above where it really is, then those above the name that was opened.
pub(crate) fn distrust(file: &File, path: &Path) -> io::Result<Option<Distrust>> {
    let real = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    if let Some(why) = judge(&file.metadata()?) {
        return Ok(Some(Distrust { path: real, why }));
    }
    let named = std::path::absolute(path)?;
    for directory in real.ancestors().chain(named.ancestors()).skip(1) {
        // The name itself, once more: a file, or a link that its directory protects.
        if directory == named {
            continue;
        }
        if let Some(why) = judge(&fs::metadata(directory)?) {
            return Ok(Some(Distrust {
                path: directory.to_owned(),
                why,
            }));
        }
    }
    Ok(None)
}

fn judge(it: &Metadata) -> Option<Why> {
    writer(it.uid(), it.gid(), it.mode(), it.is_dir())
}

const STICKY: u32 = 0o1000;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

fn writer(uid: u32, gid: u32, mode: u32, directory: bool) -> Option<Why> {
    if uid != 0 {
        return Some(Why::Owner(uid));
    }
    // In a sticky directory, as /nix/store is one, only its owner replaces root's files (unlink(2)).
    if directory && mode & STICKY != 0 {
        return None;
    }
    if mode & OTHERS_WRITE != 0 {
        return Some(Why::Everybody);
    }
    (mode & GROUP_WRITES != 0 && gid != 0).then_some(Why::Group(gid))
}

#[cfg(test)]
mod tests {
    use super::{Why, writer};

    #[test]
    fn only_root_may_write() {
        assert_eq!(writer(0, 0, 0o100_644, false), None);
        assert_eq!(writer(0, 0, 0o100_664, false), None);
        assert_eq!(writer(1000, 0, 0o100_600, false), Some(Why::Owner(1000)));
        assert_eq!(writer(0, 0, 0o100_666, false), Some(Why::Everybody));
        assert_eq!(writer(0, 27, 0o100_664, false), Some(Why::Group(27)));
    }

    #[test]
    fn a_sticky_directory_keeps_roots_files() {
        assert_eq!(writer(0, 30_000, 0o041_775, true), None);
        assert_eq!(writer(0, 30_000, 0o040_775, true), Some(Why::Group(30_000)));
        // On a file the bit means nothing.
        assert_eq!(writer(0, 0, 0o101_666, false), Some(Why::Everybody));
    }
}
