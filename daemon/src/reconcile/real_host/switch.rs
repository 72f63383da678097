//! A running NixOS guest follows another system from inside.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ctr_api::wire::SessionRequest;

use crate::error_text::with_causes;
use crate::machine::root::{note_switch, point_profile, switched_to};
use crate::machine::unit_name;
use crate::model::{Container, Root};
use crate::reconcile::host::Wanted;
use crate::reconcile::host_error::HostError;
use crate::session::{self, CommandEnd, CommandError, Guest};

use super::{RealHost, blocking};

/// The most lines of a switch that come into the journal.
const MAX_LINES: usize = 1000;
/// The most of its last line that is told elsewhere.
const MAX_REASON: usize = 300;

/// A guest did not switch to another system.
#[derive(Debug, thiserror::Error)]
#[error("failed to switch to {}: {why}", system.display())]
pub struct SwitchError {
    /// The system.
    pub system: PathBuf,
    /// Why not.
    pub why: String,
}

impl RealHost {
    /// The system that a container's guest has switched to since it was started.
    pub(super) fn switched(&self, container: &Container) -> Result<Option<PathBuf>, HostError> {
        match container.root {
            Root::Nixos(_) => Ok(switched_to(&self.paths, &container.machine)?),
            Root::Tree(_) | Root::Directory(_) => Ok(None),
        }
    }

    pub(super) async fn point_profile(&self, wanted: &Wanted) -> Result<(), HostError> {
        let (container, paths) = (wanted.container().clone(), self.paths.clone());
        blocking("pointing at the system", move || {
            Ok(point_profile(&container, &paths)?)
        })
        .await
    }

    /// Runs the new system's own switch inside the guest, as its root.
    ///
    /// It is not repeated when it is done, and may be where ctrd ended before it had noted that: a
    /// switch to the system that is there already changes nothing.
    pub(super) async fn switch_system(&self, wanted: &Wanted) -> Result<(), HostError> {
        let container = wanted.container();
        let Root::Nixos(system) = &container.root else {
            return Ok(());
        };
        let unit = self.systemd.observe(&unit_name(&container.machine)).await?;
        let Some(registered) = self.systemd.registered(&container.machine).await? else {
            return Err(failed(system, "the container ended".to_owned()));
        };
        let guest = Guest {
            leader: registered.leader,
            cgroup_root: self.paths.cgroup.clone(),
            unit_cgroup: unit.control_group,
        };
        let (id, limit) = (wanted.id.to_string(), container.start_timeout);
        let new = system.clone();
        blocking("switching the system", move || {
            switch(&id, &guest, &new, limit)
        })
        .await?;
        Ok(note_switch(&self.paths, &container.machine, system)?)
    }
}

fn failed(system: &Path, why: String) -> HostError {
    let system = system.to_owned();
    HostError::Switch(SwitchError { system, why })
}

/// `switch-to-configuration test` of NixOS: everything but what boots, which is the host's matter.
fn switch(id: &str, guest: &Guest, system: &Path, limit: Duration) -> Result<(), HostError> {
    let program = system.join("bin/switch-to-configuration");
    let request = SessionRequest {
        command: vec![program.display().to_string(), "test".to_owned()],
        ..SessionRequest::default()
    };
    let (mut count, mut last) = (0, String::new());
    let ended = session::run(guest, request, limit, |line| {
        count += 1;
        if count <= MAX_LINES {
            tracing::info!(container = %id, "{id} switches: {line}");
        }
        line.clone_into(&mut last);
    });
    if count > MAX_LINES {
        let more = count - MAX_LINES;
        tracing::info!(container = %id, "{id} switches: {more} more lines are left out");
    }
    let why = match ended {
        Ok(CommandEnd::Status(0)) => return Ok(()),
        Ok(CommandEnd::Status(status)) => format!("exit status {status}"),
        Ok(CommandEnd::Signal(signal)) => format!("killed by signal {signal}"),
        Err(CommandError::NotExecuted(message)) => message,
        Err(error) => with_causes(&error),
    };
    let last: String = last.chars().take(MAX_REASON).collect();
    let said = if last.is_empty() {
        String::new()
    } else {
        format!(": {last}")
    };
    Err(failed(system, format!("{why}{said}")))
}
