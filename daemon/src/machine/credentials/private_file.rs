//! Files that only root can read, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::error::CredentialError;

/// In no credential's name, since none has a colon, and in no machine's.
const UNFINISHED: &str = ":unfinished";

/// Writes a file that is not there yet. It has its name only once its content is on the disk.
pub(super) fn write_once(path: &Path, content: &[u8]) -> Result<(), CredentialError> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let fresh = directory.join(UNFINISHED);
    // Left by a ctrd that was killed between the two.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(CredentialError::io("remove", &fresh)(error));
        }
        _ => {}
    }
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
    written.map_err(CredentialError::io("write", &fresh))?;
    fs::rename(&fresh, path).map_err(CredentialError::io("name", path))?;
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(CredentialError::io("save", directory))
}

/// Makes a directory that only root can enter, and what is above it; closes one that is there.
pub(super) fn closed_directory(path: &Path) -> Result<(), CredentialError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o700)))
        .map_err(CredentialError::io("make", path))
}
