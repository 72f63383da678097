//! A file or directory of the host that could not be used.

use std::io;
use std::path::{Path, PathBuf};

/// What was tried, on what, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what} {path}")]
pub struct FileError {
    what: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl FileError {
    /// For `map_err`: the error of doing `what` to `path`.
    pub fn new(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self { what, path, source }
    }
}
