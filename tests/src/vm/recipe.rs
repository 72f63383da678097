//! What is in a virtual machine's own tree: a small Debian host with Debian's kernel.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::base_recipe::{self, SUITE, belong_to_nobody, write};
use crate::base_tree;
use crate::mmdebstrap::Contents;

/// Counts up whenever something changes that the constants below do not show.
const VERSION: u32 = 1;

/// A host with what ctr needs at run time, the kernel, and what a real machine has besides: udev.
/// The guests have a tree of their own, as in the namespaced lab.
const PACKAGES: [&str; 17] = [
    "curl",
    "dbus",
    "iproute2",
    "iputils-ping",
    "kmod",
    "libpam-systemd",
    "linux-image-amd64",
    "netcat-openbsd",
    "nftables",
    "polkitd",
    "procps",
    "python3-minimal",
    "systemd",
    "systemd-container",
    "systemd-sysv",
    "udev",
    "util-linux",
];

/// Drivers of devices that no virtual machine has. They are most of the kernel's package.
const NO_DRIVERS: [&str; 8] = [
    "/usr/lib/modules/*/kernel/drivers/gpu/drm/amd/*",
    "/usr/lib/modules/*/kernel/drivers/gpu/drm/i915/*",
    "/usr/lib/modules/*/kernel/drivers/gpu/drm/nouveau/*",
    "/usr/lib/modules/*/kernel/drivers/infiniband/*",
    "/usr/lib/modules/*/kernel/drivers/media/*",
    "/usr/lib/modules/*/kernel/drivers/net/ethernet/*",
    "/usr/lib/modules/*/kernel/drivers/net/wireless/*",
    "/usr/lib/modules/*/kernel/sound/*",
];

/// How the kernel's package makes its initrd.
const INITRD: &str = include_str!("initrd.sh");

/// The label of the disk with the guests' tree.
pub(crate) const GUESTS: &str = "guests";

/// Names the image by what it is made of.
pub(crate) fn hash() -> String {
    base_tree::short_hash(&format!(
        "{VERSION} {SUITE} {PACKAGES:?} {:?} {INITRD} {}",
        left_out(),
        base_tree::recipe_hash(&base_recipe::PACKAGES)
    ))
}

/// Makes a machine's tree at `tree`, which is not there yet.
pub(crate) fn make(tree: &Path) -> Result<()> {
    let contents = Contents {
        packages: &PACKAGES,
        left_out: &left_out(),
        prepare: Some(INITRD),
    };
    crate::mmdebstrap::make(tree, &contents)?;
    write(
        &tree.join("etc/fstab"),
        &format!("LABEL={GUESTS} /var/lib/machines/debian ext4 ro 0 0\n"),
    )?;
    fs::create_dir_all(tree.join("var/lib/machines/debian"))
        .context("failed to make the guests' mount point")?;
    belong_to_nobody(tree)
}

fn left_out() -> Vec<&'static str> {
    base_recipe::LEFT_OUT
        .into_iter()
        .chain(NO_DRIVERS)
        .collect()
}
