//! A start, a stop or a restart of several containers at once: what they are declared to be after each
//! other holds among them from the first on.

use ctr_api::wire::{Outcome, Verb};
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::{Fleet, Handle, outcome};
use crate::model::ContainerId;
use crate::reconcile::host::Conflict;
use crate::reconcile::task::Request;

impl Fleet {
    /// Asks each of these containers. Returns when each status says so, with those that could not be
    /// asked: they are declared no more.
    pub async fn request(&self, ids: &[ContainerId], verb: Verb) -> Vec<Outcome> {
        let handles = self.handles.borrow().clone();
        // All that go down, before the first is asked: one that hears of it late is not taken for one
        // that stays.
        let asked: Vec<_> = ids
            .iter()
            .map(|id| {
                let handle = handles.get(id);
                let goes = handle.filter(|_| matches!(verb, Verb::Stop | Verb::Restart));
                (id, handle, goes.map(|it| it.descent.begin()))
            })
            .collect();
        let answers = asked
            .into_iter()
            .map(|(id, handle, descending)| async move {
                let taken = match handle {
                    Some(handle) => ask(handle, verb).await,
                    None => None,
                };
                // By now the task has a reason of its own, if it goes down.
                drop(descending);
                taken.is_none().then(|| gone(id))
            });
        join_all(answers).await.into_iter().flatten().collect()
    }
}

async fn ask(handle: &Handle, verb: Verb) -> Option<()> {
    let (reply, answer) = oneshot::channel();
    let request = match verb {
        Verb::Start => Request::Start(reply),
        Verb::Stop => Request::Stop(reply),
        Verb::Restart => Request::Restart(reply),
    };
    handle.requests.send(request).await.ok()?;
    answer.await.ok()
}

fn gone(id: &ContainerId) -> Outcome {
    let conflict = Conflict {
        reason: format!("{id} is not declared, or is being removed"),
        hint: Some("`ctr status` shows what there is".to_owned()),
    };
    outcome(id, conflict)
}
