//! Every change of a container's status, told once: to those who follow its status, to those who follow
//! all containers, and in the journal where it is another state.

use ctr_api::wire::State;

use super::Task;
use crate::journal::{REMOVED, message_id};
use crate::machine::Active;
use crate::reconcile::feed::event;
use crate::reconcile::host::{Host, Observed};
use crate::reconcile::status::Status;

impl<H: Host> Task<H> {
    /// Changes the status and tells of it. `found` says that it is as it was before this ctrd looked,
    /// which is no change of state.
    pub(super) fn tell(&self, found: Option<&Observed>, change: impl FnOnce(&mut Status)) {
        let before = self.status.borrow().clone();
        let mut now = before.clone();
        change(&mut now);
        now.seen = true;
        if now == before {
            return;
        }
        let id = &self.wanted.id;
        let is_found = !before.seen && was_there(found, now.state);
        if is_found {
            tracing::info!("{id} is {}, as it was found", now.state.as_str());
        } else if !before.seen || now.state != before.state {
            record(&id.to_string(), now.state, now.reason.as_deref());
        }
        let told = event(id, &before) != event(id, &now) || !before.seen;
        self.status.send_replace(now.clone());
        if told {
            self.shared.feed.changed(id, &now);
        }
    }

    /// It is declared no more, and gone.
    pub(super) fn tell_gone(&self) {
        let id = &self.wanted.id;
        tracing::info!(
            MESSAGE_ID = message_id(REMOVED),
            CTR_STATE = REMOVED,
            "{id} is gone, but for its data"
        );
        self.shared.feed.removed(id);
    }
}

/// Nothing was done to bring it there: its guest ran before, or it is not meant to run.
fn was_there(found: Option<&Observed>, state: State) -> bool {
    let up = found.is_some_and(|it| it.unit.active == Active::Active && !it.unit.is_foreign());
    state == State::Stopped || (up && state != State::Stopping)
}

/// The one record of a change of state. Whose it is is said by the span that the task runs in.
fn record(id: &str, state: State, reason: Option<&str>) {
    let word = state.as_str();
    let ids = message_id(word);
    let because = reason.map(|it| format!(": {it}")).unwrap_or_default();
    if state == State::Failed {
        tracing::error!(
            MESSAGE_ID = ids,
            CTR_STATE = word,
            CTR_REASON = reason,
            "{id} is {word}{because}"
        );
    } else if word == "unhealthy" {
        tracing::warn!(
            MESSAGE_ID = ids,
            CTR_STATE = word,
            CTR_REASON = reason,
            "{id} is {word}{because}"
        );
    } else {
        tracing::info!(
            MESSAGE_ID = ids,
            CTR_STATE = word,
            CTR_REASON = reason,
            "{id} is {word}{because}"
        );
    }
}
