//! What is declared no more: containers that have a task, which takes them away itself.

use std::collections::{BTreeMap, BTreeSet};

use ctr_api::wire::Outcome;

use super::tasks::{Answer, ask, descending, is_alive};
use super::{Fleet, outcome};
use crate::machine::credentials::generated_secrets;
use crate::model::{ContainerId, Model};
use crate::reconcile::orphans;
use crate::reconcile::task::Request;

impl Fleet {
    /// Asks each container that a declaration does not have to go.
    pub(super) async fn ask_to_leave(&self, model: &Model) -> Vec<(ContainerId, Answer)> {
        self.reap_all();
        let handles = self.handles.borrow().clone();
        let leaving = handles
            .iter()
            .filter(|(id, _)| model.container(id).is_none());
        let leaving: Vec<_> = leaving.collect();
        // All of them before the first is asked: each finds out who stops before it.
        let mut going: BTreeMap<_, _> = descending(leaving.iter().copied());
        ask(leaving.into_iter(), |id, handle, reply| {
            let reason = going.remove(id).unwrap_or_else(|| handle.descent.begin());
            Request::Remove(reply, reason)
        })
        .await
    }

    /// Waits until they are gone, and answers with those that cannot go.
    pub(super) async fn until_gone(&self, leaving: Vec<(ContainerId, Answer)>) -> Vec<Outcome> {
        let mut failures = Vec::new();
        for (id, answer) in leaving {
            // No answer: it had gone already, or was declared again meanwhile.
            if let Ok(Err(conflict)) = answer.await {
                failures.push(outcome(&id, conflict));
            }
            self.reap(&id);
        }
        self.stirred.notify_one();
        failures
    }

    /// The containers that are declared no more and not gone yet.
    pub fn leaving(&self) -> Vec<(ContainerId, super::Handle)> {
        let model = self.in_force().model;
        let handles = self.handles.borrow();
        handles
            .iter()
            .filter(|(id, handle)| model.container(id).is_none() && is_alive(handle))
            .map(|(id, handle)| (id.clone(), handle.clone()))
            .collect()
    }

    /// Where data stays: the machines' state, and what is declared as data.
    pub(super) fn data(&self, model: &Model) -> Vec<String> {
        let binds = model.containers().flat_map(|container| &container.binds);
        let declared = binds
            .filter(|bind| bind.data)
            .map(|bind| bind.host.display().to_string());
        let mut data: BTreeSet<String> = declared.collect();
        data.extend(orphans::state_directories(&self.shared.paths));
        data.extend(generated_secrets(&self.shared.paths));
        data.into_iter().collect()
    }
}
