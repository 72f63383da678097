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
/// As long as a few of the tests take that hold it.
const PATIENCE_FOR_A_VIRTUAL_MACHINE: Duration = Duration::from_secs(1200);

/// Leave to boot or to run, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot(#[expect(dead_code, reason = "held for its lock")] File);

/// Waits for leave to boot a host.
pub(crate) fn take() -> Result<Slot> {
    let names = (0..SLOTS).map(|number| format!("boot-{number}.lock"));
    one_of(names, PATIENCE)
}

/// Waits for leave to boot and run a virtual machine: it takes the whole processor, and there is one
/// at a time.
pub(crate) fn take_for_a_virtual_machine() -> Result<Slot> {
    one_of(["vm-slot.lock".to_owned()], PATIENCE_FOR_A_VIRTUAL_MACHINE)
}

fn one_of(names: impl IntoIterator<Item = String>, patience: Duration) -> Result<Slot> {
    let directory = cache::directory()?;
    let files = names
        .into_iter()
        .map(|name| File::create(directory.join(name)))
        .collect::<Result<Vec<_>, _>>()
        .context("failed to open the locks of booting hosts")?;
    let deadline = Instant::now() + patience;
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
    bail!("other labs were busy for {} seconds", patience.as_secs())
}
