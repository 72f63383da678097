//! All containers: which there are, and what is asked of all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use ctr_api::wire::{ApplyReport, ContainerPlan, DownReport, Outcome, PlanView};
use tokio::sync::{Semaphore, oneshot, watch};

use crate::declaration::{self, LoadError, Parsed, Problems};
use crate::machine::{Active, machine_of_unit, unit_name};
use crate::model::{Container, ContainerId, GroupName, Model};
use crate::network::{self, Attachment, Bridge};
use crate::os::Paths;

use super::host::{Conflict, Wanted};
use super::host_error::HostError;
use super::marks::Mark;
use super::orphans;
use super::plan::Intent;
use super::real_host::RealHost;
use super::status::now_ms;
use super::task::{Handle, Request, Shared, spawn};

/// The containers that have a task.
pub type Handles = BTreeMap<ContainerId, Handle>;

type Answer = oneshot::Receiver<Result<(), String>>;

/// The declaration that is in force.
#[derive(Debug, Clone)]
pub struct InForce {
    /// What it says.
    pub model: Arc<Model>,
    /// When it was read, in milliseconds since the epoch.
    pub loaded_ms: u64,
    /// SHA-256 of the bytes that were read; `None` where it is not what the file says.
    pub digest: Option<[u8; 32]>,
    /// Why the last attempt to read it was refused.
    pub refused: Option<Arc<LoadError>>,
    /// Groups whose network could not be made, and why.
    pub troubled: BTreeMap<GroupName, Conflict>,
}

/// Everything that is declared, running.
#[derive(Debug)]
pub struct Fleet {
    host: Arc<RealHost>,
    shared: Shared,
    handles: watch::Sender<Arc<Handles>>,
    in_force: Mutex<InForce>,
    /// Two declarations are never applied at once.
    turn: tokio::sync::Mutex<()>,
}

