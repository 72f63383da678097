//! All containers: which there are, and what is asked of all of them.

mod apply;
mod down;
mod gpus;
mod last_good;
mod orphans;
mod prune;
mod removal;
mod renames;
mod retry;
mod tasks;
mod together;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use ctr_api::wire::{ContainerPlan, Outcome, PlanView};
use tokio::sync::{Notify, Semaphore, watch};

use crate::declaration::{self, LoadError, Parsed};
use crate::error_text::with_causes;
use crate::gpu::meter::{HostMeter, Meter};
use crate::machine::credentials::Credentials;
use crate::machine::unit_name;
use crate::model::change::group_changes;
use crate::model::{Container, ContainerId, GroupName, MachineName, MetricsAddress, Model};
use crate::os::{Paths, failpoint};

use crate::reconcile::feed::{Feed, Follower};
use crate::reconcile::host::{Conflict, Host};
use crate::reconcile::host_error::HostError;
use crate::reconcile::journal_views::{self, KeepError};
use crate::reconcile::others::Surroundings;
use crate::reconcile::real_host::RealHost;
use crate::reconcile::reason::list;
use crate::reconcile::status::{now_ms, view};
use crate::reconcile::task::{Handle, Request, Shared};
use crate::reconcile::unfinished::remove_unfinished;

use tasks::ask;

pub use gpus::Gpus;
pub use prune::PruneError;

/// The containers that have a task.
pub type Handles = BTreeMap<ContainerId, Handle>;

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
    /// When the groups whose network could not be made are tried again, in milliseconds since the epoch.
    pub next_try_ms: Option<u64>,
}

/// Everything that is declared, running.
#[derive(Debug)]
pub struct Fleet {
    host: Arc<RealHost>,
    shared: Shared,
    handles: watch::Sender<Arc<Handles>>,
    in_force: Mutex<InForce>,
    /// Where metrics are to be served.
    metrics: watch::Sender<Option<MetricsAddress>>,
    /// The place where they could not be, and why.
    metrics_trouble: Mutex<Option<(MetricsAddress, Conflict)>>,
    /// The declaration in place as it was last read and accepted: it is not parsed again for each plan.
    read: Mutex<Option<Parsed>>,
    /// Two declarations are never taken into force at once. It is held for moments: nobody waits for a
    /// guest with it.
    turn: tokio::sync::Mutex<()>,
    /// Machines that nothing declares and that are being taken away, or their data: nobody else touches
    /// them, and no task is made for them.
    claimed: Mutex<BTreeSet<MachineName>>,
    /// Something was taken away, or could not be done: there may be something to do again.
    stirred: Notify,
    /// Tells what containers use of graphics processors.
    meter: Arc<dyn Meter>,
}

impl Fleet {
    /// Nothing declared yet.
    pub fn new(host: Arc<RealHost>, paths: Arc<Paths>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let (handles, fleet) = watch::channel(Arc::new(Handles::new()));
        // A boot keeps a processor busy about half of its time.
        let starts = Arc::new(Semaphore::new((processors * 2).max(4)));
        let meter = Arc::new(HostMeter::new(paths.clone()));
        Self {
            host,
            meter,
            shared: Shared {
                paths,
                starts,
                fleet,
                feed: Feed::default(),
            },
            handles,
            metrics: watch::channel(None).0,
            metrics_trouble: Mutex::default(),
            in_force: Mutex::new(InForce {
                model: Arc::default(),
                loaded_ms: now_ms(),
                digest: None,
                refused: None,
                next_try_ms: None,
            }),
            read: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
            claimed: Mutex::default(),
            stirred: Notify::new(),
        }
    }

    /// The handles of all containers, followed.
    pub fn handles(&self) -> watch::Receiver<Arc<Handles>> {
        self.handles.subscribe()
    }

    /// What happens to them, from the whole state on.
    pub fn follow(&self) -> Follower {
        self.shared.feed.follow(self.handles())
    }

    /// Where metrics are to be served, followed.
    pub fn metrics(&self) -> watch::Receiver<Option<MetricsAddress>> {
        self.metrics.subscribe()
    }

