//! Machines of ours that nothing declares.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::time::Duration;

use crate::machine::credentials;
use crate::machine::root::{let_systems_go, machines_with_gc_roots, machines_with_roots, release};
use crate::machine::{Active, unit_name};
use crate::model::MachineName;
use crate::os::{Paths, failpoint};

use super::host::Conflict;
use super::host_error::HostError;
use super::marks::Mark;
use super::real_host::RealHost;

/// A stop that takes longer than this is the unit's own time-out and some.
const STOP_TRIES: u32 = 400;
const STOP_PAUSE: Duration = Duration::from_millis(100);

/// Stops a machine and takes away what it had in /run; `false` where its unit is not ours.
pub(super) async fn remove_machine(
    host: &RealHost,
    machine: &MachineName,
) -> Result<bool, HostError> {
    let name = unit_name(machine);
    let unit = host.systemd.observe(&name).await?;
    if unit.declared.is_none() {
        return Ok(false);
    }
    tracing::info!(%machine, "is declared no more and goes");
    match unit.active {
        Active::Activating => host.systemd.kill(&name).await?,
        Active::Active => host.systemd.stop(&name).await?,
        Active::Inactive | Active::Deactivating | Active::Failed => {}
    }
    until_down(host, machine).await?;
    host.see_attached(machine, None);
    host.systemd.unregister(machine).await?;
    take_away(&host.paths, machine)?;
    Ok(true)
}

/// Takes away what a machine has in /run, and what holds its systems.
fn take_away(paths: &Paths, machine: &MachineName) -> Result<(), HostError> {
    release(paths, machine)?;
    failpoint("orphan's root released");
    let _ = std::fs::remove_dir_all(paths.machine_files(machine));
    failpoint("orphan's files removed");
    credentials::withdraw(&paths.machine_credentials(machine))?;
    failpoint("orphan's credentials withdrawn");
    let_systems_go(paths, machine)?;
    let _ = Mark::clear(&paths.mark(machine));
    Ok(())
}

/// Waits until a machine's unit is gone: nothing is taken from under a guest.
async fn until_down(host: &RealHost, machine: &MachineName) -> Result<(), HostError> {
    let name = unit_name(machine);
    for _ in 0..STOP_TRIES {
        match host.systemd.observe(&name).await?.active {
            Active::Inactive => return Ok(()),
            Active::Failed => host.systemd.reset_failed(&name).await?,
            Active::Active | Active::Activating | Active::Deactivating => {}
        }
        tokio::time::sleep(STOP_PAUSE).await;
    }
    Err(HostError::Conflict(Conflict {
        reason: format!("{name} does not stop"),
        hint: Some(format!("see `systemctl status {name}`")),
    }))
}

/// The machines' state directories.
pub(super) fn state_directories(paths: &Paths) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(&paths.state) else {
        return Vec::new();
    };
    // A leading dot is in no machine's name.
    let is_state = |name: &OsStr| !name.as_encoded_bytes().starts_with(b".");
    entries
        .flatten()
        .filter(|entry| is_state(&entry.file_name()))
        .map(|entry| entry.path().display().to_string())
        .collect()
}

/// The machines that have something in /run, or a system that is held for them: a guest that ended while ctrd did not run has left it, or
/// a ctrd that ended while it took a machine away.
pub(super) fn left_machines(paths: &Paths) -> BTreeSet<MachineName> {
    let mut left = machines_with_roots(paths);
    left.extend(machines_with_gc_roots(paths));
    for directory in [paths.files(), paths.credentials(), paths.marks()] {
        let entries = std::fs::read_dir(directory).into_iter().flatten();
        left.extend(
            entries
                .flatten()
                .filter_map(|entry| entry.file_name().to_str()?.parse().ok()),
        );
    }
    left
}

/// Takes away what a machine that has no unit any more has in /run.
pub(super) async fn remove_left(host: &RealHost, machine: &MachineName) -> Result<(), HostError> {
    let unit = host.systemd.observe(&unit_name(machine)).await?;
    if unit.loaded || unit.active != Active::Inactive {
        return Ok(());
    }
    tracing::info!(%machine, "is not there any more, and what it had goes");
    take_away(&host.paths, machine)
}

/// Removes what of `/run/ctr` holds nothing any more, and the place of what held systems.
pub(super) fn remove_empty_directories(paths: &Paths) {
    let _ = std::fs::remove_dir(paths.gc_roots());
    let Ok(entries) = std::fs::read_dir(&paths.run) else {
        return;
    };
    for entry in entries.flatten() {
        // One that is not empty stays, which is what is wanted.
        let _ = std::fs::remove_dir(entry.path());
        failpoint("directory of ctr removed");
    }
}
