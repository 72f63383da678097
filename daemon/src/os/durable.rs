//! Files that a power cut leaves whole, or leaves as they were.
//!
//! A file that was written and closed is in memory. What is on the disk after a power cut may be its
//! name without its content: an empty file. fsync(2) puts a file's content there, and says nothing of
//! its name, which is the directory's: that is another fsync.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{FileError, failpoint};

/// The end of a name that a file has before it is whole. No machine's name has a colon, and neither has
/// a credential's.
pub const UNFINISHED: &str = ":unfinished";

/// Puts a file with this content and `mode` at `path`, in the place of what stands there. When this
/// returns it outlives a power cut; until then what was there before does.
pub fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), FileError> {
    let fresh = unfinished(path);
    // Left by a ctrd that was killed before it gave it its name, or by a power cut.
    remove(&fresh)?;
    File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&fresh)
        .and_then(|mut file| {
            failpoint("file to keep made");
            // Whatever the umask is.
            file.set_permissions(Permissions::from_mode(mode))?;
            file.write_all(content)?;
            file.sync_all()
        })
        .map_err(FileError::new("write", &fresh))?;
    failpoint("file to keep written");
    rename(&fresh, path)
}

/// Gives a file or directory its name, in the place of what has it. The name outlives a power cut.
pub fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(FileError::new("name", to))?;
    failpoint("name given");
    sync(parent(to))
}

/// Makes a directory with this mode, and what is above it with 0755. Its name outlives a power cut.
/// One that is there stays as it is.
pub fn make_directory(path: &Path, mode: u32) -> Result<(), FileError> {
    if path.is_dir() {
        return Ok(());
    }
    let above = parent(path);
    if above != path {
        make_directory(above, 0o755)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => {
            failpoint("directory made");
            sync(above)
        }
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(FileError::new("make", path)(error)),
    }
}

/// Removes a file where there is one. That it is gone outlives a power cut.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Ok(()) => {
            failpoint("kept file removed");
            sync(parent(path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FileError::new("remove", path)(error)),
    }
}

/// What was done to a file or a directory itself, its names and its owner among that, outlives a
/// power cut.
pub fn sync(path: &Path) -> Result<(), FileError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(FileError::new("save", path))
}

/// The same for everything of the file system that `path` is on (syncfs(2)).
pub fn sync_file_system(path: &Path) -> Result<(), FileError> {
    File::open(path)
        .and_then(|file| Ok(rustix::fs::syncfs(file)?))
        .map_err(FileError::new("save", path))
}

/// The name that what is to stand at `path` has before it is whole.
pub fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(UNFINISHED);
    path.with_file_name(name)
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

#[cfg(test)]
mod tests {
    use super::{make_directory, remove, unfinished, write};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_whole_and_what_a_cut_left_does_not_matter() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("kept");
        fs::write(unfinished(&path), "half of an ol").expect("written");
        for text in ["old", "new"] {
            write(&path, text.as_bytes(), 0o600).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("read"), text);
        }
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        remove(&path).expect("removed");
        remove(&path).expect("twice");
        assert_eq!(fs::read_dir(place.path()).expect("listed").count(), 0);
    }

    #[test]
    fn a_directory_is_made_with_what_is_above_it() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("a/b/c");
        make_directory(&path, 0o700).expect("made");
        make_directory(&path, 0o755).expect("there");
        let mode = |path| fs::metadata(path).expect("there").permissions().mode() & 0o7777;
        assert_eq!(mode(path.clone()), 0o700);
        fs::write(place.path().join("file"), "").expect("written");
        make_directory(&place.path().join("file"), 0o700).expect_err("a file is in the way");
        make_directory(&place.path().join("file/x"), 0o700).expect_err("a file is in the way");
    }
}
