//! What a task does with a request.

use std::sync::Arc;

use ctr_api::wire::{Action, ContainerPlan, State};

use crate::machine::Active;
use crate::model::Model;
use crate::os::failpoint;

use super::{Request, Task};
use crate::reconcile::host::Host;
use crate::reconcile::marks::Mark;
use crate::reconcile::plan::Intent;
use crate::reconcile::state::Case;
use crate::reconcile::status::{now_ms, view};

impl<H: Host> Task<H> {
    pub(super) async fn hear(&mut self, request: Request) {
        self.undisturbed &= matches!(request, Request::Plan(..));
        match request {
            // It is on its way out: who asks hears that by having no answer.
            Request::Start(_) | Request::Stop(_) | Request::Restart(_)
                if self.wanted.intent == Intent::Remove => {}
            Request::Start(reply) => {
                failpoint("start asked for");
                self.mark(self.started());
                self.fresh(Intent::Run);
                self.take_credentials().await;
                self.say_at_once(Case::Start, |now| now.is_up() || now == State::Starting);
                let _ = reply.send(());
            }
            Request::Stop(reply) => {
                failpoint("stop asked for");
                self.mark(Some(Mark::Stopped));
                self.fresh(Intent::Stop);
                self.descending.push(self.descent.begin());
                self.say_at_once(Case::Stop, |now| {
                    matches!(now, State::Stopped | State::Stopping)
                });
                let _ = reply.send(());
            }
            Request::Restart(reply) => {
                failpoint("restart asked for");
                self.mark(self.started());
                self.fresh(Intent::Run);
                self.take_credentials().await;
                self.forced = self
                    .last
                    .as_ref()
                    .is_some_and(|last| matches!(last.active, Active::Active | Active::Activating));
                let case = if self.forced {
                    self.descending.push(self.descent.begin());
                    Case::Stop
                } else {
                    Case::Start
                };
                self.say_at_once(case, |now| now == case.state());
                let _ = reply.send(());
            }
            Request::Declare(model, reply, descending) => {
                failpoint("declaration heard");
                // Another declaration may be what it failed for. A guest that ended and is not to be
                // started again stays down until it is declared differently or a person starts it.
                let same = model.container(&self.wanted.id) == Some(self.wanted.container());
                self.given_up &= same;
                self.next_try = None;
                self.backoff.reset();
                self.failed_switch = None;
                self.wanted.model = model;
                if self.wanted.intent == Intent::Remove {
                    self.declared_again();
                }
                self.take_credentials().await;
                self.descending.extend(descending);
                self.declare.push(reply);
            }
            Request::Plan(model, reply) => {
                let answer = self.would(model).await;
                let _ = reply.send(answer);
            }
            Request::Remove(reply, descending) => {
                failpoint("removal asked for");
                if self.wanted.intent != Intent::Remove {
                    self.before_removal = self.wanted.intent;
                }
                self.fresh(Intent::Remove);
                let down = [Active::Inactive, Active::Failed];
                if self
                    .last
                    .as_ref()
                    .is_some_and(|it| !down.contains(&it.active))
                {
                    self.say_at_once(Case::Stop, |now| now == State::Stopping);
                }
                self.descending.push(descending);
                self.remove.push(reply);
            }
        }
    }

    /// It was on its way out, and is declared again before it was gone.
    fn declared_again(&mut self) {
        self.fresh(self.before_removal);
        // Nobody is answered: it is neither gone nor did that fail.
        self.remove.clear();
    }

    pub(super) fn fresh(&mut self, intent: Intent) {
        self.wanted.intent = intent;
        self.backoff.reset();
        self.next_try = None;
        self.given_up = false;
        self.failed_switch = None;
        self.trouble = None;
        self.condemned = None;
        self.restarts = 0;
    }

    /// A caller that has its answer finds the request in the status, not the state before it.
    pub(super) fn say_at_once(&self, case: Case, already: impl Fn(State) -> bool) {
        if already(self.status.borrow().state) {
            return;
        }
        self.tell(None, |status| {
            status.state = case.state();
            status.since_ms = now_ms();
            status.reason = None;
            status.hint = None;
            status.next_try_ms = None;
        });
    }

    /// What says that the container is up because a person wants it: needed where the declaration does
    /// not say so.
    pub(super) fn started(&self) -> Option<Mark> {
        (!self.wanted.container().autostart).then_some(Mark::Started)
    }

    pub(super) fn mark(&self, mark: Option<Mark>) {
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
    pub(super) async fn would(&self, model: Arc<Model>) -> ContainerPlan {
        let id = self.wanted.id.clone();
        let gone = model.container(&id).is_none();
        let wanted = if gone {
            let mut wanted = self.wanted.clone();
            wanted.intent = Intent::Remove;
            wanted
        } else {
            let declared = model.container(&id).unwrap_or(self.wanted.container());
            let credentials = self.host.credentials(declared).await;
            let mut wanted = self.wanted.declared_in(model, credentials);
            if wanted.intent == Intent::Remove {
                wanted.intent = self.before_removal;
            }
            wanted
        };
        let same = !gone && wanted.container() == self.wanted.container();
        let observed = self.host.observe(&wanted).await;
        let mut seen = view(
            &wanted,
            Some(&self.wanted.model),
            &self.shared.paths,
            observed,
        );
        if self.given_up && same && seen.action == Action::Start {
            let how = self.last_exit.as_deref().unwrap_or("it failed");
            seen.reason = Some(format!("{how}, and it is declared not to be started again"));
            seen.action = Action::Nothing;
            seen.steps.clear();
        }
        seen
    }
}
