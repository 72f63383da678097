//! Why the views could not be kept.

use std::io;
use std::path::{Path, PathBuf};

/// What was tried, on what, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what} {path}, which logs are read by")]
pub struct ViewError {
    what: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl ViewError {
    /// For `map_err`: the error of doing `what` to `path`.
    pub(super) fn new(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self { what, path, source }
    }
}
