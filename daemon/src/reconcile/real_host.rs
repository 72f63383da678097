//! The real host: each step is handed to the resource it belongs to.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zbus::Connection;

use crate::firewall::Firewall;
use crate::machine::root::{
    FileError, UidBase, can_be_idmapped, claim_state, mounted, observe_given, observe_state,
    prepare, release, write_given,
};
use crate::machine::{
    Active, Facts, Registered, Systemd, default_tasks_max, limit_properties, root_directory,
    transient_unit, unit_name,
};
use crate::model::{ContainerId, Group, MachineName, Model, Program, Root};
use crate::network::{self, Bridge, Network};
use crate::os::{Paths, most_tasks};

use super::host::{Conflict, Host, Observed, Wanted, given_files};
use super::host_error::HostError;
use super::open_firewall::{Open, desired, elements};
use super::plan::Step;
use super::unit_signals::UnitSignals;

/// Everything that ctrd does to the host goes through here.
#[derive(Debug)]
pub struct RealHost {
    pub(super) paths: Arc<Paths>,
    pub(super) systemd: Systemd,
    pub(super) network: Network,
    firewall: tokio::sync::Mutex<Open>,
    /// Choosing a user range looks at all the others.
    claim: Mutex<()>,
    /// A bridge is made by one container's start, whichever comes first.
    group: tokio::sync::Mutex<()>,
    signals: UnitSignals,
    leaders: Mutex<HashMap<MachineName, (u32, Registered)>>,
    /// The bound on tasks of a guest that declares none.
    default_tasks: u64,
}

