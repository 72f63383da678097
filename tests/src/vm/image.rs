//! The disks and the kernel that every virtual machine starts from: made once, cached by what they
//! are made of.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::base_tree::{base_tree, remove_unfinished};
use crate::cache;
use crate::vm::recipe;

/// What a machine has room for on its root, guests' layers included. The image is sparse.
const ROOT_MIB: u64 = 4096;
/// The guests' tree is never written to.
const GUESTS_MIB: u64 = 1024;

/// The files of one image.
#[derive(Debug)]
pub(crate) struct Image {
    /// A disk with the machine's own tree, which is copied for each machine.
    pub(crate) root: PathBuf,
    /// A disk with the guests' tree, which all machines share and none writes to.
    pub(crate) guests: PathBuf,
    /// Debian's kernel.
    pub(crate) kernel: PathBuf,
    /// Its initrd.
    pub(crate) initrd: PathBuf,
}

/// The image. Makes it on first use, which takes about two minutes and says so through `say`.
pub(crate) fn image(say: &dyn Fn(&str)) -> Result<Image> {
    let base = base_tree(&[], say)?;
    let cache = cache::directory()?;
    let directory = cache.join(format!("vm-{}", recipe::hash()));
    if !directory.is_dir() {
        let lock =
            File::create(cache.join("vm.lock")).context("failed to open the image's lock")?;
        lock.lock()
            .context("failed to wait for whoever makes the image")?;
        if !directory.is_dir() {
            remove_unfinished(&cache, UNFINISHED)?;
            say("making the image every virtual machine starts from (once, about two minutes)");
            make(&base, &cache, &directory)?;
        }
    }
    let file = |name| directory.join(name);
    Ok(Image {
        root: file("root.img"),
        guests: file("guests.img"),
        kernel: file("vmlinuz"),
        initrd: file("initrd.img"),
    })
}

/// How an image is named while it is made.
const UNFINISHED: &str = "vm-unfinished";

fn make(base: &Path, cache: &Path, directory: &Path) -> Result<()> {
    let unfinished = cache.join(UNFINISHED);
    fs::create_dir(&unfinished).context("failed to make the image's directory")?;
    let tree = unfinished.join("tree");
    recipe::make(&tree)?;
    for name in ["vmlinuz", "initrd.img"] {
        let kernel = only(&tree.join("boot"), name)?;
        fs::rename(&kernel, unfinished.join(name))
            .with_context(|| format!("failed to take {}", kernel.display()))?;
    }
    file_system(&tree, &unfinished.join("root.img"), "root", ROOT_MIB)?;
    file_system(
        base,
        &unfinished.join("guests.img"),
        recipe::GUESTS,
        GUESTS_MIB,
    )?;
    fs::remove_dir_all(&tree).context("failed to remove the image's tree")?;
    fs::rename(&unfinished, directory).context("failed to put the finished image in place")
}

/// The one file `NAME-VERSION` of a directory.
fn only(directory: &Path, name: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(directory)
        .with_context(|| format!("failed to list {}", directory.display()))?;
    let prefix = format!("{name}-");
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(path), true) => Ok(path),
        (_, _) => bail!("{} does not have one {name}", directory.display()),
    }
}

/// Makes the disk `image` of `mib` MiB with an ext4 of everything below `tree` (mke2fs(8), `-d`).
pub(crate) fn file_system(tree: &Path, image: &Path, label: &str, mib: u64) -> Result<()> {
    let output = Command::new("mke2fs")
        .args(["-q", "-t", "ext4", "-L", label, "-d"])
        .args([tree, image])
        .arg(format!("{mib}M"))
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .stdin(Stdio::null())
        .output()
        .context("failed to start mke2fs")?;
    if output.status.success() {
        return Ok(());
    }
    bail!(
        "failed to make the disk {}: {}",
        image.display(),
        String::from_utf8_lossy(&output.stderr).trim()
    )
}
