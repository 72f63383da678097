//! How much callers may ask for at a time.
//!
//! Counted by user and not by connection: a user of the host has as many connections as they like.
//! root is not counted, so that whatever others do, it is answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A call that is not answered yet.
    Call,
    /// A call whose answer somebody's password decides.
    Question,
    /// A plan that is being made.
    Plan,
    /// A journal that is being read.
    Journal,
    /// A stream of what happens that is being read.
    Events,
}

impl Kind {
    /// How many one user may have, and all of them together.
    ///
    /// Together the calls stay below the 128 answers that dbus-daemon lets one connection wait for
    /// (dbus-daemon(1), `max_replies_per_connection`): each waits for polkit at most once at a time.
    const fn most(self) -> (usize, usize) {
        match self {
            Self::Call => (32, 96),
            Self::Question => (4, 16),
            Self::Plan => (2, 4),
            Self::Journal | Self::Events => (8, 32),
        }
    }

    const fn plural(self) -> &'static str {
        match self {
            Self::Call => "calls that are not answered yet",
            Self::Question => "calls that wait for a password",
            Self::Plan => "plans that are being made",
            Self::Journal => "journals open",
            Self::Events => "streams of events open",
        }
    }
}

/// There is enough of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Exceeded {
    /// By this user.
    #[error("user {user} has {most} {what}, the most that one user may have")]
    User {
        /// The user's number.
        user: u32,
        /// How many that is.
        most: usize,
        /// Of what.
        what: &'static str,
    },
    /// By all users but root.
    #[error("all users but root have {most} {what}, the most there may be")]
    All {
        /// How many that is.
        most: usize,
        /// Of what.
        what: &'static str,
    },
}

/// What is held at the moment, by kind and user.
#[derive(Debug, Default)]
pub(super) struct Bounds(Mutex<BTreeMap<(Kind, u32), usize>>);

/// One of a kind; given back when dropped.
#[derive(Debug)]
#[must_use]
pub(super) struct Held(Option<(Arc<Bounds>, Kind, u32)>);

impl Bounds {
    /// Takes one more for a user.
    pub(super) fn take(self: &Arc<Self>, kind: Kind, user: u32) -> Result<Held, Exceeded> {
        if user == 0 {
            return Ok(Held(None));
        }
        let (most, most_of_all) = kind.most();
        let what = kind.plural();
        let mut held = self.lock();
        let of_all: usize = held
            .range((kind, 0)..=(kind, u32::MAX))
            .map(|(_, count)| count)
            .sum();
        let own = held.get(&(kind, user)).copied().unwrap_or_default();
        if own >= most {
            return Err(Exceeded::User { user, most, what });
        }
        if of_all >= most_of_all {
            let most = most_of_all;
            return Err(Exceeded::All { most, what });
        }
        held.insert((kind, user), own + 1);
        Ok(Held(Some((self.clone(), kind, user))))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Kind, u32), usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some((bounds, kind, user)) = self.0.take() else {
            return;
        };
        let mut held = bounds.lock();
        match held.get_mut(&(kind, user)) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                held.remove(&(kind, user));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(bounds: &Arc<Bounds>, user: u32) -> Vec<Held> {
        std::iter::from_fn(|| bounds.take(Kind::Call, user).ok()).collect()
    }

    #[test]
    fn a_user_has_a_share_and_root_is_never_refused() {
        let bounds = Arc::new(Bounds::default());
        let first = many(&bounds, 1000);
        assert_eq!(first.len(), 32);
        let refused = bounds.take(Kind::Call, 1000).expect_err("too many");
        assert_eq!(
            refused.to_string(),
            "user 1000 has 32 calls that are not answered yet, the most that one user may have"
        );
        assert!(bounds.take(Kind::Plan, 1000).is_ok(), "another kind");
        let others = [many(&bounds, 1001), many(&bounds, 1002)];
        assert!(matches!(
            bounds.take(Kind::Call, 1003),
            Err(Exceeded::All { most: 96, .. })
        ));
        assert!(bounds.take(Kind::Call, 0).is_ok());
        drop(others);
        assert!(bounds.take(Kind::Call, 1003).is_ok());
        drop(first);
        assert!(bounds.lock().is_empty(), "everything was given back");
    }
}
