//! One step, taken.

use std::path::Path;
use std::time::Duration;

use crate::error_text::with_causes;
use crate::machine::credentials;
use crate::machine::root::{can_be_idmapped, hold_system, let_systems_go, observe_state};
use crate::machine::{Facts, confinement, limits_to_set, set_bounds, transient_unit, unit_name};
use crate::model::{MachineName, Program, Root};
use crate::os::is_stub_init;
use crate::reconcile::given_credentials;
use crate::reconcile::host::Wanted;
use crate::reconcile::host_error::HostError;
use crate::reconcile::open_firewall::elements;
use crate::reconcile::plan::{Intent, Step};

use super::{RealHost, blocking, lock};

/// A unit that has just ended can block its name for a moment, until systemd has collected it.
const COLLECT_TRIES: u32 = 100;
const COLLECT_PAUSE: Duration = Duration::from_millis(20);
/// Together far longer than a stub init takes to come up.
const LISTEN_TRIES: u32 = 200;
const LISTEN_PAUSE: Duration = Duration::from_millis(10);

impl RealHost {
    pub(super) async fn take(&self, wanted: &Wanted, step: &Step) -> Result<(), HostError> {
        let container = wanted.container();
        let machine = &container.machine;
        let unit = unit_name(machine);
        match step {
            Step::ClaimState => self.claim_state(wanted).await,
            Step::GiveState(_) => self.give_state(wanted).await,
            Step::PrepareRoot => self.prepare_root(wanted).await,
            Step::ReleaseRoot => self.release_root(wanted).await,
            Step::WriteFiles => self.write_files(wanted),
            Step::RemoveFiles => self.remove_files(wanted),
            Step::MakeSecrets => Ok(given_credentials::make(&self.paths, wanted)?),
            Step::GiveCredentials => {
                given_credentials::give(&self.paths, wanted, self.base(wanted)?)
            }
            Step::WithdrawCredentials => Ok(credentials::withdraw(
                &self.paths.machine_credentials(machine),
            )?),
            Step::SetDevices => self.set_devices(wanted).await,
            Step::SetBounds => self.set_bounds(wanted).await,
            Step::EnsureGroup => self.ensure_group(wanted.group()).await.map(drop),
            Step::Network(step) => Ok(self.network.apply(step).await?),
            Step::OpenFirewall => {
                let mut open = self.firewall.lock().await;
                let elements = elements(wanted.group(), container);
                open.containers.insert(wanted.id.clone(), elements);
                open.converge().await.map(drop)
            }
            Step::CloseFirewall => {
                let mut open = self.firewall.lock().await;
                open.containers.remove(&wanted.id);
                open.converge().await.map(drop)
            }
            Step::UnregisterMachine => Ok(self.systemd.unregister(machine).await?),
            Step::ResetFailed => Ok(self.systemd.reset_failed(&unit).await?),
            Step::StartUnit => {
                // Nobody's start fails for what its neighbours find out by themselves a little later.
                if let Err(error) = self.network.announce(&wanted.network()).await {
                    tracing::warn!(container = %wanted.id, "{}", with_causes(&error));
                }
                self.start_unit(wanted).await
            }
            Step::StopUnit => {
                self.may_stop(wanted).await?;
                if let Program::Command { .. } = container.program {
                    self.until_it_listens(machine).await?;
                }
                Ok(self.systemd.stop(&unit).await?)
            }
            Step::KillUnit => {
                self.may_stop(wanted).await?;
                self.systemd.kill(&unit).await?;
                Ok(self.systemd.stop(&unit).await?)
            }
            Step::HoldSystem { runs } => {
                let system = match &container.root {
                    Root::Nixos(system) => Some(system.as_path()),
                    Root::Tree(_) | Root::Directory(_) => None,
                };
                Ok(hold_system(&self.paths, machine, system, *runs)?)
            }
            Step::LetSystemsGo => Ok(let_systems_go(&self.paths, machine)?),
            Step::PointProfile => self.point_profile(wanted).await,
            Step::SwitchSystem => self.switch_system(wanted).await,
            Step::SetLimits => {
                let now = self.systemd.observe(&unit).await?;
                let properties = limits_to_set(&container.limits, self.default_tasks, &now);
                Ok(self.systemd.set_properties(&unit, &properties).await?)
            }
        }
    }

    async fn set_bounds(&self, wanted: &Wanted) -> Result<(), HostError> {
        let container = wanted.container();
        let machine = &container.machine;
        let registered = self.systemd.registered(machine).await?;
        let (Some(now), Some(base)) = (registered, self.base(wanted)?) else {
            return Ok(());
        };
        let bounds = confinement::bounds(container);
        blocking("setting the bounds", move || {
            Ok(set_bounds(now.leader, base, bounds)?)
        })
        .await?;
        lock(&self.bounded).insert(machine.clone(), now.leader);
        Ok(())
    }

    /// Waits until the first process of a command's guest hears the signal to stop.
    ///
    /// nspawn says that such a guest is ready a moment before its stub init has blocked its signals
    /// to wait for them, and to a first process one that it has no handler for is lost
    /// (`pid_namespaces(7)`).
    async fn until_it_listens(&self, machine: &MachineName) -> Result<(), HostError> {
        let Some(registered) = self.systemd.registered(machine).await? else {
            return Ok(());
        };
        for _ in 0..LISTEN_TRIES {
            let status = std::fs::read_to_string(format!("/proc/{}/status", registered.leader));
            match status {
                Ok(status) if !is_stub_init(&status) => tokio::time::sleep(LISTEN_PAUSE).await,
                _ => break,
            }
        }
        Ok(())
    }

    async fn start_unit(&self, wanted: &Wanted) -> Result<(), HostError> {
        let base = self.base(wanted)?;
        let container = wanted.container();
        let store_idmap = match (&container.root, base) {
            (Root::Nixos(_), Some(base)) => can_be_idmapped(Path::new("/nix/store"), base),
            _ => true,
        };
        let facts = Facts {
            paths: &self.paths,
            uid_base: base,
            journal: self.paths.journal.is_dir(),
            store_idmap,
            delivery: &self.gpus.brought(&container.machine),
        };
        let unit = transient_unit(container, &wanted.declared(), &facts, self.default_tasks);
        for _ in 0..COLLECT_TRIES {
            match self.systemd.start(&unit).await {
                Err(error) if error.is_name_taken() => tokio::time::sleep(COLLECT_PAUSE).await,
                other => return Ok(other?),
            }
        }
        Ok(self.systemd.start(&unit).await?)
    }

    /// A guest is not stopped, whoever asked for its restart, for what could not start again.
    async fn may_stop(&self, wanted: &Wanted) -> Result<(), HostError> {
        if wanted.intent != Intent::Run {
            return Ok(());
        }
        let state = observe_state(&self.paths.state, &wanted.container().machine)?;
        let offer = self.offer(wanted.container()).await?;
        match self.try_prepare(wanted, state, offer.as_deref()).await? {
            Some(conflict) => Err(HostError::Conflict(conflict)),
            None => Ok(()),
        }
    }
}
