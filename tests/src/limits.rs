//! The one setting of the machine that the lab changes.

use std::fs;

use anyhow::{Context, Result};

const INSTANCES: &str = "/proc/sys/fs/inotify/max_user_instances";
/// Every systemd, of a host or a guest, holds about five; all of them count as root's.
const WANTED: u32 = 1024;

/// Lets root watch enough files for the guests of a few hosts, where the kernel's default would
/// make about the 26th of them fail to boot. The setting lasts until the machine restarts.
pub(crate) fn raise(say: &dyn Fn(&str)) -> Result<()> {
    let now = fs::read_to_string(INSTANCES).context("failed to read the limit of watched files")?;
    let now = now.trim();
    if now.parse::<u32>().is_ok_and(|now| now >= WANTED) {
        return Ok(());
    }
    say(&format!(
        "raising this machine's fs.inotify.max_user_instances from {now} to {WANTED}"
    ));
    fs::write(INSTANCES, WANTED.to_string()).context("failed to raise the limit of watched files")
}