    /// Says why metrics cannot be served at a place; `None` where they are, or are not to be.
    pub(crate) fn set_metrics_trouble(&self, trouble: Option<(MetricsAddress, Conflict)>) {
        *self
            .metrics_trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Why metrics are not served at `address`, where that was tried and failed.
    pub fn metrics_trouble(&self, address: &MetricsAddress) -> Option<Conflict> {
        let trouble = self.metrics_trouble.lock();
        let trouble = trouble.unwrap_or_else(PoisonError::into_inner).clone();
        trouble
            .filter(|(place, _)| place == address)
            .map(|(_, trouble)| trouble)
    }

    /// The declaration in force.
    pub fn in_force(&self) -> InForce {
        self.in_force
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Groups whose network could not be made, and why.
    pub fn troubled(&self) -> BTreeMap<GroupName, Conflict> {
        self.host.troubled()
    }

    /// What other programs' firewalls stop, as it was last seen.
    pub fn surroundings(&self) -> Arc<Surroundings> {
        self.host.surroundings()
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
        let model = parsed.model;
        let containers = self.views(&model).await;
        PlanView {
            host: self.host_lines(&model).await,
            containers,
            problems: Vec::new(),
        }
    }

    /// What changes on the host's own side, one line each.
    async fn host_lines(&self, model: &Model) -> Vec<String> {
        let now = self.in_force().model;
        let mut lines = changed_groups(&now, model);
        if now.metrics != model.metrics {
            lines.push(match &model.metrics {
                Some(address) => format!("serve metrics at {address}"),
                None => "serve no metrics any more".to_owned(),
            });
        }
        match self.host.would_declare(model).await {
            Ok(more) => lines.extend(more),
            Err(error) => lines.push(error.sentence()),
        }
        lines
    }

    async fn views(&self, model: &Arc<Model>) -> Vec<ContainerPlan> {
        let handles = self.handles.borrow().clone();
        let asked = ask(handles.iter(), |_, _, reply| {
            Request::Plan(model.clone(), reply)
        })
        .await;
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
            // Somebody may have applied it meanwhile, and its task hears of its unit by now.
            if self.in_force().model.container(&container.id).is_none() {
                self.forget(&container.machine);
            }
        }
        let mut views: Vec<_> = views.into_values().collect();
        renames::note(
            &mut views,
            &self.in_force().model,
            model,
            &self.shared.paths,
        );
        views
    }

    /// Reads the declaration in place for the first time, or the last one that was accepted where that
    /// is refused: when this returns every container has its task and its status, and none was waited
    /// for.
    pub async fn begin(&self) -> Result<(), Arc<LoadError>> {
        remove_unfinished(&self.shared.paths);
        let (parsed, refused) = self.load_or_last()?;
        let _turn = self.turn.lock().await;
        let model = parsed.model;
        if let Err(error) = self.host.see_all_attached().await {
            tracing::error!("{}", error.sentence());
        }
        if let Err(error) = self.put_in_force(&model, parsed.digest).await {
            tracing::error!("{}", error.sentence());
        }
        if let Some(failed) = self.keep_declaration(parsed.text).await {
            tracing::error!("{}", failed.error.unwrap_or_default());
        }
        self.change(|now| now.refused = refused);
        if let Err(error) = journal_views::keep(&self.shared.paths, &model) {
            tracing::error!("{}", with_causes(&error));
        }
        failpoint("journal views kept");
        self.make_tasks(&model).await;
        Ok(())
    }

    /// Takes away what an earlier ctrd left and nobody declares, and what moved out of its way comes.
    pub async fn tidy(&self) {
        for outcome in self.remove_orphans().await {
            tracing::error!("failed to tidy up: {}", outcome.error.unwrap_or_default());
        }
        self.host.ensure_groups(&self.in_force().model).await;
        self.stirred.notify_one();
    }

    /// Reads the declaration in place.
    pub fn read(&self) -> Result<Parsed, LoadError> {
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let path = &self.shared.paths.declaration;
        let parsed = declaration::load_again(path, known.as_ref())?;
        *known = Some(parsed.clone());
        Ok(parsed)
    }

    fn load(&self) -> Result<Parsed, Arc<LoadError>> {
        self.read().map_err(|error| {
            let error = Arc::new(error);
            self.change(|now| now.refused = Some(error.clone()));
            error
        })
    }

    /// The host's own side, and what everybody sees as declared.
    async fn put_in_force(&self, model: &Arc<Model>, digest: [u8; 32]) -> Result<(), HostError> {
        let running = self.running(model).await;
        let firewall = self.host.declare(model, &running).await;
        failpoint("host's side declared");
        self.change(|now| {
            *now = InForce {
                model: model.clone(),
                loaded_ms: now_ms(),
                digest: Some(digest),
                refused: None,
                next_try_ms: None,
            };
        });
        self.metrics.send_if_modified(|address| {
            let differs = *address != model.metrics;
            address.clone_from(&model.metrics);
            differs
        });
        self.stirred.notify_one();
        firewall
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