/// A unit that has just ended can block its name for a moment, until systemd has collected it.
const COLLECT_TRIES: u32 = 100;
const COLLECT_PAUSE: Duration = Duration::from_millis(20);
/// Together far longer than a stub init takes to come up.
const LISTEN_TRIES: u32 = 200;
const LISTEN_PAUSE: Duration = Duration::from_millis(10);

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
            claim: Mutex::new(()),
            group: tokio::sync::Mutex::new(()),
            signals: UnitSignals::new(connection),
            leaders: Mutex::new(HashMap::new()),
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
        for group in model.groups.values() {
            if let Err(error) = self.ensure_group(group).await {
                let conflict = Conflict {
                    reason: error.sentence(),
                    hint: error.hint(),
                };
                problems.insert(group.name.clone(), conflict);
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
        let lines = open.converge().await;
        (problems, lines)
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

    async fn ensure_group(&self, group: &Group) -> Result<(), HostError> {
        let _turn = self.group.lock().await;
        let bridge = Bridge::of(group);
        // A step can uncover the next one: an address needs its link.
        for _ in 0..4 {
            let observed = self.network.observe_group(&bridge).await?;
            let steps = network::plan_group(&bridge, &observed)
                .map_err(|conflict| HostError::Conflict(conflict.into()))?;
            if steps.is_empty() {
                return Ok(());
            }
            for step in &steps {
                tracing::info!(group = %group.name, "{step}");
                self.network.apply(step).await?;
            }
        }
        Ok(())
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
        Ok(observe_state(&path, container.users)?.flatten())
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

    /// A machine as machined knows it. Asked for once in a run of nspawn (`main_pid`, 0 for none):
    /// its leader cannot change in between.
    async fn registered(
        &self,
        machine: &MachineName,
        main_pid: u32,
    ) -> Result<Option<Registered>, HostError> {
        let known = lock(&self.leaders).get(machine).cloned();
        if let Some((_, known)) = known.filter(|(pid, _)| main_pid != 0 && *pid == main_pid) {
            return Ok(Some(known));
        }
        let registered = self.systemd.registered(machine).await?;
        let mut leaders = lock(&self.leaders);
        match &registered {
            Some(now) if main_pid != 0 => leaders.insert(machine.clone(), (main_pid, now.clone())),
            _ => leaders.remove(machine),
        };
        Ok(registered)
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
            match has_blocked_signals(registered.leader) {
                Some(false) => tokio::time::sleep(LISTEN_PAUSE).await,
                Some(true) | None => break,
            }
        }
        Ok(())
    }

    /// Something that is in no unit changed for every container: look again.
    pub fn look_again(&self) {
        self.signals.notify_all();
    }

    /// Forgets a container that is declared no more.
    pub(super) fn forget(&self, machine: &MachineName) {
        self.signals.forget(machine);
        lock(&self.leaders).remove(machine);
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

    fn conflict(wanted: &Wanted, other_unit: Option<&str>) -> Option<Conflict> {
        let container = wanted.container();
        if let Some(other) = other_unit {
            return Some(Conflict {
                reason: format!("the machine name {} belongs to {other}", container.machine),
                hint: Some(format!("stop it: `systemctl stop {other}`")),
            });
        }
        let published: Vec<_> = container
            .ports
            .iter()
            .filter_map(|port| Some((port, port.publish.as_ref()?)))
            .collect();
        if published.is_empty() {
            return None;
        }
        let listeners = network::listening().unwrap_or_default();
        published.iter().find_map(|(port, publish)| {
            let listener = network::find_listener(
                &listeners,
                port.protocol,
                publish.address,
                publish.host_port,
            )?;
            Some(Conflict {
                reason: format!(
                    "port {}/{} is to be published, and a program of the host listens on {}",
                    publish.host_port,
                    port.protocol.as_str(),
                    listener.address
                ),
                hint: Some(format!(
                    "stop it (`ss -lnp sport = :{}` names it) or publish another port",
                    publish.host_port
                )),
            })
        })
    }
}

impl Host for RealHost {
    async fn observe(&self, wanted: &Wanted) -> Result<Observed, HostError> {
        let container = wanted.container();
        let machine = &container.machine;
        // The signals are listened to before anything is read: nothing is missed between the two.
        self.signals.of(machine);
        let unit_of_ours = unit_name(machine);
        let unit = self.systemd.observe(&unit_of_ours).await?;
        let registered = self.registered(machine, unit.main_pid).await?;
        let down = matches!(unit.active, Active::Inactive | Active::Failed);
        let other_unit = registered
            .as_ref()
            .filter(|it| it.unit != unit_of_ours)
            .map(|it| it.unit.clone());
        let bridge = Bridge::of(wanted.group());
        let group = self.network.observe_group(&bridge).await?;
        let (group_ready, mut conflict) = match network::plan_group(&bridge, &group) {
            Ok(steps) => (steps.is_empty(), None),
            Err(conflict) => (false, Some(conflict.into())),
        };
        if conflict.is_none() && down {
            conflict = Self::conflict(wanted, other_unit.as_deref());
        }
        let state = observe_state(&self.paths.machine_state(machine), container.users)?;
        let files = self.paths.machine_files(machine);
        let given = given_files(wanted, &self.nameservers(wanted)?);
        let root = root_directory(container, &self.paths);
        let root_mounted = match container.root {
            Root::Tree(_) => mounted(&root).map_err(|source| look_error(&root, source))?,
            Root::Directory(_) | Root::Nixos(_) => false,
        };
        let (firewall_open, firewall_any) = {
            let open = self.firewall.lock().await;
            let now = open.containers.get(&wanted.id);
            (
                now == Some(&elements(wanted.group(), container)),
                now.is_some(),
            )
        };
        let limits_current = limit_properties(&container.limits, self.default_tasks)
            .iter()
            .all(|(name, value)| {
                let declared = u64::try_from(value).ok();
                unit.settable
                    .get(name)
                    .is_none_or(|now| Some(*now) == declared)
            });
        Ok(Observed {
            stale_registration: down && registered.is_some() && other_unit.is_none(),
            network: self.network.observe_container(&wanted.network()).await?,
            files_current: observe_given(&files, &given)?.is_empty(),
            files_any: files.exists(),
            state,
            group_ready,
            unit,
            registered,
            root_mounted,
            firewall_open,
            firewall_any,
            limits_current,
            conflict,
        })
    }

    async fn apply(&self, wanted: &Wanted, step: &Step) -> Result<(), HostError> {
        let container = wanted.container();
        let machine = &container.machine;
        let unit = unit_name(machine);
        match step {
            Step::EnsureGroup => self.ensure_group(wanted.group()).await,
            Step::ClaimState => {
                let _turn = lock(&self.claim);
                claim_state(&self.paths.state, machine, container.users)?;
                Ok(())
            }
            Step::Network(step) => Ok(self.network.apply(step).await?),
            Step::PrepareRoot => {
                let base = self.base(wanted)?;
                let (container, paths) = (container.clone(), self.paths.clone());
                blocking("making the root ready", move || {
                    Ok(prepare(&container, &paths, base)?)
                })
                .await
            }
            Step::WriteFiles => {
                let given = given_files(wanted, &self.nameservers(wanted)?);
                write_given(
                    &self.paths.machine_files(machine),
                    &given,
                    self.base(wanted)?,
                )?;
                Ok(())
            }
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
            Step::StartUnit => self.start_unit(wanted).await,
            Step::StopUnit => {
                if let Program::Command { .. } = container.program {
                    self.until_it_listens(machine).await?;
                }
                Ok(self.systemd.stop(&unit).await?)
            }
            Step::KillUnit => {
                self.systemd.kill(&unit).await?;
                Ok(self.systemd.stop(&unit).await?)
            }
            Step::SetLimits => {
                let properties = limit_properties(&container.limits, self.default_tasks);
                Ok(self.systemd.set_properties(&unit, &properties).await?)
            }
            Step::ReleaseRoot => {
                let root = self.paths.machine_root(machine);
                let state = self.paths.machine_state(machine);
                let ephemeral = container.ephemeral;
                blocking("releasing the root", move || {
                    Ok(release(&root, &state, ephemeral)?)
                })
                .await
            }
            Step::RemoveFiles => {
                let files = self.paths.machine_files(machine);
                match std::fs::remove_dir_all(&files) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        Err(look_error(&files, error))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    async fn changed(&self, wanted: &Wanted) {
        self.signals
            .of(&wanted.container().machine)
            .notified()
            .await;
    }
}

/// Whether a process has blocked its signals, as nspawn's stub init does before it listens; `None`
/// for one that is gone.
///
/// SIGHUP stands for all of them: those that it waits for the kernel unblocks meanwhile
/// (`do_sigtimedwait()` in kernel/signal.c).
fn has_blocked_signals(pid: u32) -> Option<bool> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let blocked = status
        .lines()
        .find_map(|line| line.strip_prefix("SigBlk:"))?;
    let mask = u64::from_str_radix(blocked.trim(), 16).ok()?;
    Some(mask & 1 << (libc::SIGHUP - 1) != 0)
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
