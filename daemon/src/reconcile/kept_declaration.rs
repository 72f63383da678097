//! The last declaration that was accepted, as a copy of ctrd's own.
//!
//! The file is a person's: an editor may be writing it when the power goes, and what is left is half of
//! it. Then what was declared before comes up, as it stays up where a changed file is refused.

use std::fs;
use std::path::Path;

use crate::declaration::{LoadError, Parsed, load};
use crate::os::{FileError, durable};

/// Keeps `text` at `path`, closed to everybody but root: it may hold what should have been a secret.
pub(super) fn keep(path: &Path, text: &str) -> Result<(), FileError> {
    // What cannot be read is written again.
    if fs::read(path).is_ok_and(|now| now == text.as_bytes()) {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        durable::make_directory(directory, 0o755)?;
    }
    durable::write(path, text.as_bytes(), 0o600)
}

/// Reads what was kept at `path`, by the same rules as the file itself: a copy that somebody else can
/// write to is refused. `None` where nothing was kept.
pub(super) fn load_kept(path: &Path) -> Result<Option<Parsed>, LoadError> {
    match load(path) {
        Err(error) if error.is_missing() => Ok(None),
        loaded => loaded.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::{keep, load_kept};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn what_is_kept_is_roots_alone() {
        // In a directory that only root can write to: that is what counts.
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        let place = tempfile::tempdir_in("/run").expect("a directory");
        let path = place.path().join("state/.declaration");
        assert_eq!(load_kept(&path).expect("looked at"), None);
        for text in ["schema = 1", "schema = 1\n# again\n"] {
            keep(&path, text).expect("kept");
            let kept = load_kept(&path).expect("read").expect("there");
            assert_eq!(kept.text, text);
        }
        let before = std::fs::metadata(&path).expect("there");
        assert_eq!((before.uid(), before.mode() & 0o7777), (0, 0o600));
        keep(&path, "schema = 1\n# again\n").expect("kept");
        let after = std::fs::metadata(&path).expect("there");
        assert_eq!(before.ino(), after.ino(), "written without need");
        let open = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(&path, open).expect("opened");
        load_kept(&path).expect_err("anybody may have written it");
    }
}
