//! The Debian tree under every lab host: made once by mmdebstrap, cached by what it is made of.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::base_recipe::{self, LEFT_OUT, PACKAGES, SUITE};
use crate::cache;
use crate::mmdebstrap::{self, Contents};

/// The base tree's path. Makes it on first use, which takes about a minute and says so through `say`.
pub(crate) fn base_tree(say: &dyn Fn(&str)) -> Result<PathBuf> {
    let cache = cache::directory()?;
    let tree = cache.join(format!("base-{}", recipe_hash()));
    if tree.is_dir() {
        return Ok(tree);
    }
    let lock =
        File::create(cache.join("base.lock")).context("failed to open the base tree's lock")?;
    lock.lock()
        .context("failed to wait for whoever makes the base tree")?;
    if !tree.is_dir() {
        remove_unfinished(&cache, "unfinished-")?;
        say("making the Debian tree every host boots from (once, about a minute)");
        make(&cache, &tree)?;
    }
    Ok(tree)
}

fn make(cache: &Path, tree: &Path) -> Result<()> {
    let unfinished = cache.join(format!("unfinished-{}", recipe_hash()));
    let contents = Contents {
        packages: &PACKAGES,
        left_out: &LEFT_OUT,
        prepare: None,
    };
    mmdebstrap::make(&unfinished, &contents)?;
    base_recipe::finish(&unfinished)?;
    fs::rename(&unfinished, tree).context("failed to put the finished base tree in place")
}

/// What was being made when its process was killed is of no use to anyone.
pub(crate) fn remove_unfinished(cache: &Path, prefix: &str) -> Result<()> {
    for entry in fs::read_dir(cache)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("failed to remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// Names the base tree by what it is made of.
pub(crate) fn recipe_hash() -> String {
    short_hash(&format!(
        "{} {SUITE} {PACKAGES:?} {LEFT_OUT:?}",
        base_recipe::VERSION
    ))
}

/// Twelve hexadecimal digits that stand for a recipe.
pub(crate) fn short_hash(recipe: &str) -> String {
    let digest = Sha256::digest(recipe.as_bytes());
    digest.iter().take(6).fold(String::new(), |mut hash, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}
