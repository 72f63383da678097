//! The real host: each step is handed to the resource it belongs to.

mod files;
mod look;
mod switch;
mod take;

pub(super) use switch::SwitchError;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zbus::Connection;

use crate::firewall::Firewall;
use crate::machine::credentials::Credentials;
use crate::machine::root::{FileError, RootError, UidBase, observe_state};
use crate::machine::{Registered, Systemd, default_tasks_max};
use crate::model::{Container, ContainerId, Group, MachineName, Model};
use crate::network::{self, Bridge, Network};
use crate::os::{Paths, most_tasks};

use crate::reconcile::given_credentials;
use crate::reconcile::host::{Conflict, Host, Observed, Wanted};
use crate::reconcile::host_error::HostError;
use crate::reconcile::open_firewall::{Open, desired};
use crate::reconcile::plan::Step;
use crate::reconcile::unit_signals::UnitSignals;

/// Everything that ctrd does to the host goes through here.
#[derive(Debug)]
pub struct RealHost {
    pub(super) paths: Arc<Paths>,
    pub(super) systemd: Systemd,
    pub(super) network: Network,
    firewall: tokio::sync::Mutex<Open>,
    /// Choosing a user range looks at all the others.
    claim: Arc<Mutex<()>>,
    /// A bridge is made by one container's start, whichever comes first.
    group: tokio::sync::Mutex<()>,
    signals: UnitSignals,
    leaders: Mutex<HashMap<MachineName, (u32, Registered)>>,
    /// The first processes of guests whose users have their bounds: nobody else can change them.
    bounded: Mutex<HashMap<MachineName, u32>>,
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
            claim: Arc::default(),
            group: tokio::sync::Mutex::new(()),
            signals: UnitSignals::new(connection),
            leaders: Mutex::new(HashMap::new()),
            bounded: Mutex::new(HashMap::new()),
            default_tasks: default_tasks_max(most_tasks()),
        }
    }

    /// Makes the host's own side fit a declaration: every bridge, and the firewall in one
    /// transaction. `running` are containers that have elements without having asked for them:
    /// guests that outlived the last ctrd.
    ///
    /// Answers with the groups that could not be made ready, and why.
    pub async fn declare(
        &self,
        model: &Arc<Model>,
        running: &[ContainerId],
    ) -> (
        BTreeMap<crate::model::GroupName, Conflict>,
        Result<Vec<String>, HostError>,
    ) {
        let mut problems = BTreeMap::new();
        let mut lines = Vec::new();
        for group in model.groups.values() {
            match self.ensure_group(group).await {
                Ok(steps) => lines.extend(steps),
                Err(error) => drop(problems.insert(group.name.clone(), error.into())),
            }
        }
        let mut open = self.firewall.lock().await;
        open.wanted = true;
        open.model = model.clone();
        open.containers
            .extend(running.iter().map(|id| (id.clone(), Vec::new())));
        open.containers = open.elements_in(model);
        // Whoever asks for a declaration to be made so is not answered from memory: the news of a
        // flushed table may still be on its way here.
        open.firewall.forget();
        let firewall = open.converge().await.map(|changed| {
            lines.extend(changed);
            lines
        });
        (problems, firewall)
    }

    /// What [`RealHost::declare`] would change, one line each.
    pub async fn would_declare(&self, model: &Model) -> Result<Vec<String>, HostError> {
        let mut lines = Vec::new();
        for group in model.groups.values() {
            let bridge = Bridge::of(group);
            let observed = self.network.observe_group(&bridge).await?;
            match network::plan_group(&bridge, &observed) {
                Ok(steps) => lines.extend(steps.iter().map(ToString::to_string)),
                Err(conflict) => lines.push(format!("{}: {conflict}", group.name)),
            }
        }
        let open = self.firewall.lock().await;
        let desired = desired(model, &open.elements_in(model));
        let observed = open.firewall.observe().await?;
        lines.extend(crate::firewall::plan(&desired, &observed).lines());
        Ok(lines)
    }

    /// Makes a group's bridge what it should be, and says what that took.
    async fn ensure_group(&self, group: &Group) -> Result<Vec<String>, HostError> {
        let _turn = self.group.lock().await;
        let bridge = Bridge::of(group);
        let mut lines = Vec::new();
        // A step can uncover the next one: an address needs its link.
        for _ in 0..4 {
            let observed = self.network.observe_group(&bridge).await?;
            let steps = network::plan_group(&bridge, &observed)
                .map_err(|conflict| HostError::Conflict(conflict.into()))?;
            if steps.is_empty() {
                break;
            }
            lines.extend(steps.iter().map(ToString::to_string));
            for step in &steps {
                tracing::info!(group = %group.name, "{step}");
                self.network.apply(step).await?;
            }
        }
        Ok(lines)
    }

    /// Somebody changed some table of the host: ours are read again and mended where they differ.
    pub async fn mend_firewall(&self) {
        let mut open = self.firewall.lock().await;
        if !open.wanted {
            return;
        }
        open.firewall.forget();
        match open.converge().await {
            Ok(lines) => {
                for line in lines {
                    tracing::warn!("the firewall was changed by somebody else: {line}");
                }
            }
            Err(error) => tracing::error!("{}", error.sentence()),
        }
    }

    /// Removes both tables, for `down`.
    pub async fn remove_firewall(&self) -> Result<(), HostError> {
        let mut open = self.firewall.lock().await;
        open.wanted = false;
        open.containers.clear();
        open.model = Arc::default();
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

    async fn credentials(&self, container: &Container) -> Credentials {
        given_credentials::take(&self.paths, container).await
    }

    async fn changed(&self, wanted: &Wanted) {
        self.signals
            .of(&wanted.container().machine)
            .notified()
            .await;
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
