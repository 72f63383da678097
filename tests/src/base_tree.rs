//! The Debian tree under every lab host: made once by mmdebstrap, cached by what it is made of.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::base_recipe::{self, LEFT_OUT, PACKAGES, SUITE};
use crate::cache;
use crate::mirror::Mirror;

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
        remove_unfinished(&cache)?;
        say("making the Debian tree every host boots from (once, about a minute)");
        make(&cache, &tree)?;
    }
    Ok(tree)
}

fn make(cache: &Path, tree: &Path) -> Result<()> {
    let unfinished = cache.join(format!("unfinished-{}", recipe_hash()));
    let mirror = Mirror::of_this_machine();
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=minbase", "--mode=root", "--format=directory"]);
    command.args([
        "--dpkgopt=force-unsafe-io",
        "--aptopt=Acquire::Languages \"none\";",
    ]);
    command.args(
        LEFT_OUT
            .iter()
            .map(|pattern| format!("--dpkgopt=path-exclude={pattern}")),
    );
    command.args(
        mirror
            .options
            .iter()
            .map(|option| format!("--aptopt={option}")),
    );
    command.arg(format!("--include={}", PACKAGES.join(",")));
    command.arg(SUITE).arg(&unfinished);
    if let Some(archive) = &mirror.archive {
        command.arg(archive);
    }
    let output = command
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .context("failed to start mmdebstrap")?;
    if !output.status.success() {
        bail!("{}", failure(&String::from_utf8_lossy(&output.stderr)));
    }
    base_recipe::finish(&unfinished)?;
    fs::rename(&unfinished, tree).context("failed to put the finished base tree in place")
}

/// The end of mmdebstrap's talk, with what to do about its most likely reason.
fn failure(talk: &str) -> String {
    let lines: Vec<&str> = talk.lines().collect();
    let end = lines[lines.len().saturating_sub(15)..].join("\n");
    let hint = if talk.contains("NO_PUBKEY") {
        "upgrade the package debian-archive-keyring: it does not know this release's keys yet"
    } else {
        "the lab takes Debian from where this machine's apt does; check that `apt-get update` works"
    };
    format!("failed to make the base tree\n{end}\nhint: {hint}")
}

/// A tree that was being made when its process was killed is of no use to anyone.
fn remove_unfinished(cache: &Path) -> Result<()> {
    for entry in fs::read_dir(cache)?.flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("unfinished-")
        {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("failed to remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

fn recipe_hash() -> String {
    let recipe = format!("{} {SUITE} {PACKAGES:?} {LEFT_OUT:?}", base_recipe::VERSION);
    let digest = Sha256::digest(recipe.as_bytes());
    digest.iter().take(6).fold(String::new(), |mut hash, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}
