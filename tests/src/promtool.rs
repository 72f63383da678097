//! Prometheus's own judge of metrics, from Debian's package.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::cache;

/// What `promtool check metrics` says of a text: nothing where all is well.
///
/// # Panics
/// Where promtool cannot be had.
pub fn check_metrics(text: &str) -> String {
    let checked = promtool().and_then(|promtool| check(promtool, text));
    checked.unwrap_or_else(|error| panic!("{error:#}"))
}

fn check(promtool: PathBuf, text: &str) -> Result<String> {
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("failed to run promtool")?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    if !output.status.success() && said.is_empty() {
        said = output.status.to_string();
    }
    Ok(said)
}

/// The program alone out of the package `prometheus`, which is five times as large and would make a
/// service of this machine. Kept in the lab's cache.
fn promtool() -> Result<PathBuf> {
    let kept = cache::directory()?.join("promtool");
    if kept.is_file() {
        return Ok(kept);
    }
    let directory = tempfile::tempdir()?;
    let made = Command::new("/bin/sh")
        .args(["-ec", FETCH])
        .current_dir(&directory)
        .stdin(Stdio::null())
        .output()
        .context("failed to run a shell")?;
    let said = String::from_utf8_lossy(&made.stderr);
    ensure!(
        made.status.success(),
        "failed to get promtool out of Debian's package `prometheus`: {said}"
    );
    // Into its place in one step: another test may look for it at this moment.
    let near = kept.with_extension(std::process::id().to_string());
    fs::copy(directory.path().join("usr/bin/promtool"), &near)?;
    fs::rename(&near, &kept)?;
    Ok(kept)
}

const FETCH: &str =
    "apt-get -q download prometheus || { apt-get -q update; apt-get -q download prometheus; }
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
test -x usr/bin/promtool";
