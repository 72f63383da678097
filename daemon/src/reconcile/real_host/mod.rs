//! The real host: each step is handed to the resource it belongs to.

mod devices;
mod files;
mod given;
mod gpus;
mod groups;
mod look;
mod occupied;
mod probe;
mod switch;
mod take;

pub(super) use switch::SwitchError;

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zbus::Connection;

use crate::error_text::with_causes;
use crate::firewall::Firewall;
use crate::health::Outcome;
use crate::machine::credentials::Credentials;
use crate::machine::root::{FileError, RootError, UidBase, observe_state};
use crate::machine::{Registered, Systemd, default_tasks_max, unit_name};
use crate::model::{Container, MachineName};
use crate::network::{self, Network};
use crate::os::{Paths, most_tasks};

use crate::reconcile::given_credentials;
use crate::reconcile::host::{Host, Observed, Probed, Wanted};
use crate::reconcile::host_error::HostError;
use crate::reconcile::open_firewall::Open;
use crate::reconcile::others::{Others, Surroundings};
use crate::reconcile::plan::Step;
use crate::reconcile::unit_signals::UnitSignals;

use groups::Groups;
use occupied::Occupied;

/// Everything that ctrd does to the host goes through here.
#[derive(Debug)]
pub struct RealHost {
    pub(super) paths: Arc<Paths>,
    pub(super) systemd: Systemd,
    pub(super) network: Network,
    firewall: tokio::sync::Mutex<Open>,
    /// The last try to make the tables what they should be failed.
    pub(super) firewall_failed: AtomicBool,
    others: Others,
    /// Choosing a user range looks at all the others.
    claim: Arc<Mutex<()>>,
    /// A bridge is made by one container's start, whichever comes first.
    group: tokio::sync::Mutex<()>,
    /// The groups that are to be there, and those whose network could not be made.
    groups: Mutex<Groups>,
    occupied: Mutex<Occupied>,
    signals: UnitSignals,
    /// logind has said that the host is about to shut down.
    shutdown_prepared: AtomicBool,
    leaders: Mutex<HashMap<MachineName, (u32, Registered)>>,
    /// The first processes of guests whose users have their bounds: nobody else can change them.
    bounded: Mutex<HashMap<MachineName, u32>>,
    given: given::Given,
    gpus: gpus::Gpus,
    /// The bound on tasks of a guest that declares none.
    default_tasks: u64,
}

impl RealHost {
    /// Everything at its place.
    pub fn new(
        paths: Arc<Paths>,
        connection: Connection,
        systemd: Systemd,
        network: Network,
        firewall: Firewall,
    ) -> Self {
        Self {
            paths,
            systemd,
            network,
            firewall: tokio::sync::Mutex::new(Open::new(firewall)),
            firewall_failed: AtomicBool::new(false),
            others: Others::default(),
            claim: Arc::default(),
            group: tokio::sync::Mutex::new(()),
            groups: Mutex::default(),
            occupied: Mutex::default(),
            signals: UnitSignals::new(connection),
            shutdown_prepared: AtomicBool::new(false),
            leaders: Mutex::new(HashMap::new()),
            bounded: Mutex::new(HashMap::new()),
            given: given::Given::default(),
            gpus: gpus::Gpus::default(),
            default_tasks: default_tasks_max(most_tasks()),
        }
    }

    /// logind says that the host is about to shut down, or that it is not after all.
    pub(super) fn prepare_for_shutdown(&self, begins: bool) {
        if self.shutdown_prepared.swap(begins, Ordering::Relaxed) != begins {
            let what = if begins {
                "the host is about to shut down: nothing is started or repaired from here on"
            } else {
                "the host does not shut down after all: everything is looked at again"
            };
            tracing::info!("{what}");
        }
    }

    /// Everything that may have been missed or left is made up for.
    pub(super) async fn look_at_everything(&self) {
        self.look_again();
        self.mend_bridges().await;
        self.mend_firewall().await;
    }

