//! `apply`: the declaration in place is taken into force in one turn, and then each container is waited
//! for without it, so that a guest that takes its time to stop holds nobody else up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ctr_api::wire::{Action, ApplyReport, ContainerPlan, Outcome, PlanView, State, Waiting};
use tokio::sync::MutexGuard;

use super::tasks::{Answer, descending};
use super::{Fleet, outcome};
use crate::declaration::{self, LoadError, Parsed, Problems};
use crate::error_text::with_causes;
use crate::model::{ContainerId, Model};
use crate::os::failpoint;
use crate::reconcile::journal_views;

/// A file that changes more often than this while it is read is taken as it was last.
const READS: u32 = 3;

/// A declaration that was taken into force, and who has still to answer.
struct Taken {
    model: Arc<Model>,
    before: Arc<Model>,
    failures: Vec<Outcome>,
    leaving: Vec<(ContainerId, Answer)>,
    staying: Vec<(ContainerId, Answer)>,
}

impl Fleet {
    /// Reads the declaration in place and makes it so. Returns when the steps are applied, not when
    /// the guests are ready.
    ///
    /// Of two at once the one that read the newer file wins, and the other one says so.
    pub async fn apply(&self) -> Result<(ApplyReport, Problems), Arc<LoadError>> {
        let (turn, parsed, containers) = self.newest().await?;
        let model = parsed.model;
        // Who has nothing to do is not waited for.
        let idle: BTreeSet<ContainerId> = containers
            .iter()
            .filter(|view| view.steps.is_empty())
            .filter(|view| view.reason.is_none() || view.action == Action::Live)
            .filter_map(id_of)
            .collect();
        let everybody_is_idle = idle.len() == containers.len();
        let host = self.host_lines(&model).await;
        let mut taken = self
            .take_into_force(model, parsed.digest, everybody_is_idle, &containers)
            .await;
        taken
            .failures
            .extend(self.keep_declaration(parsed.text).await);
        drop(turn);
        taken.staying.retain(|(id, _)| !idle.contains(id));
        let plan = PlanView {
            host,
            containers,
            problems: Vec::new(),
        };
        let failures = self.finish(taken).await;
        let waiting = self.who_waits(&plan);
        let report = ApplyReport {
            plan,
            failures,
            waiting,
        };
        Ok((report, parsed.warnings))
    }

    /// Those of a plan that were to start and wait.
    fn who_waits(&self, plan: &PlanView) -> Vec<Waiting> {
        let handles = self.handles.borrow().clone();
        let waits = |view: &ContainerPlan| {
            let status = handles.get(&id_of(view)?)?.status.borrow().clone();
            (status.state == State::Waiting).then_some(Waiting {
                group: view.group.clone(),
                name: view.name.clone(),
                reason: status.reason,
                hint: status.hint,
            })
        };
        // One that lacks something is not started, and has a reason in place of an action.
        let was_to_start = |view: &&ContainerPlan| match view.action {
            Action::Start | Action::Restart => true,
            Action::Nothing | Action::Live => view.reason.is_some(),
            Action::Switch | Action::Stop | Action::Remove => false,
        };
        let started = plan.containers.iter().filter(was_to_start);
        started.filter_map(waits).collect()
    }

    /// The declaration as it is when the turn comes, and what it does.
    async fn newest(
        &self,
    ) -> Result<(MutexGuard<'_, ()>, Parsed, Vec<ContainerPlan>), Arc<LoadError>> {
        let mut reads = 0;
        loop {
            let parsed = self.load()?;
            let containers = self.views(&parsed.model).await;
            let turn = self.turn.lock().await;
            reads += 1;
            // A container can take its time to say what it would do, and somebody else an apply.
            let now = declaration::digest(&self.shared.paths.declaration).ok();
            if now == Some(parsed.digest) || reads == READS {
                return Ok((turn, parsed, containers));
            }
        }
    }

