//! A command in a guest of which nothing stays: it has a cgroup of its own, and ends with all of it.
//!
//! The cgroup is the unit's, beside systemd-nspawn's `supervisor` and the guest's `payload`: the limits
//! of the container hold for it, and no process of the guest can leave it, which would take a right
//! at the cgroup above both (cgroups(7), "Cgroup delegation containment").

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use ctr_api::wire::SessionRequest;

use super::command::{CommandEnd, CommandError, run_in};
use super::open::Guest;

/// The cgroup's name, below the unit's. It stays until the unit ends, and is empty between two commands.
const NAME: &str = "probe";

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
    match fs::create_dir(&cgroup) {
        Ok(()) => {}
        // A ctrd that ended amid a probe has left it, perhaps with processes.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => kill_all(&cgroup)?,
        Err(error) => return Err(error.into()),
    }
    let ended = run_in(guest, Some(cgroup.clone()), request, limit, line);
    // A container that ended has taken its cgroups along.
    match kill_all(&cgroup) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => ended,
    }
}

/// Kills every process in it, and those that they are just forking (cgroup-v2.rst, `cgroup.kill`).
fn kill_all(cgroup: &Path) -> io::Result<()> {
    fs::write(cgroup.join("cgroup.kill"), "1")
}
