//! A command in a guest of which nothing stays: it has a cgroup of its own, and ends with all of it.
//!
//! The cgroup is the unit's, beside systemd-nspawn's `supervisor` and the guest's `payload`: the limits
//! of the container hold for it, and no process of the guest can leave it, which would take a right
//! at the cgroup above both (cgroups(7), "Cgroup delegation containment").

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::path::Path;
use std::time::{Duration, Instant};

use ctr_api::wire::SessionRequest;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::command::{CommandEnd, CommandError, run_in};
use super::open::Guest;

/// The cgroup's name, below the unit's.
const NAME: &str = "probe";
/// How long processes that are killed may take to be gone: one that waits for a disk takes what that takes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs a command like [`super::run`]. Whatever it has started and is still there is killed at its end,
/// or at the end of its time. One at a time for a guest: a second ends the first.
///
/// Blocks.
pub fn run_enclosed(
    guest: &Guest,
    request: SessionRequest,
    limit: Duration,
    line: impl FnMut(&str),
) -> Result<CommandEnd, CommandError> {
    let cgroup = guest.unit_directory().join(NAME);
    // A ctrd that ended amid a probe has left it, perhaps with processes. It is always a new one: where
    // everything in a cgroup was killed once, Linux kills whatever clone3(2) puts into it later: since 6.14,
    // and in older series that have the same change (`kill_seq` in kernel/cgroup/cgroup.c).
    remove(&cgroup)?;
    fs::create_dir(&cgroup)?;
    let ended = run_in(guest, Some(cgroup.clone()), request, limit, line);
    remove(&cgroup)?;
    ended
}

/// Takes the cgroup away, with every process in it and those that they are just forking
/// (cgroup-v2.rst, `cgroup.kill`). It may be gone, with its container.
fn remove(cgroup: &Path) -> io::Result<()> {
    let removed = fs::remove_dir(cgroup).or_else(|error| match error.kind() {
        io::ErrorKind::ResourceBusy => {
            fs::write(cgroup.join("cgroup.kill"), "1")?;
            wait_until_empty(cgroup)?;
            fs::remove_dir(cgroup)
        }
        _ => Err(error),
    });
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            let message = "processes of an earlier probe are killed and do not end";
            Err(io::Error::new(error.kind(), message))
        }
        result => result,
    }
}

/// The kernel says when the last process has left (cgroup-v2.rst, `cgroup.events`).
fn wait_until_empty(cgroup: &Path) -> io::Result<()> {
    let mut events = File::open(cgroup.join("cgroup.events"))?;
    let end = Instant::now() + PATIENCE;
    loop {
        let mut text = String::new();
        events.rewind()?;
        events.read_to_string(&mut text)?;
        let left = end.saturating_duration_since(Instant::now());
        if text.lines().any(|line| line == "populated 0") || left.is_zero() {
            return Ok(());
        }
        let timeout = Timespec::try_from(left).unwrap_or_default();
        let mut changed = [PollFd::new(&events, PollFlags::PRI)];
        match poll(&mut changed, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
