//! The small files that ctrd gives a guest, each bound read-only into it: its hosts file, its
//! resolver configuration, and the declared `files`.
//!
//! A bind pins the file, not its name, so a running guest sees a change only when the same file is
//! rewritten: in place, longest first, and never through a name that a guest could have made.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::{StateError, UidBase};
use crate::os::failpoint;

/// What a guest is given: path below its directory of files, text and mode.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GivenFiles {
    /// The files, in a fixed order.
    pub files: Vec<(PathBuf, String, u32)>,
}

/// Which of the files are not as they should be, for a guest with these users.
pub fn observe_given(
    directory: &Path,
    given: &GivenFiles,
    owner: Option<UidBase>,
) -> Result<Vec<PathBuf>, StateError> {
    let owner = owner.map_or(0, UidBase::get);
    let mut stale = Vec::new();
    for (name, text, mode) in &given.files {
        let path = directory.join(name);
        match read(&path) {
            Ok(now) if now == (text.clone(), *mode, owner) => {}
            Ok(_) => stale.push(name.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => stale.push(name.clone()),
            Err(error) => return Err(StateError::io("read", &path)(error)),
        }
    }
    Ok(stale)
}

fn read(path: &Path) -> io::Result<(String, u32, u32)> {
    let mut file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok((text, metadata.mode() & 0o7777, metadata.uid()))
}

/// Writes the files that are not as they should be, in place.
pub fn write_given(
    directory: &Path,
    given: &GivenFiles,
    owner: Option<UidBase>,
) -> Result<(), StateError> {
    let stale = observe_given(directory, given, owner)?;
    let owner = owner.map_or(0, UidBase::get);
    for (name, text, mode) in given.files.iter().filter(|(name, ..)| stale.contains(name)) {
        let path = directory.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(StateError::io("make", parent))?;
            failpoint("directory of files made");
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(*mode)
            .open(&path)
            .map_err(StateError::io("open", &path))?;
        failpoint("given file made");
        fchown(&file, Some(owner), Some(owner))
            .map_err(StateError::io("give an owner to", &path))?;
        file.set_permissions(fs::Permissions::from_mode(*mode))
            .map_err(StateError::io("set the mode of", &path))?;
        failpoint("given file owned");
        // Written before it is cut: a reader never finds it empty.
        file.write_all(text.as_bytes())
            .map_err(StateError::io("write", &path))?;
        failpoint("given file written");
        file.set_len(text.len() as u64)
            .map_err(StateError::io("cut", &path))?;
        failpoint("given file cut");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{GivenFiles, observe_given, write_given};
    use std::os::unix::fs::MetadataExt;

    fn given(text: &str) -> GivenFiles {
        GivenFiles {
            files: vec![("hosts".into(), text.to_owned(), 0o644)],
        }
    }

    #[test]
    fn a_file_is_rewritten_in_place_and_only_when_it_differs() {
        let directory = tempfile::tempdir().expect("a directory");
        write_given(directory.path(), &given("a long first text\n"), None).expect("written");
        let before = std::fs::metadata(directory.path().join("hosts")).expect("there");
        assert!(
            observe_given(directory.path(), &given("short\n"), None)
                .expect("read")
                .len()
                == 1
        );
        write_given(directory.path(), &given("short\n"), None).expect("written");
        let path = directory.path().join("hosts");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "short\n");
        assert_eq!(std::fs::metadata(&path).expect("there").ino(), before.ino());
        assert!(
            observe_given(directory.path(), &given("short\n"), None)
                .expect("read")
                .is_empty()
        );
    }
}
