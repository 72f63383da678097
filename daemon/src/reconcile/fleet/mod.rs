//! All containers: which there are, and what is asked of all of them.

mod removal;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use ctr_api::wire::{Action, ApplyReport, ContainerPlan, Outcome, PlanView, State};
use tokio::sync::{Semaphore, oneshot, watch};

use crate::declaration::{self, LoadError, Parsed, Problems};
use crate::error_text::with_causes;
use crate::machine::credentials::Credentials;
use crate::machine::{Active, slice_name, unit_name};
use crate::model::change::group_changes;
use crate::model::{Container, ContainerId, GroupName, Model};
use crate::os::Paths;

use crate::reconcile::host::{Conflict, Host, Wanted};
use crate::reconcile::host_error::HostError;
use crate::reconcile::journal_views::{self, KeepError};
use crate::reconcile::marks::Mark;
use crate::reconcile::plan::Intent;
use crate::reconcile::real_host::RealHost;
use crate::reconcile::reason::list;
use crate::reconcile::status::{now_ms, view};
use crate::reconcile::task::{Handle, Request, Shared, spawn};

/// The containers that have a task.
pub type Handles = BTreeMap<ContainerId, Handle>;

type Answer = oneshot::Receiver<Result<(), Conflict>>;

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

    /// The credentials of a container as they are now, which may not be what is in force.
    pub async fn credentials_now(&self, container: &Container) -> Credentials {
        self.host.credentials(container).await
    }

    /// Makes sure that there is a place where what these containers say is read.
    pub fn put_journal_views(&self, containers: &[&Container]) -> Result<(), KeepError> {
        journal_views::put(&self.shared.paths, containers.iter().copied())
    }

    fn change(&self, with: impl FnOnce(&mut InForce)) {
        with(&mut self.in_force.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What a declaration would do.
    pub async fn plan(&self, parsed: Parsed) -> PlanView {
        let _turn = self.turn.lock().await;
        let model = Arc::new(parsed.model);
        let containers = self.views(&model).await;
        let mut host = changed_groups(&self.in_force().model, &model);
        match self.host.would_declare(&model).await {
            Ok(lines) => host.extend(lines),
            Err(error) => host.push(error.sentence()),
        }
        PlanView {
            host,
            containers,
            problems: Vec::new(),
        }
    }

    async fn views(&self, model: &Arc<Model>) -> Vec<ContainerPlan> {
        let handles = self.handles.borrow().clone();
        let asked = ask(handles.iter(), |reply| Request::Plan(model.clone(), reply)).await;
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
            let mut wanted = Self::wanted(model, container, self.first_intent(container).await);
            wanted.credentials = Arc::new(self.host.credentials(container).await);
            let observed = self.host.observe(&wanted).await;
            let seen = view(&wanted, None, &self.shared.paths, observed);
            views.insert(container.id.clone(), seen);
            self.host.forget(&container.machine);
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
        if let Err(error) = journal_views::keep(&self.shared.paths, &model) {
            tracing::error!("{}", with_causes(&error));
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
        let before = self.in_force().model;
        let mut failures = Vec::new();
        let mut host = changed_groups(&before, &model);
        match self.put_in_force(&model, parsed.digest).await {
            Ok(lines) => host.extend(lines),
            Err(error) => failures.push(Outcome {
                group: String::new(),
                name: "firewall".to_owned(),
                error: Some(error.sentence()),
                hint: error.hint(),
            }),
        }
        if let Err(error) = journal_views::keep(&self.shared.paths, &model) {
            failures.push(Outcome {
                group: String::new(),
                name: "logs".to_owned(),
                error: Some(with_causes(&error)),
                hint: None,
            });
        }
        for (group, conflict) in &self.in_force().troubled {
            failures.push(Outcome {
                group: group.to_string(),
                name: String::new(),
                error: Some(conflict.reason.clone()),
                hint: conflict.hint.clone(),
            });
        }
        failures.extend(self.remove_undeclared(&model).await);
        let idle: BTreeSet<(&str, &str)> = containers
            .iter()
            .filter(|view| view.steps.is_empty())
            .filter(|view| view.reason.is_none() || view.action == Action::Live)
            .map(|view| (view.group.as_str(), view.name.as_str()))
            .collect();
        // The same declaration once more, and everybody is where it says: nobody is asked twice.
        let nothing_new = before == model && idle.len() == containers.len() && !self.any_is_held();
        let asked = if nothing_new {
            Vec::new()
        } else {
            self.ask_each(&model).await
        };
        for (id, answer) in asked {
            // Who has nothing to do is not waited for.
            if idle.contains(&(id.group.as_str(), id.name.as_str())) {
                continue;
            }
            if let Ok(Err(error)) = answer.await {
                failures.push(outcome(&id, error));
            }
        }
        failures.extend(self.remove_orphans(&model).await);
        for group in before
            .groups
            .keys()
            .filter(|group| !model.groups.contains_key(*group))
        {
            if let Err(error) = self.host.systemd.stop(&slice_name(group)).await {
                tracing::warn!("{error}");
            }
        }
        let plan = PlanView {
            host,
            containers,
            problems: Vec::new(),
        };
        (ApplyReport { plan, failures }, parsed.warnings)
    }

    /// Some guest runs and cannot be as declared: what stood in its way may be gone.
    fn any_is_held(&self) -> bool {
        let handles = self.handles.borrow();
        handles.values().any(|handle| {
            let status = handle.status.borrow();
            status.state == State::Running && status.reason.is_some()
        })
    }

    /// The declared containers whose guests run, whoever started them.
    async fn running(&self, model: &Model) -> Vec<ContainerId> {
        let units = match self.host.systemd.units().await {
            Ok(units) => Some(units),
            Err(error) => {
                // Not known is not stopped: nobody's elements are taken out of the firewall for it.
                tracing::warn!("{}", with_causes(&error));
                None
            }
        };
        let may_run = |name: &String| units.as_ref().is_none_or(|units| units.contains(name));
        model
            .containers()
            .filter(|container| may_run(&unit_name(&container.machine)))
            .map(|container| container.id.clone())
            .collect()
    }

    /// Gives every container its declaration, and a task to those that have none. The answers come
    /// when their steps are applied.
    async fn ask_each(&self, model: &Arc<Model>) -> Vec<(ContainerId, Answer)> {
        let before = self.handles.borrow().clone();
        // A task that has ended, because it was taken away before it could say so, is no task.
        let has_task = |id: &ContainerId| {
            before
                .get(id)
                .is_some_and(|handle| !handle.requests.is_closed())
        };
        let mut made = Vec::new();
        for container in model.containers().filter(|it| !has_task(&it.id)) {
            let intent = self.first_intent(container).await;
            let wanted = Self::wanted(model, container, intent);
            let handle = spawn(self.host.clone(), self.shared.clone(), wanted);
            made.push((container.id.clone(), handle));
        }
        self.handles
            .send_modify(|now| Arc::make_mut(now).extend(made));
        let now = self.handles.borrow().clone();
        let declared = now.iter().filter(|(id, _)| model.container(id).is_some());
        ask(declared, |reply| Request::Declare(model.clone(), reply)).await
    }

    /// Without credentials: its task reads them before anything else.
    fn wanted(model: &Arc<Model>, container: &Container, intent: Intent) -> Wanted {
        Wanted {
            model: model.clone(),
            id: container.id.clone(),
            intent,
            credentials: Arc::default(),
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
}

/// Sends a request to each of these tasks. The answers come in their own time; one of a task that
/// is gone is an error at once.
async fn ask<T>(
    handles: impl Iterator<Item = (&ContainerId, &Handle)>,
    request: impl Fn(oneshot::Sender<T>) -> Request,
) -> Vec<(ContainerId, oneshot::Receiver<T>)> {
    let mut asked = Vec::new();
    for (id, handle) in handles {
        let (reply, answer) = oneshot::channel();
        // A request that cannot be sent is dropped, and its answer with it.
        let _ = handle.requests.send(request(reply)).await;
        asked.push((id.clone(), answer));
    }
    asked
}

/// What groups say otherwise about themselves, one line each.
fn changed_groups(before: &Model, now: &Model) -> Vec<String> {
    let both = now.groups.iter().filter_map(|(name, now)| {
        let changed = group_changes(before.groups.get(name)?, now);
        (!changed.is_empty()).then(|| format!("group {name}: changed {}", list(&changed)))
    });
    both.collect()
}

fn outcome(id: &ContainerId, Conflict { reason, hint }: Conflict) -> Outcome {
    Outcome {
        group: id.group.to_string(),
        name: id.name.to_string(),
        error: Some(reason),
        hint,
    }
}
