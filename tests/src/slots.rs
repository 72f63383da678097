//! How many hosts may boot at the same moment, over all processes on this machine.
//!
//! A boot is a second of all the processor there is. More at once only make every one of them miss
//! its deadline; a host that has booted costs next to nothing and holds no slot.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cache;

const SLOTS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(300);

/// Leave to boot, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot(#[expect(dead_code, reason = "held for its lock")] File);

/// Waits for leave to boot a host.
pub(crate) fn take() -> Result<Slot> {
    let directory = cache::directory()?;
    let files = (0..SLOTS)
        .map(|number| File::create(directory.join(format!("boot-{number}.lock"))))
        .collect::<Result<Vec<_>, _>>()
        .context("failed to open the locks of booting hosts")?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(number) = files.iter().position(|file| file.try_lock().is_ok()) {
            return files
                .into_iter()
                .nth(number)
                .map(Slot)
                .context("a slot that was just locked");
        }
        thread::sleep(Duration::from_millis(20));
    }
    bail!("other labs were booting for {} seconds", PATIENCE.as_secs())
}
