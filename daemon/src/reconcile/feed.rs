//! What happens to containers, told once at the place where it happens, to whoever follows.
//!
//! A follower holds what it has not taken yet in a ring that all of them share, [`KEPT`] changes long:
//! one that is slower loses changes, learns of that, and begins again with the whole state. Whatever
//! followers do, the memory for them is bounded and nobody waits for them.
//!
//! Changes are sent, and the whole state is read, without waiting in between, on the one thread that does
//! both (`docs/development/architecture.md`): a follower that begins sees a change either in the whole state or after it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use ctr_api::events::{ContainerEvent, Event, Why};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;

use crate::model::ContainerId;

use super::fleet::Handles;
use super::status::Status;

/// How many changes are kept for who has not taken them yet, besides what waits in its pipe: together those
/// of about a hundred containers that start at once.
const KEPT: usize = 256;

/// The sending side.
#[derive(Debug, Clone)]
pub struct Feed(broadcast::Sender<Event>);

impl Default for Feed {
    fn default() -> Self {
        Self::keeping(KEPT)
    }
}

impl Feed {
    fn keeping(changes: usize) -> Self {
        Self(broadcast::Sender::new(changes))
    }

    /// A container is there, or is not as it was.
    pub(super) fn changed(&self, id: &ContainerId, status: &Status) {
        // Without followers there is nobody to tell.
        let _ = self.0.send(Event::Changed(event(id, status)));
    }

    /// A container is gone.
    pub(super) fn removed(&self, id: &ContainerId) {
        let _ = self.0.send(Event::Removed {
            group: id.group.to_string(),
            name: id.name.to_string(),
        });
    }

    /// Follows the containers from now on.
    pub fn follow(&self, fleet: watch::Receiver<Arc<Handles>>) -> Follower {
        let whole = move || {
            let handles = fleet.borrow().clone();
            let alive = handles
                .iter()
                .filter(|(_, handle)| !handle.requests.is_closed());
            alive
                .map(|(id, handle)| event(id, &handle.status.borrow()))
                .collect()
        };
        Follower::new(self, Box::new(whole))
    }
}

/// Reads the whole state.
type Whole = Box<dyn Fn() -> Vec<ContainerEvent> + Send + Sync>;

/// One who follows.
pub struct Follower {
    changes: broadcast::Receiver<Event>,
    whole: Whole,
    /// What of the whole state is still to be told.
    to_tell: VecDeque<Event>,
}

impl Follower {
    fn new(feed: &Feed, whole: Whole) -> Self {
        let mut follower = Self {
            changes: feed.0.subscribe(),
            whole,
            to_tell: VecDeque::new(),
        };
        follower.begin(Why::Begun);
        follower
    }

    fn begin(&mut self, why: Why) {
        // Nothing that is kept for it is newer than what is read here.
        self.changes = self.changes.resubscribe();
        let containers = (self.whole)();
        self.to_tell.clear();
        self.to_tell.push_back(Event::Whole {
            why,
            containers: containers.len(),
        });
        self.to_tell.extend(containers.into_iter().map(Event::Is));
    }

    /// The next line of the stream; `None` when nothing more can happen.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.to_tell.pop_front() {
                return Some(event);
            }
            match self.changes.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(_)) => self.begin(Why::Missed),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to_tell = &self.to_tell.len();
        let mut debug = f.debug_struct("Follower");
        debug.field("to_tell", to_tell).finish_non_exhaustive()
    }
}

