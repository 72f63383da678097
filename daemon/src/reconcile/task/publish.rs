//! What a task tells everybody: its container's status.

use ctr_api::wire::State;
use tokio::time::Instant;

use crate::gpu::Offer;
use crate::health::Verdict;
use crate::machine::Active;

use super::Task;
use crate::reconcile::host::{Host, Observed};
use crate::reconcile::marks::Mark;
use crate::reconcile::plan::{Plan, Step};
use crate::reconcile::reason::list;
use crate::reconcile::state::{Case, Doing, Facts, Held, case};
use crate::reconcile::status::{Status, now_ms};

/// Why nothing is done on a host that shuts down.
pub(super) const HOST_STOPS: &str = "the host is shutting down";

impl<H: Host> Task<H> {
    pub(super) fn announce(&self, plan: &Plan, observed: &Observed) {
        if plan.stops() && !plan.changed.is_empty() {
            let changed = list(&plan.changed);
            tracing::info!(container = %self.wanted.id, "{}: restarts for a change of {changed}", self.wanted.id);
        }
        if plan.steps.contains(&Step::SwitchSystem) {
            let why = "it switches to its new system".to_owned();
            self.publish_as(Doing::Nothing, Some(why), Some(observed));
        } else if plan.steps.contains(&Step::StartUnit) {
            self.say_undone(observed);
            self.publish_as(Doing::Start, None, Some(observed));
        } else if plan.stops() {
            self.publish_as(Doing::Stop, None, Some(observed));
        }
    }

    /// Says what of its specifications this start does without.
    fn say_undone(&self, observed: &Observed) {
        let id = &self.wanted.id;
        let offer = observed.offer.iter();
        for sentence in offer.flat_map(|offer| &offer.delivery.unapplied) {
            tracing::info!(container = %id, "{id} starts without something: {sentence}");
        }
    }

    pub(super) fn publish(&self, observed: Option<&Observed>) {
        self.publish_as(Doing::Nothing, None, observed);
    }

    /// Tells the state that follows from everything that is known, with `why` in place of its reason where
    /// there is one.
    pub(super) fn publish_as(
        &self,
        doing: Doing,
        why: Option<String>,
        observed: Option<&Observed>,
    ) {
        let case = case(&self.facts(doing, observed));
        let reason = why.or_else(|| self.reason_of(case));
        self.publish_state(case.state(), reason, observed);
    }

    fn facts(&self, doing: Doing, observed: Option<&Observed>) -> Facts {
        let unit = observed.map(|observed| &observed.unit);
        let unit = unit.or(self.last.as_ref());
        let ours = unit.filter(|unit| !unit.is_foreign());
        Facts {
            intent: self.wanted.intent,
            active: ours.map_or(Active::Inactive, |unit| unit.active),
            doing,
            restarts: self.forced,
            health: self.found().map(|found| found.verdict),
            held: self.held(),
        }
    }

    /// Why it is not started now, of a container that should run and does not.
    fn held(&self) -> Held {
        if self.trouble.is_some() {
            Held::Trouble
        } else if self.missing().is_some() {
            Held::Missing
        } else if self.given_up || self.next_try.is_some() {
            Held::Ended
        } else if self.blocked.is_some() {
            Held::Blocked
        } else if self.lacks() {
            Held::Gpu
        } else if self.waiting.is_some() {
            Held::After
        } else {
            Held::Turn
        }
    }

    /// What there is to say of a case.
    fn reason_of(&self, case: Case) -> Option<String> {
        let trouble = || self.trouble.as_ref().map(|trouble| trouble.reason.clone());
        let found = || Some(self.found()?.last?.words);
        let lack = || Some(self.lack.as_ref()?.reason.clone());
        match case {
            Case::Off => self.why_off(),
            Case::HostStops => Some(HOST_STOPS.to_owned()),
            Case::Missing => self.missing().map(|missing| missing.what.clone()),
            Case::Blocked => self.blocked.clone(),
            Case::After => self.waiting.as_ref().map(|wait| wait.reason.clone()),
            Case::Gpu => lack(),
            Case::Turn => Some("waits for its turn".to_owned()),
            Case::Start | Case::Activating => None,
            Case::Coming => found().map(|words| format!("not ready yet: {words}")),
            Case::Running | Case::Found | Case::Healthy => {
                trouble().or_else(|| self.lacks_while_it_runs())
            }
            Case::Trouble => trouble(),
            Case::Unhealthy => trouble().or_else(found),
            Case::Stop if !self.stops_after.is_empty() => {
                Some(format!("waits for {} to stop", list(&self.stops_after)))
            }
            Case::Stop | Case::Stopping => self.condemned.as_ref().map(|it| it.why.clone()),
            Case::Ended => self.last_exit.clone(),
        }
    }

