//! Files that only root can read, written whole or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::error::CredentialError;
use crate::os::durable;

/// Writes a file. It has its name only once its content is on the disk.
pub(super) fn write_private(path: &Path, content: &[u8]) -> Result<(), CredentialError> {
    Ok(durable::write(path, content, 0o600)?)
}

/// Makes a directory that only root can enter, and what is above it; closes one that is there.
pub(super) fn closed_directory(path: &Path) -> Result<(), CredentialError> {
    durable::make_directory(path, 0o700)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .map_err(CredentialError::io("close", path))
}