/// What is told of a container.
pub(super) fn event(id: &ContainerId, status: &Status) -> ContainerEvent {
    ContainerEvent {
        group: id.group.to_string(),
        name: id.name.to_string(),
        machine: id.machine().map(|it| it.to_string()).unwrap_or_default(),
        state: status.state,
        reason: status.reason.clone(),
        hint: status.hint.clone(),
        since_ms: status.since_ms,
        restarts: status.restarts,
        last_exit: status.last_exit.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use ctr_api::events::{ContainerEvent, Event, Folded, Why};
    use ctr_api::wire::State;
    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::{Feed, Follower, event};
    use crate::model::ContainerId;
    use crate::reconcile::status::Status;

    #[derive(Debug, Clone)]
    enum Happening {
        Change(u8, State, u32),
        Remove(u8),
        /// The reader takes as many lines as this.
        Read(u8),
    }

    fn happening() -> impl Strategy<Value = Happening> {
        let state = prop_oneof![
            Just(State::Stopped),
            Just(State::Waiting),
            Just(State::Starting),
            Just(State::Running),
            Just(State::Failed),
        ];
        prop_oneof![
            4 => (0..6_u8, state, any::<u32>()).prop_map(|(who, state, restarts)| {
                Happening::Change(who, state, restarts)
            }),
            1 => (0..6_u8).prop_map(Happening::Remove),
            2 => (0..12_u8).prop_map(Happening::Read),
        ]
    }

    fn id(number: u8) -> ContainerId {
        ContainerId {
            group: "lab".parse().expect("a name"),
            name: format!("c{number}").parse().expect("a name"),
        }
    }

    type World = Arc<Mutex<BTreeMap<u8, ContainerEvent>>>;

    fn whole(world: &World) -> Vec<ContainerEvent> {
        world
            .lock()
            .expect("nobody panics")
            .values()
            .cloned()
            .collect()
    }

    fn take(follower: &mut Follower, folded: &mut Folded, most: usize) -> bool {
        let mut missed = false;
        for _ in 0..most {
            let Some(event) = follower.next().now_or_never() else {
                break;
            };
            let event = event.expect("the feed is there");
            missed |= matches!(
                event,
                Event::Whole {
                    why: Why::Missed,
                    ..
                }
            );
            folded.take(event);
        }
        missed
    }

    proptest! {
        #[test]
        fn a_stream_folds_to_the_present_state(
            before in prop::collection::vec(happening(), 0..20),
            after in prop::collection::vec(happening(), 0..60),
        ) {
            let feed = Feed::keeping(4);
            let world = World::default();
            let happen = |what: &Happening| {
                let mut world = world.lock().expect("nobody panics");
                match what {
                    Happening::Change(who, state, restarts) => {
                        let status = Status {
                            state: *state,
                            restarts: *restarts,
                            ..Status::unknown()
                        };
                        world.insert(*who, event(&id(*who), &status));
                        feed.changed(&id(*who), &status);
                    }
                    Happening::Remove(who) => {
                        if world.remove(who).is_some() {
                            feed.removed(&id(*who));
                        }
                    }
                    Happening::Read(_) => {}
                }
            };
            before.iter().for_each(happen);
            let seen = world.clone();
            let mut follower = Follower::new(&feed, Box::new(move || whole(&seen)));
            let mut folded = Folded::default();
            for what in &after {
                happen(what);
                if let Happening::Read(lines) = what {
                    take(&mut follower, &mut folded, (*lines).into());
                }
            }
            take(&mut follower, &mut folded, usize::MAX);
            prop_assert!(folded.is_whole());
            let told: Vec<_> = folded.containers().cloned().collect();
            prop_assert_eq!(told, whole(&world));
        }
    }

    #[test]
    fn a_reader_that_is_too_slow_is_told_so() {
        let feed = Feed::keeping(4);
        let world = World::default();
        let mut follower = Follower::new(&feed, Box::new(move || whole(&world)));
        let mut folded = Folded::default();
        assert!(!take(&mut follower, &mut folded, usize::MAX));
        for _ in 0..4 {
            feed.removed(&id(1));
        }
        assert!(!take(&mut follower, &mut folded, usize::MAX), "it kept up");
        for _ in 0..5 {
            feed.removed(&id(1));
        }
        assert!(take(&mut follower, &mut folded, usize::MAX));
    }
}
