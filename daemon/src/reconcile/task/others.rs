//! A task and the other containers: whom it starts after, and who stops before it.

use super::Task;
use crate::machine::Active;
use crate::model::ContainerId;
use crate::reconcile::fleet::Handles;
use crate::reconcile::host::Host;
use crate::reconcile::order::{self, Wait};

impl<H: Host> Task<H> {
    /// Why it does not start yet, as far as others are concerned.
    pub(super) fn who_is_waited_for(&self) -> Option<Wait> {
        let handles = self.shared.fleet.borrow().clone();
        wait_for(&self.wanted.container().after, &handles)
    }

    /// Some stop before this one does; they are noted.
    pub(super) fn others_stop_first(&mut self) -> bool {
        let handles = self.shared.fleet.borrow().clone();
        self.stops_after = order::stop_first(&self.wanted.id, &self.wanted.model, |id| {
            descends(id, &handles)
        });
        !self.stops_after.is_empty()
    }

    /// Nothing more is done by itself: whoever stops after this one waits no longer, unless it is on its
    /// way down.
    pub(super) fn at_rest(&mut self) {
        let last = self.last.as_ref().map(|last| last.active);
        if last != Some(Active::Deactivating) && self.stops_after.is_empty() {
            self.descending.clear();
        }
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
                let of = |handles: &Handles| stops_after.iter().any(|id| descends(id, handles));
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

fn descends(id: &ContainerId, handles: &Handles) -> bool {
    handles.get(id).is_some_and(|it| it.descent.is_on())
}
