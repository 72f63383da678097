//! Makes a Debian tree with mmdebstrap, from where this machine's apt gets its packages.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::base_recipe::SUITE;
use crate::mirror::Mirror;

/// What a tree is made of.
#[derive(Debug)]
pub(crate) struct Contents<'a> {
    /// Debian packages; what they need comes with them.
    pub(crate) packages: &'a [&'a str],
    /// Files that dpkg leaves out, as patterns of its `path-exclude`.
    pub(crate) left_out: &'a [&'a str],
    /// Shell text that runs with the tree as `$1` before anything but the essential packages is set
    /// up (mmdebstrap(1), HOOKS).
    pub(crate) prepare: Option<&'a str>,
}

/// Makes a tree at `tree`, which is not there yet.
pub(crate) fn make(tree: &Path, contents: &Contents) -> Result<()> {
    let mirror = Mirror::of_this_machine();
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=minbase", "--mode=root", "--format=directory"]);
    command.args([
        "--dpkgopt=force-unsafe-io",
        "--aptopt=Acquire::Languages \"none\";",
    ]);
    let left_out = contents.left_out.iter();
    command.args(left_out.map(|pattern| format!("--dpkgopt=path-exclude={pattern}")));
    let options = mirror.options.iter();
    command.args(options.map(|option| format!("--aptopt={option}")));
    command.args(
        contents
            .prepare
            .map(|text| format!("--essential-hook={text}")),
    );
    command.arg(format!("--include={}", contents.packages.join(",")));
    command.arg(SUITE).arg(tree);
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
    Ok(())
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
    format!("failed to make a Debian tree\n{end}\nhint: {hint}")
}
