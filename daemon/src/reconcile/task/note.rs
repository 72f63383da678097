//! What a task learns from what it sees: ends that nobody asked for, starts that are not due.

use std::time::Duration;

use tokio::time::Instant;

use crate::machine::{Active, Ended, last_exit};
use crate::model::{Program, RestartPolicy};

use super::publish::HOST_STOPS;
use super::{Next, Task};
use crate::reconcile::host::{Conflict, Host, Observed};
use crate::reconcile::host_error::HostError;
use crate::reconcile::marks::Mark;
use crate::reconcile::plan::{Intent, Step};
use crate::reconcile::state::Doing;
use crate::reconcile::status::now_ms;
use crate::reconcile::supervise::{Verdict, verdict};

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
        } else if unit.active == Active::Deactivating {
            self.descend();
        }
        let before = self.last.as_ref().map(|last| last.active);
        if before.is_none() {
            // An earlier ctrd asked for the end that has come, or is about to.
            let ends = matches!(unit.active, Active::Deactivating | Active::Failed);
            self.stopping |= ends && self.is_marked_restarting();
        }
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
        let up = |active| matches!(active, Active::Active | Active::Activating);
        if up(unit.active) && !before.is_some_and(up) {
            self.restart_is_over();
        }
        let ended = match unit.active {
            Active::Failed if before != Some(Active::Failed) => Some(unit.ended.as_ref()),
            Active::Inactive if was_up => Some(None),
            _ => None,
        };
        if let Some(ended) = ended {
            let asked = std::mem::take(&mut self.stopping);
            if !asked {
                self.restart_is_over();
            }
            let condemned = self.condemned.take().filter(|_| asked);
            let boots = matches!(self.wanted.container().program, Program::Boot { .. });
            self.last_exit = Some(condemned.as_ref().map_or_else(
                || last_exit(ended, asked, boots),
                |condemned| condemned.why.clone(),
            ));
            self.last_exit_ms = Some(unit.ended_ms().unwrap_or_else(now_ms));
            // A host that goes down ends its guests: none of them failed, or powered itself off. Asked
            // here and not before: systemd knows of its shutdown before it ends the first.
            let counts = !asked || condemned.is_some();
            if counts && self.wanted.intent == Intent::Run && !self.host.stopping().await {
                self.ended(
                    condemned.as_ref().map_or(ended, |it| Some(&it.ended)),
                    asked,
                );
            }
        }
        self.undisturbed &= unit.active == Active::Active;
        self.last = Some(unit.clone());
    }

    /// Notes that it is stopped to be started again: between the two, nothing else says that it is to come up,
    /// or that its end was asked for.
    pub(super) fn mark_restart(&self) {
        let comes_back = self.condemned.is_none()
            || self.wanted.container().restart.policy != RestartPolicy::Never;
        self.mark(if comes_back {
            Some(Mark::Restarting)
        } else {
            self.started()
        });
    }

    /// It is up again, or ended in another way than was noted.
    fn restart_is_over(&self) {
        if self.is_marked_restarting() {
            self.mark(self.started());
        }
    }

    fn is_marked_restarting(&self) -> bool {
        let path = self.shared.paths.mark(&self.wanted.container().machine);
        // One that cannot be read is one that could not be written, which was said then.
        matches!(Mark::read(&path), Ok(Some(Mark::Restarting)))
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
            reason: HOST_STOPS.to_owned(),
            hint: Some("what is declared comes up with the host".to_owned()),
        };
        // A place among those that start is kept, or it would be given to the next and come back at once.
        self.publish_as(Doing::Leave, None, Some(observed));
        self.answer_declare(&Err(conflict));
        Next::Wait
    }

    /// It ended, and nobody wanted that; `stopped` where `ctrd` did it, for its health.
    pub(super) fn ended(&mut self, ended: Option<&Ended>, stopped: bool) {
        let started = self.last.as_ref().map_or(0, |last| last.active_since_usec);
        let ran = Duration::from_millis(now_ms().saturating_sub(started / 1000));
        let restart = &self.wanted.container().restart;
        if started != 0 {
            self.backoff.ran(restart, ran, ended);
        }
        match verdict(restart, ended, &mut self.backoff) {
            // It waits, however it ended.
            Verdict::Restart(_) if self.missing().is_some() => {}
            Verdict::Restart(pause) => {
                self.restarts += 1;
                self.next_try = (!pause.is_zero()).then(|| Instant::now() + pause);
                let how = self.last_exit.as_deref().unwrap_or("unknown");
                let what = if stopped {
                    "was stopped"
                } else {
                    "ended by itself"
                };
                tracing::warn!(container = %self.wanted.id,
                    "{} {what} ({how}) and is started again in {pause:?}", self.wanted.id);
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
        if self.missing().is_some() {
            // It is not started after a pause, or after anybody.
            (self.next_try, self.waiting) = (None, None);
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
