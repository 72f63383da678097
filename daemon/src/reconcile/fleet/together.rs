//! A start, a stop or a restart of several containers at once: what they are declared to be after each
//! other holds among them from the first on.

use ctr_api::wire::{Outcome, Verb};
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::{Fleet, Handle, Handles, outcome};
use crate::model::ContainerId;
use crate::reconcile::host::Conflict;
use crate::reconcile::task::Request;

impl Fleet {
    /// Asks each of these containers. Returns when each status says so, with those that could not be
    /// asked: they are declared no more.
    pub async fn request(&self, ids: &[ContainerId], verb: Verb) -> Vec<Outcome> {
        let handles = self.handles.borrow().clone();
        ask_together(&handles, ids, verb).await
    }
}

async fn ask_together(handles: &Handles, ids: &[ContainerId], verb: Verb) -> Vec<Outcome> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ctr_api::wire::Verb;
    use futures_util::FutureExt;
    use tokio::sync::{mpsc, watch};

    use super::{Handle, Handles, Request, ask_together};
    use crate::model::ContainerId;
    use crate::reconcile::status::Status;

    /// Containers whose tasks are busy, and hear nothing before they are made to.
    fn busy(names: &[&str]) -> (Handles, Vec<mpsc::Receiver<Request>>) {
        let mut inboxes = Vec::new();
        let handles = names.iter().map(|name| {
            let id = ContainerId {
                group: "lab".parse().expect("a name"),
                name: name.parse().expect("a name"),
            };
            let (requests, inbox) = mpsc::channel(1);
            inboxes.push(inbox);
            let handle = Handle {
                requests,
                status: watch::channel(Status::unknown()).1,
                credentials: watch::channel(Arc::default()).1,
                descent: crate::reconcile::Descent::default(),
            };
            (id, handle)
        });
        (handles.collect(), inboxes)
    }

    #[test]
    fn all_are_on_their_way_down_before_the_first_hears_of_it() {
        for (verb, goes) in [
            (Verb::Stop, true),
            (Verb::Restart, true),
            (Verb::Start, false),
        ] {
            let (handles, mut inboxes) = busy(&["db", "web"]);
            let ids: Vec<_> = handles.keys().cloned().collect();
            let mut asked = Box::pin(ask_together(&handles, &ids, verb));
            assert!(asked.as_mut().now_or_never().is_none(), "nobody answers");
            let on = |handles: &Handles| handles.values().all(|it| it.descent.is_on());
            assert_eq!(on(&handles), goes, "{verb:?}");
            // Each has answered, and has a reason of its own now where it goes down.
            for inbox in &mut inboxes {
                let request = inbox.try_recv().expect("it was asked");
                let (Request::Start(reply) | Request::Stop(reply) | Request::Restart(reply)) =
                    request
                else {
                    panic!("{request:?}");
                };
                reply.send(()).expect("somebody waits");
            }
            assert_eq!(asked.as_mut().now_or_never(), Some(Vec::new()));
            drop(asked);
            assert!(!handles.values().any(|it| it.descent.is_on()), "{verb:?}");
        }
    }
}
