//! Who waits for whom, from the declared `after`: what decides is pure, what follows only says when to
//! ask again.
//!
//! Of two containers that are both on their way down, the one that is `after` the other stops first, as
//! systemd stops units (`After=` in systemd.unit(5)). A container that is to stay up holds nobody up.

use std::sync::Arc;

use ctr_api::wire::State;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, select_all};
use tokio::sync::watch;

use crate::model::{ContainerId, Model};

use super::fleet::Handles;
use super::reason::list;
use super::status::Status;

/// Why a container does not start yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wait {
    /// For whom, and why that one is not ready where it will not be by itself.
    pub(super) reason: String,
    /// What a person can do about it.
    pub(super) hint: Option<String>,
    /// Whom it waits for.
    pub(super) who: Vec<ContainerId>,
    /// The end of the chain: what `reason` says of the first one that does not wait itself. `None`
    /// where everybody is on the way.
    pub(super) cause: Option<String>,
}

/// What another container is to one that starts after it.
enum Other {
    Ready,
    /// On its way.
    Soon,
    /// Not there before somebody, or a pause, does something about it.
    Stuck(Wait),
}

/// Why a container that starts `after` these does not start yet, if it does not. `seen` tells the
/// status of one, and whether it is on its way down; nothing for one that has no task.
///
/// One that will not be ready by itself is named before those that are on their way.
pub(super) fn wait_for(
    after: &[ContainerId],
    seen: impl Fn(&ContainerId) -> Option<(Status, bool)>,
) -> Option<Wait> {
    let mut soon: Vec<ContainerId> = Vec::new();
    for id in after {
        match other(id, seen(id)) {
            Other::Ready => {}
            Other::Soon => soon.push(id.clone()),
            Other::Stuck(wait) => return Some(wait),
        }
    }
    (!soon.is_empty()).then(|| Wait {
        reason: format!("waits for {} to be ready", list(&soon)),
        hint: None,
        who: soon,
        cause: None,
    })
}

fn other(id: &ContainerId, seen: Option<(Status, bool)>) -> Other {
    let Some((status, descends)) = seen else {
        return Other::Stuck(stuck(id, format!("{id} is not there yet"), None));
    };
    let (group, name) = (&id.group, &id.name);
    let because = |word: &str| match &status.reason {
        Some(reason) => format!("{id} {word}: {reason}"),
        None => format!("{id} {word}"),
    };
    if descends {
        Other::Soon
    } else if status.is_ready() {
        Other::Ready
    } else if status.state == State::Stopped {
        // One that lacks something has a hint of its own: it would not start.
        let hint = status.hint.clone();
        let hint = hint.unwrap_or_else(|| format!("`ctr {group} start {name}` starts it"));
        Other::Stuck(stuck(id, because("is stopped"), Some(hint)))
    } else if let State::Failed | State::Unhealthy = status.state {
        let hint = format!("`ctr {group} status {name}` says more of it");
        let word = match status.state {
            State::Unhealthy => "is unhealthy",
            _ => "failed",
        };
        Other::Stuck(stuck(id, because(word), Some(hint)))
    } else if let (State::Waiting, Some(cause)) = (status.state, &status.cause) {
        let reason = format!("{id} waits: {cause}");
        // One that waits for nobody is itself the end of the chain.
        let is_the_end = status.waits_for.is_empty();
        Other::Stuck(Wait {
            cause: Some(if is_the_end { &reason } else { cause }.clone()),
            reason,
            hint: status.hint.clone(),
            who: vec![id.clone()],
        })
    } else {
        Other::Soon
    }
}

fn stuck(id: &ContainerId, reason: String, hint: Option<String>) -> Wait {
    Wait {
        who: vec![id.clone()],
        cause: Some(reason.clone()),
        reason,
        hint,
    }
}

/// The containers that stop before this one: they are declared to be after it, and `descends` says that
/// they are on their way down too.
pub(super) fn stop_first(
    id: &ContainerId,
    model: &Model,
    descends: impl Fn(&ContainerId) -> bool,
) -> Vec<ContainerId> {
    let after_it = model.containers().filter(|it| it.after.contains(id));
    let first = after_it.filter(|it| descends(&it.id));
    first.map(|it| it.id.clone()).collect()
}

/// That a container is on its way down, counted by its reasons: from the moment that it was asked to
/// stop, which it may not have heard yet, until it is down or stays up after all.
#[derive(Debug, Clone, Default)]
pub struct Descent(Arc<watch::Sender<u32>>);

impl Descent {
    /// One more reason, for as long as the answer lives.
    #[must_use]
    pub fn begin(&self) -> Descending {
        self.0.send_modify(|reasons| *reasons += 1);
        Descending(self.clone())
    }

