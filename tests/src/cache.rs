//! Where the lab keeps what it makes once: below the build's own target directory.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Names the cache directory itself, for machines whose target directory cannot hold a root file system.
pub(crate) const CACHE_VARIABLE: &str = "CTR_LAB_CACHE";

/// The workspace this lab was built from.
pub(crate) fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// The build's target directory, as cargo chooses it.
pub(crate) fn target_directory() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// The lab's cache, made if it is not there.
pub(crate) fn directory() -> Result<PathBuf> {
    let directory =
        env::var_os(CACHE_VARIABLE).map_or_else(|| target_directory().join("lab"), PathBuf::from);
    fs::create_dir_all(&directory)
        .with_context(|| format!("failed to make the lab's cache {}", directory.display()))?;
    directory
        .canonicalize()
        .with_context(|| format!("failed to look up the lab's cache {}", directory.display()))
}