    /// Everything that has to be one at a time: the host's own side, and who is asked for what.
    async fn take_into_force(
        &self,
        model: Arc<Model>,
        digest: [u8; 32],
        everybody_is_idle: bool,
        views: &[ContainerPlan],
    ) -> Taken {
        let before = self.in_force().model;
        let mut failures = Vec::new();
        if let Err(error) = self.put_in_force(&model, digest).await {
            failures.push(Outcome {
                group: String::new(),
                name: "firewall".to_owned(),
                error: Some(error.sentence()),
                hint: error.hint(),
            });
        }
        if let Err(error) = journal_views::keep(&self.shared.paths, &model) {
            failures.push(Outcome {
                group: String::new(),
                name: "logs".to_owned(),
                error: Some(with_causes(&error)),
                hint: None,
            });
        }
        failpoint("journal views kept");
        // Who is restarted or stopped is on the way down before anybody is asked: each finds out who
        // stops before it.
        let handles = self.handles.borrow().clone();
        let down = views
            .iter()
            .filter(|view| matches!(view.action, Action::Restart | Action::Stop));
        let down: BTreeSet<_> = down.filter_map(id_of).collect();
        let going = descending(handles.iter().filter(|(id, _)| down.contains(*id)));
        let leaving = self.ask_to_leave(&model).await;
        // The same declaration once more, and everybody is where it says: nobody is asked twice.
        let nothing_new = before == model && everybody_is_idle && !self.any_is_held();
        let staying = if nothing_new {
            Vec::new()
        } else {
            self.make_tasks(&model).await;
            self.ask_declared(&model, |_, _| true, going).await
        };
        Taken {
            model,
            before,
            failures,
            leaving,
            staying,
        }
    }

    /// Waits for everybody who was asked.
    async fn finish(&self, taken: Taken) -> Vec<Outcome> {
        let Taken {
            model,
            before,
            mut failures,
            leaving,
            staying,
            ..
        } = taken;
        let changed = *before != *model;
        failpoint("containers asked");
        failures.extend(self.until_gone(leaving).await);
        failpoint("undeclared removed");
        let mut unanswered = BTreeSet::new();
        for (id, answer) in staying {
            match answer.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failures.push(outcome(&id, error)),
                Err(_) => {
                    unanswered.insert(id);
                }
            }
        }
        failures.extend(self.remove_orphans().await);
        failpoint("orphans removed");
        if changed {
            failures.extend(self.settle(&model, unanswered).await);
        }
        for (group, conflict) in self.troubled() {
            failures.push(Outcome {
                group: group.to_string(),
                name: String::new(),
                error: Some(conflict.reason),
                hint: conflict.hint,
            });
        }
        let now = self.in_force().model;
        if *now != *model {
            failures.push(Outcome {
                group: "this declaration".to_owned(),
                name: String::new(),
                error: Some(
                    "another one was put in force while it was being applied, and that one holds"
                        .to_owned(),
                ),
                hint: Some("`ctr plan` says whether it is what the file says now".to_owned()),
            });
        }
        failures
    }

    /// What left has left: who waited for that comes.
    async fn settle(&self, model: &Arc<Model>, unanswered: BTreeSet<ContainerId>) -> Vec<Outcome> {
        self.catch_up().await;
        self.host.ensure_groups(model).await;
        if *self.in_force().model != **model {
            return Vec::new();
        }
        let again = self
            .ask_declared(
                model,
                |id, handle| {
                    unanswered.contains(id) || handle.status.borrow().state == State::Waiting
                },
                BTreeMap::new(),
            )
            .await;
        let mut failures = Vec::new();
        for (id, answer) in again {
            if let Ok(Err(error)) = answer.await {
                failures.push(outcome(&id, error));
            }
        }
        failures
    }

    /// Some guest runs and cannot be as declared: what stood in its way may be gone.
    fn any_is_held(&self) -> bool {
        let handles = self.handles.borrow();
        handles.values().any(|handle| {
            let status = handle.status.borrow();
            status.state.is_ready() && status.reason.is_some()
        })
    }
}

fn id_of(view: &ContainerPlan) -> Option<ContainerId> {
    let (group, name) = (view.group.parse().ok()?, view.name.parse().ok()?);
    Some(ContainerId { group, name })
}