    /// There is a reason.
    pub fn is_on(&self) -> bool {
        *self.0.borrow() > 0
    }
}

/// A reason for which a container is on its way down.
#[derive(Debug)]
pub struct Descending(Descent);

impl Drop for Descending {
    fn drop(&mut self) {
        self.0.0.send_modify(|reasons| *reasons -= 1);
    }
}

/// Returns when `of` says something else of the containers than `now`. It asks again whenever one of
/// `ids`, or the set of all, has changed.
pub(super) async fn changes<T: PartialEq>(
    mut fleet: watch::Receiver<Arc<Handles>>,
    ids: &[ContainerId],
    now: &T,
    of: impl Fn(&Handles) -> T,
) {
    loop {
        let handles = fleet.borrow_and_update().clone();
        let mut statuses = Vec::new();
        let mut descents = Vec::new();
        for handle in ids.iter().filter_map(|id| handles.get(id)) {
            let mut status = handle.status.clone();
            status.mark_unchanged();
            statuses.push(status);
            // A new receiver has seen what is there now.
            descents.push(handle.descent.0.subscribe());
        }
        // Only now: what changes from here on is heard of below.
        if of(&handles) != *now {
            return;
        }
        let mut any: Vec<BoxFuture<'_, ()>> = Vec::new();
        any.extend(statuses.iter_mut().map(|it| next(it).boxed()));
        any.extend(descents.iter_mut().map(|it| next(it).boxed()));
        any.push(next(&mut fleet).boxed());
        select_all(any).await;
    }
}

/// The next change. A task that has ended tells no more; that it has is seen in the set of all.
async fn next<T>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::{Descent, wait_for};
    use crate::model::ContainerId;
    use crate::reconcile::status::Status;
    use ctr_api::wire::State;

    fn id(name: &str) -> ContainerId {
        ContainerId {
            group: "ml".parse().expect("a name"),
            name: name.parse().expect("a name"),
        }
    }

    fn status(state: State, reason: Option<&str>) -> Status {
        Status {
            state,
            reason: reason.map(str::to_owned),
            ..Status::unknown()
        }
    }

    fn reason(others: &[(&str, Option<(Status, bool)>)]) -> Option<String> {
        let after: Vec<_> = others.iter().map(|(name, _)| id(name)).collect();
        let seen = |asked: &ContainerId| {
            let found = others.iter().find(|(name, _)| id(name) == *asked);
            found.and_then(|(_, seen)| seen.clone())
        };
        wait_for(&after, seen).map(|wait| wait.reason)
    }

    #[test]
    fn who_waits_says_for_whom_and_why() {
        let ready = Some((status(State::Running, None), false));
        let going = Some((status(State::Running, None), true));
        let starting = Some((status(State::Starting, None), false));
        let failed = Some((status(State::Failed, Some("exit status 1")), false));
        let stopped = Some((status(State::Stopped, Some("stopped by hand")), false));
        let waiting = Status {
            cause: Some("ml/db failed: exit status 1".to_owned()),
            ..status(
                State::Waiting,
                Some("ml/cache waits: ml/db failed: exit status 1"),
            )
        };
        let waiting = Some((waiting, false));
        let sick = Some((status(State::Unhealthy, Some("status 503")), false));
        let patient = Some((
            status(State::Waiting, Some("waits for ml/db to be ready")),
            false,
        ));
        let table = [
            (vec![], None),
            (vec![("db", ready.clone())], None),
            (
                vec![("db", starting.clone())],
                Some("waits for ml/db to be ready"),
            ),
            (vec![("db", going)], Some("waits for ml/db to be ready")),
            (vec![("db", patient)], Some("waits for ml/db to be ready")),
            (
                vec![
                    ("db", starting.clone()),
                    ("cache", ready),
                    ("queue", starting.clone()),
                ],
                Some("waits for ml/db and ml/queue to be ready"),
            ),
            (
                vec![("queue", starting), ("db", failed)],
                Some("ml/db failed: exit status 1"),
            ),
            (
                vec![("db", stopped)],
                Some("ml/db is stopped: stopped by hand"),
            ),
            (
                vec![("web", waiting)],
                Some("ml/web waits: ml/db failed: exit status 1"),
            ),
            (vec![("db", sick)], Some("ml/db is unhealthy: status 503")),
            (vec![("db", None)], Some("ml/db is not there yet")),
        ];
        for (others, expected) in table {
            assert_eq!(reason(&others).as_deref(), expected);
        }
    }

    #[test]
    fn a_descent_lasts_as_long_as_its_last_reason() {
        let descent = Descent::default();
        let (one, other) = (descent.begin(), descent.begin());
        drop(one);
        assert!(descent.is_on());
        drop(other);
        assert!(!descent.is_on());
    }
}
