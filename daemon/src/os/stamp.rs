//! What changes about a file whenever anybody changes it.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file, or a directory's list of names, as it was at some moment: which file it is, whose, and
/// when it was last changed (`statx(2)`). While the stamp is the same, so is what it was taken of.
///
/// The time of the last change (`ctime`) is the kernel's own, and nobody can set it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    mode: u32,
    owner: (u32, u32),
    /// Seconds and nanoseconds since the epoch.
    changed: (i64, i64),
}

/// Two changes within one tick of the kernel's clock (10 ms at most) can have the same time.
const TICK: Duration = Duration::from_millis(20);

impl Stamp {
    /// Of a file; `None` where there is none. A link is not followed.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(Self::from(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// It is of a regular file.
    pub fn is_file(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFREG
    }

    /// The last change is so long ago that the next one will have another time: the stamp can be
    /// kept for comparison.
    pub fn is_settled(&self) -> bool {
        let changed = u64::try_from(self.changed.0).ok();
        let nanoseconds = u32::try_from(self.changed.1).unwrap_or_default();
        let changed = changed.map(|seconds| UNIX_EPOCH + Duration::new(seconds, nanoseconds));
        let since = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        since.is_some_and(|since| since > TICK)
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mode: metadata.mode(),
            owner: (metadata.uid(), metadata.gid()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Stamp, TICK};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn settled(path: &Path) -> Option<Stamp> {
        loop {
            let stamp = Stamp::of(path).expect("read");
            if stamp.is_none_or(|stamp| stamp.is_settled()) {
                return stamp;
            }
            std::thread::sleep(TICK);
        }
    }

    #[test]
    fn every_change_changes_it_and_nothing_else_does() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        let change = |change: &dyn Fn()| {
            let before = settled(&path);
            assert_eq!(before, Stamp::of(&path).expect("read"));
            change();
            assert_ne!(before, Stamp::of(&path).expect("read"));
        };
        change(&|| fs::write(&path, "one").expect("written"));
        change(&|| fs::write(&path, "two").expect("written"));
        change(&|| {
            let modified = fs::metadata(&path)
                .expect("read")
                .modified()
                .expect("a time");
            fs::write(&path, "six").expect("written");
            let file = fs::File::options().write(true).open(&path).expect("open");
            file.set_modified(modified).expect("set back");
        });
        change(&|| {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        });
        change(&|| {
            fs::write(path.with_extension("new"), "six").expect("written");
            fs::rename(path.with_extension("new"), &path).expect("renamed");
        });
        change(&|| fs::remove_file(&path).expect("removed"));
        assert_eq!(Stamp::of(&path).expect("read"), None);

        let before = settled(directory.path());
        fs::write(&path, "again").expect("written");
        assert_ne!(before, Stamp::of(directory.path()).expect("read"));
    }

    #[test]
    fn what_has_just_been_changed_may_be_changed_once_more_unseen() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        fs::write(&path, "now").expect("written");
        let stamp = Stamp::of(&path).expect("read").expect("there");
        assert!(
            !Stamp {
                changed: (i64::MAX, 0),
                ..stamp
            }
            .is_settled()
        );
        assert!(
            Stamp {
                changed: (1, 0),
                ..stamp
            }
            .is_settled()
        );
    }
}
