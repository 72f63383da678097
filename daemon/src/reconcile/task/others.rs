//! A task and the other containers: whom it starts after, and who stops before it.

use super::{Handle, Task};
use crate::machine::Active;
use crate::model::ContainerId;
use crate::os::memory;
use crate::reconcile::fleet::Handles;
use crate::reconcile::host::Host;
use crate::reconcile::order::{self, Wait};

impl<H: Host> Task<H> {
    /// Why it does not start yet, as far as others are concerned.
    pub(super) fn who_is_waited_for(&self) -> Option<Wait> {
        let handles = self.shared.fleet.borrow().clone();
        wait_for(&self.wanted.container().after, &handles)
    }

    /// Some stop before this one does; they are noted. From here on it is on its way down itself, also where
    /// nobody has asked this ctrd for that.
    pub(super) fn others_stop_first(&mut self) -> bool {
        self.descend();
        let handles = self.shared.fleet.borrow().clone();
        self.stops_after = order::stop_first(&self.wanted.id, &self.wanted.model, |id| {
            may_descend(id, &handles)
        });
        !self.stops_after.is_empty()
    }

    /// It is on its way down, whoever began that.
    pub(super) fn descend(&mut self) {
        if self.descending.is_empty() {
            self.descending.push(self.descent.begin());
        }
    }

    /// Nothing more is done by itself: whoever stops after this one waits no longer, unless it is on its
    /// way down.
    pub(super) fn at_rest(&mut self) {
        let last = self.last.as_ref().map(|last| last.active);
        if last != Some(Active::Deactivating) && self.stops_after.is_empty() {
            self.descending.clear();
        }
        memory::worked();
    }

    /// Returns when it has to look again for what others do.
    pub(super) fn others_changed(&self) -> impl Future<Output = ()> + use<H> {
        let fleet = self.shared.fleet.clone();
        let after = self.wanted.container().after.clone();
        let (waiting, stops_after) = (self.waiting.clone(), self.stops_after.clone());
        async move {
            if waiting.is_some() {
                let of = |handles: &Handles| wait_for(&after, handles);
                order::changes(fleet, &after, &waiting, of).await;
            } else if !stops_after.is_empty() {
                let of = |handles: &Handles| stops_after.iter().any(|id| may_descend(id, handles));
                order::changes(fleet, &stops_after, &true, of).await;
            } else {
                std::future::pending::<()>().await;
            }
        }
    }
}

fn wait_for(after: &[ContainerId], handles: &Handles) -> Option<Wait> {
    order::wait_for(after, |id| {
        let handle = handles.get(id)?;
        Some((handle.status.borrow().clone(), handle.descent.is_on()))
    })
}

/// It is on its way down, or has not been looked at yet: what an earlier ctrd was asked for, or had begun, is
/// known after its first look.
fn may_descend(id: &ContainerId, handles: &Handles) -> bool {
    let seen = |it: &Handle| it.status.borrow().seen;
    handles
        .get(id)
        .is_some_and(|it| it.descent.is_on() || !seen(it))
}
