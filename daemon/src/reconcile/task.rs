//! One container's task: serial, and the only one that changes anything of that container.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ctr_api::wire::{Action, ContainerPlan, State};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::machine::{Active, Unit};
use crate::model::{ContainerId, Model};
use crate::os::Paths;

use super::host::{Conflict, Host, Observed, Wanted};
use super::host_error::HostError;
use super::marks::Mark;
use super::plan::{Intent, Plan, Step, plan};
use super::status::{Status, now_ms};
use super::supervise::{Backoff, Verdict, verdict};

/// What others ask of a container's task.
#[derive(Debug)]
pub enum Request {
    /// Start it; answered when its status says so.
    Start(oneshot::Sender<()>),
    /// Stop it; answered when its status says so.
    Stop(oneshot::Sender<()>),
    /// Stop and start it; answered when its status says so.
    Restart(oneshot::Sender<()>),
    /// A new declaration; answered when the steps it takes are applied.
    Declare(Arc<Model>, oneshot::Sender<Result<(), String>>),
    /// What a declaration would do.
    Plan(Arc<Model>, oneshot::Sender<ContainerPlan>),
    /// Take it away; the task ends with the answer.
    Remove(oneshot::Sender<Result<(), String>>),
}

/// How others reach a container's task.
#[derive(Debug, Clone)]
pub struct Handle {
    /// Its requests.
    pub requests: mpsc::Sender<Request>,
    /// Its status, always the present one.
    pub status: watch::Receiver<Status>,
}

/// What all tasks share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Every place on the host.
    pub paths: Arc<Paths>,
    /// How many guests are on their way to ready at once.
    pub starts: Arc<Semaphore>,
    /// The handles of all containers, for those that wait for another.
    pub fleet: watch::Receiver<Arc<super::fleet::Handles>>,
}

/// How often the same plan may come back before it is called a failure.
const ROUNDS: u32 = 8;
/// A run of this length ends a row of failures.
const GOOD_RUN: Duration = Duration::from_secs(60);

struct Task<H> {
    host: Arc<H>,
    shared: Shared,
    wanted: Wanted,
    status: watch::Sender<Status>,
    /// The unit as it was last seen.
    last: Option<Unit>,
    /// We asked for the end that comes next.
    stopping: bool,
    /// A person asked for a restart that has not begun.
    forced: bool,
    backoff: Backoff,
    /// Not started again before.
    next_try: Option<Instant>,
    /// It failed and is not tried again by itself.
    given_up: bool,
    /// Why it is not where it should be.
    trouble: Option<Conflict>,
    restarts: u32,
    last_exit: Option<String>,
    permit: Option<OwnedSemaphorePermit>,
    waiting_for: Option<ContainerId>,
    declare: Vec<oneshot::Sender<Result<(), String>>>,
    remove: Option<oneshot::Sender<Result<(), String>>>,
}

/// Starts the task of a container.
pub fn spawn<H: Host>(host: Arc<H>, shared: Shared, wanted: Wanted) -> Handle {
    let (requests, inbox) = mpsc::channel(64);
    let state = if wanted.intent == Intent::Run {
        State::Starting
    } else {
        State::Stopped
    };
    let (status, status_of) = watch::channel(Status {
        state,
        ..Status::unknown()
    });
    let task = Task {
        host,
        shared,
        wanted,
        status,
        last: None,
        stopping: false,
        forced: false,
        backoff: Backoff::default(),
        next_try: None,
        given_up: false,
        trouble: None,
        restarts: 0,
        last_exit: None,
        permit: None,
        waiting_for: None,
        declare: Vec::new(),
        remove: None,
    };
    tokio::spawn(task.run(inbox));
    Handle {
        requests,
        status: status_of,
    }
}

/// What the loop does next.
enum Next {
    /// Look again at once.
    Again,
    /// Wait for an event.
    Wait,
    /// The container is gone.
    Done,
}