    /// Somebody changed some table of the host: ours are read again and mended where they differ.
    pub async fn mend_firewall(&self) {
        if self.stopping().await {
            return;
        }
        let mut open = self.firewall.lock().await;
        if !open.wanted {
            return;
        }
        let converged = open.converge().await;
        self.firewall_failed
            .store(converged.is_err(), Ordering::Relaxed);
        match converged {
            Ok(lines) => {
                for line in lines {
                    tracing::warn!("the firewall was changed by somebody else: {line}");
                }
            }
            Err(error) => tracing::error!("{}", error.sentence()),
        }
    }

    /// Somebody changed some table, or the host's network: what stands in the containers' way may be
    /// something else now.
    pub fn look_at_others(&self) {
        self.others.ask();
    }

    /// What other programs' firewalls stop, as it was last seen.
    pub fn surroundings(&self) -> Arc<Surroundings> {
        self.others.known()
    }

    /// Looks at other programs' firewalls whenever there is a reason to, for ever.
    pub async fn follow_others(&self) {
        loop {
            self.others.asked().await;
            let model = self.firewall.lock().await.model.clone();
            self.others.look(&self.paths, model).await;
        }
    }

    /// Removes both tables, for `down`.
    pub async fn remove_firewall(&self) -> Result<(), HostError> {
        let mut open = self.firewall.lock().await;
        open.wanted = false;
        open.containers.clear();
        open.model = Arc::default();
        self.others.ask();
        open.firewall.remove().await?;
        Ok(())
    }

    fn base(&self, wanted: &Wanted) -> Result<Option<UidBase>, HostError> {
        let container = wanted.container();
        let path = self.paths.machine_state(&container.machine);
        match observe_state(&self.paths.state, &container.machine)? {
            Some(state) if state.fits(container.users) => Ok(state.base),
            _ => Err(RootError::OtherUsers { path }.into()),
        }
    }

    /// An error is not "none": no guest loses its name servers because the host's cannot be read.
    fn nameservers(&self, wanted: &Wanted) -> Result<Vec<Ipv4Addr>, HostError> {
        match &wanted.model.nameservers {
            Some(declared) => Ok(declared.clone()),
            None => {
                network::read_upstreams(&self.paths.resolv_conf).map_err(HostError::NameServers)
            }
        }
    }

    /// Something that is in no unit changed for every container: look again.
    pub fn look_again(&self) {
        self.signals.notify_all();
    }

    /// Forgets a container that is declared no more.
    pub(super) fn forget(&self, machine: &MachineName) {
        self.signals.forget(machine);
        self.network.forget(machine);
        self.systemd.forget(&unit_name(machine));
        self.given.forget(machine);
        self.gpus.forget(machine);
        lock(&self.leaders).remove(machine);
        lock(&self.bounded).remove(machine);
    }
}

impl Host for RealHost {
    async fn observe(&self, wanted: &Wanted) -> Result<Observed, HostError> {
        self.look(wanted).await
    }

    async fn apply(&self, wanted: &Wanted, step: &Step) -> Result<(), HostError> {
        self.take(wanted, step).await
    }

    async fn probe(&self, probed: &Probed) -> Outcome {
        self.try_health(probed).await
    }

    async fn stopping(&self) -> bool {
        if self.shutdown_prepared.load(Ordering::Relaxed) {
            return true;
        }
        match self.systemd.is_stopping().await {
            Ok(stopping) => stopping,
            Err(error) => {
                tracing::warn!("{}", with_causes(&error));
                false
            }
        }
    }

    async fn credentials(&self, container: &Container) -> Credentials {
        given_credentials::take(&self.paths, container).await
    }

    async fn changed(&self, wanted: &Wanted) {
        let machine = &wanted.container().machine;
        let (unit, network) = (self.signals.of(machine), self.network.changed(machine));
        tokio::select! {
            () = unit.notified() => {}
            () = network.notified() => {}
        }
    }
}

async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T, HostError> + Send + 'static,
) -> Result<T, HostError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| HostError::Interrupted(what))?
}

fn look_error(path: &Path, source: io::Error) -> HostError {
    HostError::State(FileError::new("look at", path)(source).into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
