//! One container's task: serial, and the only one that changes anything of that container.

mod handle;
mod health;
mod hear;
mod note;
mod others;
mod publish;
mod tell;
mod wait;

use std::sync::Arc;

use ctr_api::wire::State;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::Instant;
use tracing::Instrument;

use crate::gpu::Lack;
use crate::machine::credentials::Credentials;
use crate::machine::{Active, Unit};
use crate::model::{ContainerId, Missing, Root};
use crate::os;
use crate::reconcile::host::{Conflict, Host, Observed, Wanted};
use crate::reconcile::host_error::HostError;
use crate::reconcile::order::{Descending, Descent, Wait};
use crate::reconcile::plan::{Intent, Plan, Step, hold_system, plan};
use crate::reconcile::prober::Prober;
use crate::reconcile::state::Doing;
use crate::reconcile::status::Status;
use crate::reconcile::supervise::Backoff;

pub use handle::{Handle, Request, Shared};
use health::Condemned;

/// How often the same plan may come back before it is called a failure.
const ROUNDS: u32 = 8;

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing known of it, apart from the others"
)]
struct Task<H> {
    host: Arc<H>,
    shared: Shared,
    wanted: Wanted,
    status: watch::Sender<Status>,
    credentials: watch::Sender<Arc<Credentials>>,
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
    /// A system that its guest could not switch to, and why. It is not tried again by itself.
    failed_switch: Option<(Root, Conflict)>,
    /// Why it is not where it should be.
    trouble: Option<Conflict>,
    restarts: u32,
    last_exit: Option<String>,
    last_exit_ms: Option<u64>,
    /// The probes of the run of its guest.
    prober: Option<Prober>,
    /// When a guest that has had no success of its probe is late.
    late_at: Option<Instant>,
    /// Its guest is to be ended for its health.
    condemned: Option<Condemned>,
    permit: Option<OwnedSemaphorePermit>,
    /// Why it does not start before another.
    waiting: Option<Wait>,
    /// Who stops before it does.
    stops_after: Vec<ContainerId>,
    descent: Descent,
    /// What it was asked that leads down, and is not over.
    descending: Vec<Descending>,
    /// What is not there of the graphics processors that it asks for.
    lack: Option<Lack>,
    /// Something of ours that it waits for is on its way out.
    blocked: Option<String>,
    declare: Vec<oneshot::Sender<Result<(), Conflict>>>,
    remove: Vec<oneshot::Sender<Result<(), Conflict>>>,
    /// What it was meant to do before it was to be removed.
    before_removal: Intent,
    /// It ran as it should, and nothing was asked for since: what differs now is others' doing.
    undisturbed: bool,
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
    let (credentials, credentials_of) = watch::channel(wanted.credentials.clone());
    let descent = Descent::default();
    // Each line that is about a container says which (docs/reference/journal.md).
    let span = tracing::info_span!(
        "container",
        CTR_GROUP = %wanted.id.group,
        CTR_CONTAINER = %wanted.id.name,
        CTR_MACHINE = %wanted.container().machine,
    );
    let task = Task {
        host,
        shared,
        before_removal: wanted.intent,
        wanted,
        status,
        credentials,
        last: None,
        stopping: false,
        forced: false,
        backoff: Backoff::default(),
        next_try: None,
        given_up: false,
        failed_switch: None,
        trouble: None,
        restarts: 0,
        last_exit: None,
        last_exit_ms: None,
        prober: None,
        late_at: None,
        condemned: None,
        permit: None,
        waiting: None,
        stops_after: Vec::new(),
        descent: descent.clone(),
        descending: Vec::new(),
        lack: None,
        blocked: None,
        declare: Vec::new(),
        remove: Vec::new(),
        undisturbed: false,
    };
    tokio::spawn(task.run(inbox).instrument(span));
    Handle {
        requests,
        status: status_of,
        credentials: credentials_of,
        descent,
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
        // Before anything is planned: without them every credential would look taken away.
        self.take_credentials().await;
        loop {
            // In a box that is gone when it waits: a round has room for a look and every step, and waiting needs none.
            match Box::pin(self.round(rounds)).await {
                Next::Again => {
                    rounds += 1;
                    // A request is heard between any two rounds.
                    while let Ok(request) = inbox.try_recv() {
                        Box::pin(self.hear(request)).await;
                        rounds = 0;
                    }
                }
                Next::Wait => {
                    rounds = 0;
                    self.at_rest();
                    if !self.wait(&mut inbox).await {
                        return;
                    }
                }
                Next::Done => {
                    self.mark(None);
                    // Whoever asks from here on finds no task, and makes another.
                    drop(inbox);
                    self.tell_gone();
                    for reply in self.remove.drain(..) {
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
        let before = self.last.as_ref().map(|last| last.active);
        self.note(&observed).await;
        self.tend(before, &observed);
        self.blocked = None;
        self.lack = observed.lack(&self.wanted);
        self.stops_after.clear();
        let hold = hold_system(&self.wanted, &observed);
        if let Some(step) = hold.filter(|_| rounds < ROUNDS) {
            let steps = vec![step];
            let plan = Plan {
                steps,
                ..Plan::default()
            };
            return self.carry_out(&plan, &observed).await;
        }
        if self.held_back(&observed) {
            return self.not_yet(&observed);
        }
        // A start that failed for a missing secret looks for it again at each try.
        let down = matches!(observed.unit.active, Active::Inactive | Active::Failed);
        if down && self.wanted.intent == Intent::Run && !self.wanted.credentials.all_ready() {
            self.take_credentials().await;
        }
        let plan = match plan(&self.wanted, &observed, self.forced) {
            Ok(plan) => self.without_failed_switch(plan),
            Err(conflict) => {
                self.forced = false;
                self.trouble_with(conflict);
                self.publish(Some(&observed));
                return Next::Wait;
            }
        };
        if plan.steps.is_empty() {
            return match plan.held {
                Some(conflict) => self.runs_on(conflict, &observed),
                None => self.settled(&observed),
            };
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
        if self.wanted.intent == Intent::Run && self.host.stopping().await {
            return self.frozen(&observed);
        }
        if plan.steps.contains(&Step::StartUnit) && observed.blocked.is_some() {
            self.trouble = None;
            self.blocked.clone_from(&observed.blocked);
            return self.not_yet(&observed);
        }
        if plan.steps.contains(&Step::StartUnit) && self.lacks() {
            self.trouble = None;
            return self.not_yet(&observed);
        }
        if plan.steps.contains(&Step::StartUnit) && !self.may_start() {
            // What failed before is about to be tried again: it waits for its turn now.
            self.trouble = None;
            return self.not_yet(&observed);
        }
        if plan.stops() && self.others_stop_first() {
            self.publish_as(Doing::Stop, None, Some(&observed));
            return Next::Wait;
        }
        self.announce(&plan, &observed);
        self.carry_out(&plan, &observed).await
    }

    /// What its declaration says that it lacks: only another declaration can change that.
    pub(super) fn missing(&self) -> Option<&Missing> {
        self.wanted.container().missing.as_ref()
    }

    /// It is not started without something that is not there.
    pub(super) fn lacks(&self) -> bool {
        self.lack.as_ref().is_some_and(|lack| lack.waits)
    }

    async fn carry_out(&mut self, plan: &Plan, observed: &Observed) -> Next {
        for step in &plan.steps {
            if matches!(step, Step::StopUnit | Step::KillUnit) {
                self.stopping = true;
                self.forced = false;
                if self.wanted.intent == Intent::Run {
                    self.mark_restart();
                }
            }
            self.say(step);
            os::before(step.name());
            let applied = self.host.apply(&self.wanted, step).await;
            os::after(step.name());
            if let Err(error) = applied {
                // Refused before it was tried: no end was asked for.
                self.stopping &= !matches!(error, HostError::Conflict(_));
                if let HostError::Switch(_) = error {
                    let root = self.wanted.container().root.clone();
                    self.failed_switch = Some((root, error.into()));
                    return Next::Again;
                }
                self.fail(&error);
                // A step ends where it failed: what was seen before it is what there is to tell.
                self.publish(Some(observed));
                return Next::Wait;
            }
            if *step == Step::MakeSecrets {
                self.take_credentials().await;
            }
        }
        if self.trouble.take().is_some() {
            // What failed before works now: the next failure is a first one.
            self.backoff.reset();
        }
        Next::Again
    }

    /// Reads the credentials, which are in force from now on.
    async fn take_credentials(&mut self) {
        let taken = self.host.credentials(self.wanted.container()).await;
        self.wanted.credentials = Arc::new(taken);
        self.credentials
            .send_replace(self.wanted.credentials.clone());
    }

    /// A switch that failed disturbs its guest once, until somebody asks again.
    fn without_failed_switch(&self, plan: Plan) -> Plan {
        match &self.failed_switch {
            Some((root, why))
                if plan.steps.contains(&Step::SwitchSystem)
                    && *root == self.wanted.container().root =>
            {
                plan.without_switch(why.clone())
            }
            _ => plan,
        }
    }

    /// A guest that would have to be restarted and could not start again is left as it is.
    fn runs_on(&mut self, conflict: Conflict, observed: &Observed) -> Next {
        if self.trouble.as_ref() != Some(&conflict) {
            let id = &self.wanted.id;
            tracing::error!(container = %id, "{id} runs on as it is: {}", conflict.reason);
        }
        // A secret is looked at again when somebody asks, and so are a system and what is missing; anything
        // else may be mended at any time.
        let failed_switch = self.failed_switch.as_ref().map(|(_, why)| why);
        let waits_for_somebody = self.wanted.credentials.refusal().is_some()
            || self.missing().is_some()
            || failed_switch == Some(&conflict);
        if !waits_for_somebody {
            let pause = self.backoff.next(&self.wanted.container().restart);
            self.next_try = Some(Instant::now() + pause);
        }
        self.forced = false;
        self.permit = None;
        self.answer_declare(&Err(conflict.clone()));
        self.trouble = Some(conflict);
        self.publish(Some(observed));
        Next::Wait
    }

    /// There is something to do, and its time has not come: for a declaration that is all that can
    /// be done.
    fn not_yet(&mut self, observed: &Observed) -> Next {
        // Another may have its place among those that start.
        self.permit = None;
        self.publish(Some(observed));
        self.answer_declare(&Ok(()));
        Next::Wait
    }

    /// There is nothing to do now.
    fn settled(&mut self, observed: &Observed) -> Next {
        self.trouble = None;
        self.undisturbed = observed.unit.active == Active::Active;
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

    fn answer_declare(&mut self, answer: &Result<(), Conflict>) {
        for reply in self.declare.drain(..) {
            let _ = reply.send(answer.clone());
        }
    }
}