    /// What there is to say of one that runs and would not, or not with all that it asks for, if it were to start.
    fn lacks_while_it_runs(&self) -> Option<String> {
        match self.missing() {
            Some(missing) => Some(format!("it would not start again: {}", missing.what)),
            None => Some(self.lack.as_ref()?.while_it_runs()),
        }
    }

    /// Why it is off, and what it lacks besides: who starts it should know before.
    fn why_off(&self) -> Option<String> {
        let missing = self.missing().map(|missing| missing.what.clone());
        let said = self.why_stopped().into_iter().chain(missing);
        said.reduce(|why, missing| format!("{why}; {missing}"))
    }

    fn why_stopped(&self) -> Option<String> {
        let path = self.shared.paths.mark(&self.wanted.container().machine);
        match Mark::read(&path) {
            Ok(Some(Mark::PoweredOff)) => Some("it powered itself off".to_owned()),
            Ok(Some(Mark::Stopped)) => Some("stopped by hand".to_owned()),
            Ok(Some(Mark::Started | Mark::Restarting) | None) | Err(_) => None,
        }
    }

    /// How long the start of this run took until `state`, in microseconds. systemd knows when it began; of a
    /// guest that is probed only who has seen the first success knows its end.
    fn start_usec(&self, state: State, observed: Option<&Observed>) -> Option<u64> {
        let unit = observed.map(|observed| &observed.unit);
        let unit = unit.or(self.last.as_ref()).filter(|_| state.is_up())?;
        let began = Some(unit.started_usec).filter(|began| *began != 0)?;
        let before = self.status.borrow();
        match &self.prober {
            None => unit.active_since_usec.checked_sub(began),
            Some(prober) if prober.found().verdict == Verdict::Found => None,
            Some(prober) if before.state == State::Starting && !prober.is_adopted() => {
                (now_ms() * 1000).checked_sub(began)
            }
            Some(_) => before.start_usec,
        }
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
        let start_usec = self.start_usec(state, observed);
        self.tell(observed, |status| {
            if status.state != state {
                status.state = state;
                status.since_ms = now_ms();
            }
            // A guest that outlived the last ctrd is up since it was ready, not since it was found.
            let ready = observed.map_or(0, |observed| observed.unit.active_since_usec / 1000);
            if state == State::Running && ready != 0 {
                status.since_ms = ready;
            }
            status.start_usec = start_usec;
            status.health = self.found();
            status.up_since_ms = if state.is_up() {
                Some(ready)
                    .filter(|ready| *ready != 0)
                    .or(status.up_since_ms)
            } else {
                None
            };
            status.reason = reason;
            status.lack.clone_from(&self.lack);
            status.hint = self
                .trouble
                .as_ref()
                .and_then(|trouble| trouble.hint.clone());
            let wait = self.waiting.as_ref().filter(|_| state == State::Waiting);
            status.waits_for = wait.map(|wait| wait.who.clone()).unwrap_or_default();
            status.cause = wait.and_then(|wait| wait.cause.clone());
            if let Some(missing) = self.missing() {
                if state == State::Waiting {
                    status.cause = Some(missing.what.clone());
                }
                if status.hint.is_none() && state != State::Stopping && status.reason.is_some() {
                    status.hint.clone_from(&missing.hint);
                }
            }
            if status.hint.is_none() && status.reason.is_some() {
                status.hint = self.lack.as_ref().and_then(|lack| lack.hint.clone());
            }
            if status.hint.is_none() {
                status.hint = wait.and_then(|wait| wait.hint.clone());
            }
            let tries = state == State::Failed || self.trouble.is_some();
            status.next_try_ms = next_try_ms.filter(|_| tries);
            status.failures = if tries { self.backoff.failures() } else { 0 };
            status.restarts = self.restarts;
            status.last_exit.clone_from(&self.last_exit);
            status.last_exit_ms = self.last_exit_ms;
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
                tell_offer(status, state, observed.offer.as_deref());
            }
        });
    }
}

/// What it has of graphics processors. Where nobody knows what it should have it keeps what it has.
fn tell_offer(status: &mut Status, state: State, offer: Option<&Offer>) {
    let up = state.is_up();
    if up && offer.is_some_and(|offer| offer.unclear) {
        return;
    }
    let offer = offer.filter(|_| up);
    status.gpus = offer.map_or_else(Vec::new, |it| it.given.clone());
    status.undone = offer.map_or_else(Vec::new, |it| it.delivery.unapplied.clone());
}
