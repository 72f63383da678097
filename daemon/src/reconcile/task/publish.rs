//! What a task tells everybody: its container's status.

use ctr_api::wire::State;
use tokio::time::Instant;

use crate::machine::Active;

use super::Task;
use crate::reconcile::host::{Host, Observed};
use crate::reconcile::marks::Mark;
use crate::reconcile::plan::{Intent, Plan, Step};
use crate::reconcile::reason::list;
use crate::reconcile::status::now_ms;

impl<H: Host> Task<H> {
    pub(super) fn announce(&self, plan: &Plan, observed: &Observed) {
        if plan.stops() && !plan.changed.is_empty() {
            let changed = list(&plan.changed);
            tracing::info!(container = %self.wanted.id, "{}: restarts for a change of {changed}", self.wanted.id);
        }
        if plan.steps.contains(&Step::SwitchSystem) {
            let why = "it switches to its new system".to_owned();
            self.publish_state(State::Running, Some(why), Some(observed));
            return;
        }
        let state = if plan.steps.contains(&Step::StartUnit) {
            State::Starting
        } else if plan.stops() {
            State::Stopping
        } else {
            return;
        };
        self.publish_state(state, None, Some(observed));
    }

    pub(super) fn publish(&self, observed: Option<&Observed>) {
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

    pub(super) fn why_stopped(&self) -> Option<String> {
        let path = self.shared.paths.mark(&self.wanted.container().machine);
        match Mark::read(&path) {
            Ok(Some(Mark::PoweredOff)) => Some("it powered itself off".to_owned()),
            Ok(Some(Mark::Stopped)) => Some("stopped by hand".to_owned()),
            Ok(Some(Mark::Started) | None) | Err(_) => None,
        }
    }

    /// A container that should run and does not.
    pub(super) fn down(&self) -> (State, Option<String>) {
        if let Some(trouble) = &self.trouble {
            return (State::Failed, Some(trouble.reason.clone()));
        }
        if self.given_up || self.next_try.is_some() {
            return (State::Failed, self.last_exit.clone());
        }
        if let Some(blocked) = &self.blocked {
            return (State::Waiting, Some(blocked.clone()));
        }
        if let Some(id) = &self.waiting_for {
            return (State::Waiting, Some(format!("waits for {id} to be ready")));
        }
        (State::Starting, Some("waits for its turn".to_owned()))
    }

    pub(super) fn publish_state(
        &self,
        state: State,
        reason: Option<String>,
        observed: Option<&Observed>,
    ) {
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
            let tries = state == State::Failed || self.trouble.is_some();
            status.next_try_ms = next_try_ms.filter(|_| tries);
            status.failures = if tries { self.backoff.failures() } else { 0 };
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
                status.limits.clone_from(&observed.unit.settable);
                status.overridden.clone_from(&observed.unit.overridden);
                status.uid_base = observed.state.and_then(|state| state.base);
            }
            *status != before
        });
    }
}