impl Fleet {
    /// Nothing declared yet.
    pub fn new(host: Arc<RealHost>, paths: Arc<Paths>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let (handles, fleet) = watch::channel(Arc::new(Handles::new()));
        // A boot keeps a processor busy about half of its time.
        let starts = Arc::new(Semaphore::new((processors * 2).max(4)));
        Self {
            host,
            shared: Shared {
                paths,
                starts,
                fleet,
            },
            handles,
            in_force: Mutex::new(InForce {
                model: Arc::default(),
                loaded_ms: now_ms(),
                digest: None,
                refused: None,
                troubled: BTreeMap::new(),
            }),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// The handles of all containers, followed.
    pub fn handles(&self) -> watch::Receiver<Arc<Handles>> {
        self.handles.subscribe()
    }

    /// The declaration in force.
    pub fn in_force(&self) -> InForce {
        self.in_force
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Every place on the host.
    pub fn paths(&self) -> &Paths {
        &self.shared.paths
    }

    fn change(&self, with: impl FnOnce(&mut InForce)) {
        with(&mut self.in_force.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What a declaration would do.
    pub async fn plan(&self, parsed: Parsed) -> PlanView {
        let _turn = self.turn.lock().await;
        let model = Arc::new(parsed.model);
        let containers = self.views(&model).await;
        let host = match self.host.would_declare(&model).await {
            Ok(lines) => lines,
            Err(error) => vec![error.sentence()],
        };
        PlanView {
            host,
            containers,
            problems: Vec::new(),
        }
    }

    async fn views(&self, model: &Arc<Model>) -> Vec<ContainerPlan> {
        let handles = self.handles.borrow().clone();
        let mut asked = Vec::new();
        for (id, handle) in handles.iter() {
            let (reply, answer) = oneshot::channel();
            if handle
                .requests
                .send(Request::Plan(model.clone(), reply))
                .await
                .is_ok()
            {
                asked.push((id.clone(), answer));
            }
        }
        let mut views = BTreeMap::new();
        for (id, answer) in asked {
            if let Ok(view) = answer.await {
                views.insert(id, view);
            }
        }
        for container in model
            .containers()
            .filter(|it| !handles.contains_key(&it.id))
        {
            let wanted = Self::wanted(model, container, Intent::Run);
            let observed = super::host::Host::observe(&*self.host, &wanted).await;
            let view = super::status::view(&wanted, &self.shared.paths, observed);
            if !container.autostart {
                // It would be declared, and nothing of it started.
                let quiet = Wanted {
                    intent: Intent::Stop,
                    ..wanted
                };
                let observed = super::host::Host::observe(&*self.host, &quiet).await;
                let view = super::status::view(&quiet, &self.shared.paths, observed);
                views.insert(container.id.clone(), view);
                self.host.forget(&container.machine);
                continue;
            }
            self.host.forget(&container.machine);
            views.insert(container.id.clone(), view);
        }
        views.into_values().collect()
    }

    /// Reads the declaration in place for the first time: when this returns every container has its
    /// task and its status, and none was waited for.
    pub async fn begin(&self) -> Result<(), Arc<LoadError>> {
        let parsed = self.load()?;
        let _turn = self.turn.lock().await;
        let model = Arc::new(parsed.model);
        if let Err(error) = self.put_in_force(&model, parsed.digest).await {
            tracing::error!("{}", error.sentence());
        }
        drop(self.ask_each(&model).await);
        Ok(())
    }

    /// Takes away what an earlier ctrd left and nobody declares.
    pub async fn tidy(&self) {
        let _turn = self.turn.lock().await;
        let model = self.in_force().model;
        for outcome in self.remove_orphans(&model).await {
            tracing::error!("failed to tidy up: {}", outcome.error.unwrap_or_default());
        }
    }

    fn load(&self) -> Result<Parsed, Arc<LoadError>> {
        declaration::load(&self.shared.paths.declaration).map_err(|error| {
            let error = Arc::new(error);
            self.change(|now| now.refused = Some(error.clone()));
            error
        })
    }

    /// Reads the declaration in place and makes it so. Returns when the steps are applied, not when
    /// the guests are ready.
    pub async fn apply(&self) -> Result<(ApplyReport, Problems), Arc<LoadError>> {
        Ok(self.declare(self.load()?).await)
    }

    /// The host's own side, and what everybody sees as declared.
    async fn put_in_force(
        &self,
        model: &Arc<Model>,
        digest: [u8; 32],
    ) -> Result<Vec<String>, HostError> {
        let running = self.running(model).await;
        let (troubled, firewall) = self.host.declare(model, &running).await;
        self.change(|now| {
            *now = InForce {
                model: model.clone(),
                loaded_ms: now_ms(),
                digest: Some(digest),
                refused: None,
                troubled,
            };
        });
        firewall
    }

    async fn declare(&self, parsed: Parsed) -> (ApplyReport, Problems) {
        let _turn = self.turn.lock().await;
        let model = Arc::new(parsed.model);
        let containers = self.views(&model).await;
        let mut failures = Vec::new();
        let mut host = Vec::new();
        match self.put_in_force(&model, parsed.digest).await {
            Ok(lines) => host = lines,
            Err(error) => failures.push(Outcome {
                group: String::new(),
                name: "firewall".to_owned(),
                error: Some(error.sentence()),
            }),
        }
        for (group, conflict) in &self.in_force().troubled {
            failures.push(Outcome {
                group: group.to_string(),
                name: String::new(),
                error: Some(conflict.reason.clone()),
            });
        }
        failures.extend(self.remove_undeclared(&model).await);
        let idle: BTreeSet<(&str, &str)> = containers
            .iter()
            .filter(|view| view.steps.is_empty() && view.reason.is_none())
            .map(|view| (view.group.as_str(), view.name.as_str()))
            .collect();
        for (id, answer) in self.ask_each(&model).await {
            // Who has nothing to do is not waited for.
            if idle.contains(&(id.group.as_str(), id.name.as_str())) {
                continue;
            }
            if let Ok(Err(error)) = answer.await {
                failures.push(outcome(&id, error));
            }
        }
        failures.extend(self.remove_orphans(&model).await);
        let plan = PlanView {
            host,
            containers,
            problems: Vec::new(),
        };
        (ApplyReport { plan, failures }, parsed.warnings)
    }

    /// The declared containers whose guests run, whoever started them.
    async fn running(&self, model: &Model) -> Vec<ContainerId> {
        let units = self.host.systemd.units().await.unwrap_or_default();
        model
            .containers()
            .filter(|container| units.contains(&unit_name(&container.machine)))
            .map(|container| container.id.clone())
            .collect()
    }

    async fn remove_undeclared(&self, model: &Model) -> Vec<Outcome> {
        let gone: Vec<ContainerId> = self
            .handles
            .borrow()
            .keys()
            .filter(|id| model.container(id).is_none())
            .cloned()
            .collect();
        self.remove(gone).await
    }

    async fn remove(&self, ids: Vec<ContainerId>) -> Vec<Outcome> {
        let handles = self.handles.borrow().clone();
        let mut asked = Vec::new();
        for id in ids {
            let Some(handle) = handles.get(&id) else {
                continue;
            };
            let (reply, answer) = oneshot::channel();
            if handle.requests.send(Request::Remove(reply)).await.is_ok() {
                asked.push((id, answer));
            }
        }
        let mut failures = Vec::new();
        for (id, answer) in asked {
            match answer.await {
                Ok(Ok(())) | Err(_) => {
                    self.handles.send_modify(|now| {
                        Arc::make_mut(now).remove(&id);
                    });
                    if let Ok(machine) = id.machine() {
                        self.host.forget(&machine);
                    }
                }
                Ok(Err(error)) => failures.push(outcome(&id, error)),
            }
        }
        failures
    }

    /// Gives every container its declaration, and a task to those that have none. The answers come
    /// when their steps are applied.
    async fn ask_each(&self, model: &Arc<Model>) -> Vec<(ContainerId, Answer)> {
        let mut asked = Vec::new();
        let handles = self.handles.borrow().clone();
        let mut fresh = Vec::new();
        for container in model.containers() {
            let Some(handle) = handles.get(&container.id) else {
                fresh.push(container);
                continue;
            };
            let (reply, answer) = oneshot::channel();
            if handle
                .requests
                .send(Request::Declare(model.clone(), reply))
                .await
                .is_ok()
            {
                asked.push((container.id.clone(), answer));
            }
        }
        let mut made = Vec::new();
        for container in fresh {
            let intent = self.first_intent(container).await;
            let wanted = Self::wanted(model, container, intent);
            let handle = spawn(self.host.clone(), self.shared.clone(), wanted);
            made.push((container.id.clone(), handle));
        }
        self.handles
            .send_modify(|now| Arc::make_mut(now).extend(made.iter().cloned()));
        for (id, handle) in made {
            let (reply, answer) = oneshot::channel();
            if handle
                .requests
                .send(Request::Declare(model.clone(), reply))
                .await
                .is_ok()
            {
                asked.push((id, answer));
            }
        }
        asked
    }

    fn wanted(model: &Arc<Model>, container: &Container, intent: Intent) -> Wanted {
        Wanted {
            model: model.clone(),
            id: container.id.clone(),
            intent,
        }
    }

    /// What a container that has no task yet is meant to do: as its mark says, else as it is
    /// declared, and a guest that runs goes on.
    async fn first_intent(&self, container: &Container) -> Intent {
        match Mark::read(&self.shared.paths.mark(&container.machine)) {
            Ok(Some(_)) => return Intent::Stop,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(container = %container.id, "failed to read its mark: {error}");
            }
        }
        if container.autostart {
            return Intent::Run;
        }
        match self
            .host
            .systemd
            .observe(&unit_name(&container.machine))
            .await
        {
            Ok(unit) if matches!(unit.active, Active::Active | Active::Activating) => Intent::Run,
            _ => Intent::Stop,
        }
    }

    /// Takes away what carries our mark and nothing declares.
    async fn remove_orphans(&self, model: &Model) -> Vec<Outcome> {
        let report = self.sweep(model).await;
        report
            .failures
            .into_iter()
            .map(|error| Outcome {
                group: String::new(),
                name: "orphan".to_owned(),
                error: Some(error),
            })
            .collect()
    }

    async fn sweep(&self, model: &Model) -> DownReport {
        let mut report = DownReport {
            removed: Vec::new(),
            data: Vec::new(),
            failures: Vec::new(),
        };
        match self.host.systemd.units().await {
            Ok(units) => {
                for machine in units.iter().filter_map(|unit| machine_of_unit(unit)) {
                    if model
                        .containers()
                        .any(|container| container.machine == machine)
                    {
                        continue;
                    }
                    match orphans::remove_machine(&self.host, &machine).await {
                        Ok(true) => report.removed.push(format!("machine {machine}")),
                        Ok(false) => {}
                        Err(error) => report.failures.push(error.sentence()),
                    }
                }
            }
            Err(error) => report.failures.push(error.to_string()),
        }
        let bridges: Vec<Bridge> = model.groups.values().map(Bridge::of).collect();
        let attachments: Vec<Attachment> = model
            .groups
            .values()
            .flat_map(|group| {
                group
                    .containers
                    .values()
                    .map(|it| Attachment::of(group, it))
            })
            .collect();
        let marked = match self.host.network.observe_marked().await {
            Ok(marked) => marked,
            Err(error) => {
                report.failures.push(error.to_string());
                return report;
            }
        };
        let removals = network::plan_removals(&bridges, &attachments, &marked);
        for step in removals.at_once(&marked) {
            match self.host.network.apply(&step).await {
                Ok(()) => report
                    .removed
                    .push(step.to_string().replacen("delete ", "", 1)),
                Err(error) => report.failures.push(error.to_string()),
            }
        }
        report
    }

    /// Where data stays: the machines' state, and what is declared as data.
    fn data(&self) -> Vec<String> {
        let model = self.in_force().model;
        let binds = model.containers().flat_map(|container| &container.binds);
        let declared = binds
            .filter(|bind| bind.data)
            .map(|bind| bind.host.display().to_string());
        let mut data: BTreeSet<String> = declared.collect();
        data.extend(orphans::state_directories(&self.shared.paths));
        data.into_iter().collect()
    }

    /// Stops everything and takes away what is ours, except data.
    pub async fn down(&self) -> DownReport {
        let _turn = self.turn.lock().await;
        let all: Vec<ContainerId> = self.handles.borrow().keys().cloned().collect();
        let mut removed: Vec<String> = all.iter().map(|id| format!("container {id}")).collect();
        let failures = self.remove(all).await;
        removed.retain(|line| {
            !failures
                .iter()
                .any(|it| *line == format!("container {}/{}", it.group, it.name))
        });
        let mut report = self.sweep(&Model::default()).await;
        removed.append(&mut report.removed);
        report.removed = removed;
        report
            .failures
            .extend(failures.into_iter().filter_map(|it| it.error));
        match self.host.remove_firewall().await {
            Ok(()) => report
                .removed
                .push("the tables inet ctr and bridge ctr".to_owned()),
            Err(error) => report.failures.push(error.sentence()),
        }
        report.data = self.data();
        self.change(|now| {
            now.model = Arc::default();
            now.digest = None;
            now.troubled.clear();
        });
        report
    }
}

fn outcome(id: &ContainerId, error: String) -> Outcome {
    Outcome {
        group: id.group.to_string(),
        name: id.name.to_string(),
        error: Some(error),
    }
}
