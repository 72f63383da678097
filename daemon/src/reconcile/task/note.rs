//! What a task learns from what it sees: ends that nobody asked for, starts that are not due.

use std::time::Duration;

use tokio::time::Instant;

use ctr_api::wire::State;

use crate::machine::{Active, Ended, last_exit};
use crate::model::Program;

use super::{Next, Task};
use crate::reconcile::host::{Conflict, Host, Observed};
use crate::reconcile::host_error::HostError;
use crate::reconcile::marks::Mark;
use crate::reconcile::plan::{Intent, Step};
use crate::reconcile::status::now_ms;
use crate::reconcile::supervise::{Verdict, verdict};

/// A run of this length ends a row of failures.
const GOOD_RUN: Duration = Duration::from_secs(60);

impl<H: Host> Task<H> {
    /// Learns from what was seen: an end that nobody asked for, a guest that is ready.
    pub(super) async fn note(&mut self, observed: &Observed) {
        let unit = &observed.unit;
        if unit.is_foreign() {
            return;
        }
        if matches!(unit.active, Active::Failed | Active::Inactive) {
            // Who stops after this one goes on.
            self.descending.clear();
        }
        let before = self.last.as_ref().map(|last| last.active);
        let was_up = matches!(
            before,
            Some(Active::Active | Active::Activating | Active::Deactivating)
        );
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
            Active::Inactive if was_up => Some(None),
            _ => None,
        };
        if let Some(ended) = ended {
            let asked = std::mem::take(&mut self.stopping);
            let boots = matches!(self.wanted.container().program, Program::Boot { .. });
            self.last_exit = Some(last_exit(ended, asked, boots));
            self.last_exit_ms = Some(unit.ended_ms().unwrap_or_else(now_ms));
            // A host that goes down ends its guests: none of them failed, or powered itself off. Asked
            // here and not before: systemd knows of its shutdown before it ends the first.
            if !asked && self.wanted.intent == Intent::Run && !self.host.stopping().await {
                self.ended(ended);
            }
        }
        self.undisturbed &= unit.active == Active::Active;
        self.last = Some(unit.clone());
    }

    /// Says what is about to be done, and that it was undone by somebody else.
    pub(super) fn say(&self, step: &Step) {
        let id = &self.wanted.id;
        if self.undisturbed && matches!(step, Step::Network(_) | Step::EnsureGroup) {
            tracing::warn!(container = %id, "{id}: its network was changed by somebody else: {step}");
        } else {
            tracing::info!(container = %id, "{id}: {step}");
        }
    }

    /// The host is shutting down: everything is left to it.
    pub(super) fn frozen(&mut self, observed: &Observed) -> Next {
        let conflict = Conflict {
            reason: "the host is shutting down".to_owned(),
            hint: Some("what is declared comes up with the host".to_owned()),
        };
        // A place among those that start is kept, or it would be given to the next and come back at once.
        match observed.unit.active {
            Active::Failed | Active::Inactive => {
                self.publish_state(
                    State::Stopped,
                    Some(conflict.reason.clone()),
                    Some(observed),
                );
            }
            Active::Active | Active::Activating | Active::Deactivating => {
                self.publish(Some(observed));
            }
        }
        self.answer_declare(&Err(conflict));
        Next::Wait
    }

    pub(super) fn ended(&mut self, ended: Option<&Ended>) {
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
    }

    /// A start that is not due yet.
    pub(super) fn held_back(&mut self, observed: &Observed) -> bool {
        let down = matches!(observed.unit.active, Active::Failed | Active::Inactive);
        if !down || self.wanted.intent != Intent::Run {
            self.waiting = None;
            return false;
        }
        if self.given_up || self.next_try.is_some_and(|due| due > Instant::now()) {
            return true;
        }
        self.next_try = None;
        self.waiting = self.who_is_waited_for();
        self.waiting.is_some()
    }

    /// Takes one of the places of guests that start at once; the place is given back when the guest
    /// is ready or gone.
    pub(super) fn may_start(&mut self) -> bool {
        if self.permit.is_none() {
            self.permit = self.shared.starts.clone().try_acquire_owned().ok();
        }
        self.permit.is_some()
    }

    pub(super) fn fail(&mut self, error: &HostError) {
        tracing::error!(container = %self.wanted.id, "{}: {}", self.wanted.id, error.sentence());
        self.trouble_with(error.into());
    }

    pub(super) fn trouble_with(&mut self, trouble: Conflict) {
        let pause = self.backoff.next(&self.wanted.container().restart);
        self.next_try = Some(Instant::now() + pause);
        self.permit = None;
        self.answer_declare(&Err(trouble.clone()));
        for reply in self.remove.drain(..) {
            let _ = reply.send(Err(trouble.clone()));
        }
        self.trouble = Some(trouble);
    }
}
