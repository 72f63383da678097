//! From the text to files, links and nodes.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::machine::{Entry, Machine};

/// A path that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to make {path}")]
pub struct UnpackError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Machine {
    /// Makes everything below a directory, which needs root for its nodes. `group` says which number
    /// a group has there.
    pub fn unpack(&self, root: &Path, group: &dyn Fn(&str) -> u32) -> Result<(), UnpackError> {
        for (path, entry) in &self.entries {
            let path = root.join(path);
            make(&path, entry, group).map_err(|source| UnpackError { path, source })?;
        }
        Ok(())
    }
}

fn make(path: &Path, entry: &Entry, group_number: &dyn Fn(&str) -> u32) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match entry {
        Entry::File(text) => fs::write(path, text),
        Entry::Directory => fs::create_dir_all(path),
        Entry::Link(target) => symlink(target, path),
        Entry::Character {
            major,
            minor,
            mode,
            group,
        } => {
            let number = makedev(*major, *minor);
            let bits = Mode::from_raw_mode(*mode);
            mknodat(CWD, path, FileType::CharacterDevice, bits, number)?;
            chown(path, Some(0), Some(group_number(group)))?;
            // mknod(2) takes the umask off the mode.
            fs::set_permissions(path, fs::Permissions::from_mode(*mode))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn everything_is_made() {
        let text = "file sys/a = 1\ndir sys/d\nlink sys/b -> a\nchar dev/null 1:3 0640 people\n";
        let machine: Machine = text.parse().expect("a machine");
        let root = tempfile::tempdir().expect("a directory");
        let at = |path: &str| root.path().join(path);
        machine.unpack(root.path(), &|_| 44).expect("unpacked");
        assert_eq!(fs::read_to_string(at("sys/b")).expect("a link"), "1\n");
        assert!(at("sys/d").is_dir());
        let node = fs::metadata(at("dev/null")).expect("a node");
        assert_eq!((node.rdev(), node.gid()), (makedev(1, 3), 44));
        assert_eq!(node.mode() & 0o7777, 0o640);
    }
}
