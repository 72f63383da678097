//! The Debian tree under every lab host: made once by mmdebstrap, cached by what it is made of.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::base_recipe::{self, LEFT_OUT, PACKAGES, SUITE};
use crate::cache;
use crate::mmdebstrap::{self, Contents};

/// The path of the base tree with these packages besides its own. Makes it on first use, which takes about a
/// minute and says so through `say`.
pub(crate) fn base_tree(more: &[&str], say: &dyn Fn(&str)) -> Result<PathBuf> {
    let packages = [&PACKAGES, more].concat();
    let hash = recipe_hash(&packages);
    let cache = cache::directory()?;
    let tree = cache.join(format!("base-{hash}"));
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
        make(&packages, &cache.join(format!("unfinished-{hash}")), &tree)?;
    }
    Ok(tree)
}

fn make(packages: &[&str], unfinished: &Path, tree: &Path) -> Result<()> {
    let contents = Contents {
        packages,
        left_out: &LEFT_OUT,
        prepare: None,
    };
    mmdebstrap::make(unfinished, &contents)?;
    base_recipe::finish(unfinished)?;
    fs::rename(unfinished, tree).context("failed to put the finished base tree in place")
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

/// Names a base tree by what it is made of.
pub(crate) fn recipe_hash(packages: &[&str]) -> String {
    short_hash(&format!(
        "{} {SUITE} {packages:?} {LEFT_OUT:?}",
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
