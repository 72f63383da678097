//! The disks that a virtual machine has for itself: its root, and what is laid over that.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::root_file_system;
use crate::vm::image;
use crate::vm::spec::Spec;

/// What a file system takes for itself, at least.
const OVERHEAD_MIB: u64 = 16;

/// Makes both disks.
pub(crate) fn make(spec: &Spec) -> Result<()> {
    fs::create_dir_all(&spec.disks).context("failed to make the directory of the disks")?;
    copy(&spec.root, &spec.own_root())?;
    let staged = spec.disks.join("files");
    fs::create_dir(&staged).context("failed to make the directory of the machine's files")?;
    for file in &spec.files {
        root_file_system::write(&staged, file)
            .with_context(|| format!("failed to write {}", file.path.display()))?;
    }
    let mib = bytes_below(&staged)?.div_ceil(1 << 20);
    image::file_system(
        &staged,
        &spec.own_files(),
        "files",
        mib + mib / 8 + OVERHEAD_MIB,
    )?;
    fs::remove_dir_all(&staged).context("failed to remove the machine's files")
}

/// Copies a disk, and its holes as holes.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let output = Command::new("cp")
        .args(["--sparse=always", "--reflink=auto", "--"])
        .args([from, to])
        .stdin(Stdio::null())
        .output()
        .context("failed to start cp")?;
    if output.status.success() {
        return Ok(());
    }
    bail!(
        "failed to copy the machine's disk: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    )
}

/// What everything below a directory takes, its directories included.
fn bytes_below(directory: &Path) -> Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let metadata = path.symlink_metadata()?;
        total += metadata.size().next_multiple_of(4096) + 4096;
        if metadata.is_dir() {
            total += bytes_below(&path)?;
        }
    }
    Ok(total)
}