impl<H: Host> Task<H> {
    async fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        let mut rounds = 0;
        loop {
            match self.round(rounds).await {
                Next::Again => {
                    rounds += 1;
                    // A request is heard between any two rounds.
                    while let Ok(request) = inbox.try_recv() {
                        self.hear(request).await;
                        rounds = 0;
                    }
                }
                Next::Wait => {
                    rounds = 0;
                    if !self.wait(&mut inbox).await {
                        return;
                    }
                }
                Next::Done => {
                    if let Some(reply) = self.remove.take() {
                        let _ = reply.send(Ok(()));
                    }
                    return;
                }
            }
        }
    }

    /// Observes once, plans once, applies that plan.
    async fn round(&mut self, rounds: u32) -> Next {
        let observed = match self.host.observe(&self.wanted).await {
            Ok(observed) => observed,
            Err(error) => {
                self.fail(&error);
                self.publish(None);
                return Next::Wait;
            }
        };
        self.note(&observed);
        if self.held_back(&observed) {
            self.publish(Some(&observed));
            return Next::Wait;
        }
        let plan = match plan(&self.wanted, &observed, self.forced) {
            Ok(plan) => plan,
            Err(conflict) => {
                self.trouble_with(conflict);
                self.publish(Some(&observed));
                return Next::Wait;
            }
        };
        if plan.steps.is_empty() {
            return self.settled(&observed);
        }
        if rounds >= ROUNDS {
            let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
            self.trouble_with(Conflict {
                reason: format!("not converged, there is still: {}", steps.join(", ")),
                hint: Some("journalctl -u ctrd says what was tried".to_owned()),
            });
            self.publish(Some(&observed));
            return Next::Wait;
        }
        if plan.steps.contains(&Step::StartUnit) && !self.may_start() {
            self.publish(Some(&observed));
            return Next::Wait;
        }
        self.announce(&plan, &observed);
        self.carry_out(&plan).await
    }

    async fn carry_out(&mut self, plan: &Plan) -> Next {
        for step in &plan.steps {
            if matches!(step, Step::StopUnit | Step::KillUnit) {
                self.stopping = true;
                self.forced = false;
            }
            tracing::info!(container = %self.wanted.id, "{}: {step}", self.wanted.id);
            if let Err(error) = self.host.apply(&self.wanted, step).await {
                self.fail(&error);
                self.publish(None);
                return Next::Wait;
            }
        }
        self.trouble = None;
        Next::Again
    }

    /// There is nothing to do now.
    fn settled(&mut self, observed: &Observed) -> Next {
        self.trouble = None;
        self.publish(Some(observed));
        if self.wanted.intent == Intent::Remove
            && (matches!(observed.unit.active, Active::Inactive | Active::Failed)
                || observed.unit.is_foreign())
        {
            return Next::Done;
        }
        // A restart goes on when the old guest is gone.
        if observed.unit.active != Active::Deactivating {
            self.answer_declare(&Ok(()));
        }
        Next::Wait
    }

    /// Learns from what was seen: an end that nobody asked for, a guest that is ready.
    fn note(&mut self, observed: &Observed) {
        let unit = &observed.unit;
        if unit.is_foreign() {
            return;
        }
        let before = self.last.as_ref().map(|last| last.active);
        let was_up = matches!(before, Some(Active::Active | Active::Activating));
        // The place among those that start is given back when the start is over, not before it.
        let over = match unit.active {
            Active::Active => true,
            Active::Failed | Active::Inactive => was_up,
            Active::Activating | Active::Deactivating => false,
        };
        if over {
            self.permit = None;
        }
        if unit.active == Active::Active {
            self.next_try = None;
            self.given_up = false;
        }
        let ended = match unit.active {
            Active::Failed if before != Some(Active::Failed) => Some(unit.ended.as_ref()),
            Active::Inactive if was_up || (self.stopping && before.is_some()) => Some(None),
            _ => None,
        };
        if let Some(ended) = ended {
            let asked = std::mem::take(&mut self.stopping);
            self.last_exit =
                Some(ended.map_or_else(|| "exit status 0".to_owned(), ToString::to_string));
            if !asked && self.wanted.intent == Intent::Run {
                self.ended(observed, ended);
            }
        }
        self.last = Some(unit.clone());
    }

    fn ended(&mut self, observed: &Observed, ended: Option<&crate::machine::Ended>) {
        let started = self.last.as_ref().map_or(0, |last| last.active_since_usec);
        let ran = Duration::from_millis(now_ms().saturating_sub(started / 1000));
        if started != 0 && ran > GOOD_RUN {
            self.backoff.reset();
        }
        let restart = &self.wanted.container().restart;
        match verdict(restart, ended, &mut self.backoff) {
            Verdict::Restart(pause) => {
                self.restarts += 1;
                self.next_try = (!pause.is_zero()).then(|| Instant::now() + pause);
                let how = self.last_exit.as_deref().unwrap_or("unknown");
                tracing::warn!(container = %self.wanted.id,
                    "{} ended by itself ({how}) and is started again in {pause:?}", self.wanted.id);
            }
            Verdict::StayFailed => self.given_up = true,
            Verdict::StayOff => {
                self.wanted.intent = Intent::Stop;
                self.mark(Some(Mark::PoweredOff));
            }
        }
        let _ = observed;
    }

    /// A start that is not due yet.
    fn held_back(&mut self, observed: &Observed) -> bool {
        let down = matches!(observed.unit.active, Active::Failed | Active::Inactive);
        if !down || self.wanted.intent != Intent::Run {
            self.waiting_for = None;
            return false;
        }
        if self.given_up || self.next_try.is_some_and(|due| due > Instant::now()) {
            return true;
        }
        self.next_try = None;
        let fleet = self.shared.fleet.borrow().clone();
        self.waiting_for = self
            .wanted
            .container()
            .after
            .iter()
            .find(|id| {
                fleet
                    .get(*id)
                    .is_none_or(|handle| !handle.status.borrow().is_ready())
            })
            .cloned();
        self.waiting_for.is_some()
    }

    /// Takes one of the places of guests that start at once; the place is given back when the guest
    /// is ready or gone.
    fn may_start(&mut self) -> bool {
        if self.permit.is_none() {
            self.permit = self.shared.starts.clone().try_acquire_owned().ok();
        }
        self.permit.is_some()
    }

    fn fail(&mut self, error: &HostError) {
        tracing::error!(container = %self.wanted.id, "{}: {}", self.wanted.id, error.sentence());
        self.trouble_with(Conflict {
            reason: error.sentence(),
            hint: error.hint(),
        });
    }

    fn trouble_with(&mut self, trouble: Conflict) {
        let pause = self.backoff.next(&self.wanted.container().restart);
        self.next_try = Some(Instant::now() + pause);
        self.permit = None;
        self.answer_declare(&Err(trouble.reason.clone()));
        if let Some(reply) = self.remove.take() {
            let _ = reply.send(Err(trouble.reason.clone()));
        }
        self.trouble = Some(trouble);
    }

    fn answer_declare(&mut self, answer: &Result<(), String>) {
        for reply in self.declare.drain(..) {
            let _ = reply.send(answer.clone());
        }
    }

    /// Waits for anything that may change what is to be done; `false` ends the task.
    async fn wait(&mut self, inbox: &mut mpsc::Receiver<Request>) -> bool {
        let due = self.next_try.map(tokio::time::Instant::from_std);
        let timer = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let wants_place = self.wanted.intent == Intent::Run
            && self.permit.is_none()
            && self.waiting_for.is_none()
            && due.is_none()
            && !self.given_up
            && self
                .last
                .as_ref()
                .is_some_and(|last| matches!(last.active, Active::Inactive | Active::Failed));
        let starts = self.shared.starts.clone();
        let place = async {
            if wants_place {
                starts.acquire_owned().await.ok()
            } else {
                std::future::pending().await
            }
        };
        let mut other = self.other_status();
        let mut fleet = self.shared.fleet.clone();
        let other_changed = async {
            match &mut other {
                Some(status) => {
                    tokio::select! {
                        _ = status.changed() => {}
                        _ = fleet.changed() => {}
                    }
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            request = inbox.recv() => match request {
                Some(request) => self.hear(request).await,
                None => return false,
            },
            () = self.host.changed(&self.wanted) => {}
            () = timer => self.next_try = None,
            permit = place => self.permit = permit,
            () = other_changed => {}
        }
        true
    }

    fn other_status(&self) -> Option<watch::Receiver<Status>> {
        let id = self.waiting_for.as_ref()?;
        let fleet = self.shared.fleet.borrow().clone();
        let mut status = fleet.get(id)?.status.clone();
        status.mark_unchanged();
        // It may have become ready since it was looked at.
        if status.borrow().is_ready() {
            status.mark_changed();
        }
        Some(status)
    }

    async fn hear(&mut self, request: Request) {
        match request {
            Request::Start(reply) => {
                self.mark(None);
                self.fresh(Intent::Run);
                self.say_at_once(State::Starting, &[State::Running, State::Starting]);
                let _ = reply.send(());
            }
            Request::Stop(reply) => {
                self.mark(Some(Mark::Stopped));
                self.fresh(Intent::Stop);
                self.say_at_once(State::Stopping, &[State::Stopped, State::Stopping]);
                let _ = reply.send(());
            }
            Request::Restart(reply) => {
                self.mark(None);
                self.fresh(Intent::Run);
                self.forced = self
                    .last
                    .as_ref()
                    .is_some_and(|last| matches!(last.active, Active::Active | Active::Activating));
                let word = if self.forced {
                    State::Stopping
                } else {
                    State::Starting
                };
                self.say_at_once(word, &[word]);
                let _ = reply.send(());
            }
            Request::Declare(model, reply) => {
                // Another declaration may be what it failed for. A guest that ended and is not to be
                // started again stays down until it is declared differently or a person starts it.
                let same = model.container(&self.wanted.id) == Some(self.wanted.container());
                self.given_up &= same;
                self.next_try = None;
                self.wanted.model = model;
                self.declare.push(reply);
            }
            Request::Plan(model, reply) => {
                let answer = self.would(model).await;
                let _ = reply.send(answer);
            }
            Request::Remove(reply) => {
                self.mark(None);
                self.fresh(Intent::Remove);
                self.remove = Some(reply);
            }
        }
    }

    fn fresh(&mut self, intent: Intent) {
        self.wanted.intent = intent;
        self.backoff.reset();
        self.next_try = None;
        self.given_up = false;
        self.trouble = None;
        self.restarts = 0;
    }

    /// A caller that has its answer finds the request in the status, not the state before it.
    fn say_at_once(&self, state: State, already: &[State]) {
        self.status.send_if_modified(|status| {
            if already.contains(&status.state) {
                return false;
            }
            status.state = state;
            status.since_ms = now_ms();
            status.reason = None;
            status.hint = None;
            status.next_try_ms = None;
            true
        });
    }

    fn mark(&self, mark: Option<Mark>) {
        let path = self.shared.paths.mark(&self.wanted.container().machine);
        let result = match mark {
            Some(mark) => mark.write(&path),
            None => Mark::clear(&path),
        };
        if let Err(error) = result {
            tracing::warn!(container = %self.wanted.id, "failed to note in {}: {error}", path.display());
        }
    }

    /// What another declaration would do to this container.
    async fn would(&self, model: Arc<Model>) -> ContainerPlan {
        let id = self.wanted.id.clone();
        let gone = model.container(&id).is_none();
        let wanted = if gone {
            Wanted {
                model: self.wanted.model.clone(),
                id,
                intent: Intent::Remove,
            }
        } else {
            Wanted {
                model,
                id,
                intent: self.wanted.intent,
            }
        };
        super::status::view(
            &wanted,
            &self.shared.paths,
            self.host.observe(&wanted).await,
        )
    }

    fn announce(&self, plan: &Plan, observed: &Observed) {
        if !plan.changed.is_empty() {
            let changed = plan.changed.join(", ");
            tracing::info!(container = %self.wanted.id, "{}: restarts for a change of {changed}", self.wanted.id);
        }
        let state = if plan.steps.contains(&Step::StartUnit) {
            State::Starting
        } else if plan
            .steps
            .iter()
            .any(|it| matches!(it, Step::StopUnit | Step::KillUnit))
        {
            State::Stopping
        } else {
            return;
        };
        self.publish_state(state, None, Some(observed));
    }

    fn publish(&self, observed: Option<&Observed>) {
        let foreign = observed.is_some_and(|observed| observed.unit.is_foreign());
        let active = observed.map_or_else(
            || {
                self.last
                    .as_ref()
                    .map_or(Active::Inactive, |last| last.active)
            },
            |observed| {
                if foreign {
                    Active::Inactive
                } else {
                    observed.unit.active
                }
            },
        );
        let run = self.wanted.intent == Intent::Run;
        let (state, reason) = match active {
            Active::Active if run && !self.forced => (
                State::Running,
                self.trouble.as_ref().map(|trouble| trouble.reason.clone()),
            ),
            Active::Activating if run && !self.forced => (State::Starting, None),
            Active::Active | Active::Activating | Active::Deactivating => (State::Stopping, None),
            Active::Failed | Active::Inactive if !run => match &self.trouble {
                Some(trouble) => (State::Failed, Some(trouble.reason.clone())),
                None => (State::Stopped, self.why_stopped()),
            },
            Active::Failed | Active::Inactive => self.down(),
        };
        self.publish_state(state, reason, observed);
    }

    fn why_stopped(&self) -> Option<String> {
        let path = self.shared.paths.mark(&self.wanted.container().machine);
        match Mark::read(&path) {
            Ok(Some(Mark::PoweredOff)) => Some("it powered itself off".to_owned()),
            Ok(Some(Mark::Stopped)) => Some("stopped by hand".to_owned()),
            Ok(None) | Err(_) => None,
        }
    }

    /// A container that should run and does not.
    fn down(&self) -> (State, Option<String>) {
        if let Some(trouble) = &self.trouble {
            return (State::Failed, Some(trouble.reason.clone()));
        }
        if self.given_up || self.next_try.is_some() {
            return (State::Failed, self.last_exit.clone());
        }
        if let Some(id) = &self.waiting_for {
            return (State::Waiting, Some(format!("waits for {id} to be ready")));
        }
        (State::Starting, Some("waits for its turn".to_owned()))
    }

    fn publish_state(&self, state: State, reason: Option<String>, observed: Option<&Observed>) {
        let next_try_ms = self.next_try.map(|due| {
            let left = due.saturating_duration_since(Instant::now());
            now_ms() + u64::try_from(left.as_millis()).unwrap_or(u64::MAX / 2)
        });
        let id = &self.wanted.id;
        self.status.send_if_modified(|status| {
            let before = status.clone();
            if status.state != state {
                status.state = state;
                status.since_ms = now_ms();
                let because = reason
                    .as_deref()
                    .map(|it| format!(": {it}"))
                    .unwrap_or_default();
                tracing::info!(container = %id, state = state.as_str(),
                    "{id} is {}{because}", state.as_str());
            }
            // A guest that outlived the last ctrd is up since it was ready, not since it was found.
            let ready = observed.map_or(0, |observed| observed.unit.active_since_usec / 1000);
            if state == State::Running && ready != 0 {
                status.since_ms = ready;
            }
            status.reason = reason;
            status.hint = self
                .trouble
                .as_ref()
                .and_then(|trouble| trouble.hint.clone());
            status.next_try_ms = (state == State::Failed).then_some(next_try_ms).flatten();
            status.restarts = self.restarts;
            status.last_exit.clone_from(&self.last_exit);
            if let Some(observed) = observed {
                let ours = observed
                    .registered
                    .as_ref()
                    .filter(|_| !observed.stale_registration);
                status.leader = ours.map(|it| it.leader);
                status
                    .control_group
                    .clone_from(&observed.unit.control_group);
                status.uid_base = observed.state.flatten();
            }
            *status != before
        });
    }
}

/// What a round of planning would do, for people.
pub(super) fn action_of(plan: &Plan, observed: &Observed, intent: Intent) -> Action {
    let up = matches!(observed.unit.active, Active::Active | Active::Activating);
    let stops = plan
        .steps
        .iter()
        .any(|it| matches!(it, Step::StopUnit | Step::KillUnit));
    match intent {
        Intent::Remove => Action::Remove,
        Intent::Run if stops => Action::Restart,
        Intent::Run if plan.steps.contains(&Step::StartUnit) => Action::Start,
        Intent::Stop if up => Action::Stop,
        Intent::Run if !plan.steps.is_empty() => Action::Live,
        Intent::Run | Intent::Stop => Action::Nothing,
    }
}
