//! The containers' tasks: made, asked, and forgotten when they have ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use tokio::sync::oneshot;

use super::{Fleet, Handles};
use crate::machine::{Active, unit_name};
use crate::model::{Container, ContainerId, MachineName, Model};
use crate::reconcile::host::{Conflict, Wanted};
use crate::reconcile::marks::Mark;
use crate::reconcile::order::Descending;
use crate::reconcile::plan::Intent;
use crate::reconcile::task::{Handle, Request, spawn};

/// What a container's task answers when its steps are applied. No answer: the task has ended.
pub(super) type Answer = oneshot::Receiver<Result<(), Conflict>>;

/// A machine that nobody else touches, until this is dropped.
pub(super) struct Claim<'a> {
    fleet: &'a Fleet,
    machine: MachineName,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut claimed = self
            .fleet
            .claimed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        claimed.remove(&self.machine);
        self.fleet.stirred.notify_one();
    }
}

impl Fleet {
    /// Claims a machine that nothing declares, that has no task and that nobody else has claimed.
    pub(super) fn claim(&self, machine: &MachineName) -> Option<Claim<'_>> {
        let declared = self
            .in_force()
            .model
            .containers()
            .any(|it| it.machine == *machine);
        if declared || self.machines_with_a_task().contains(machine) {
            return None;
        }
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.insert(machine.clone()).then(|| Claim {
            fleet: self,
            machine: machine.clone(),
        })
    }

    /// The machines that somebody is at: they have a task, or are claimed.
    pub(super) fn busy(&self) -> BTreeSet<MachineName> {
        let mut busy = self.machines_with_a_task();
        let claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        busy.extend(claimed.iter().cloned());
        busy
    }

    fn machines_with_a_task(&self) -> BTreeSet<MachineName> {
        let handles = self.handles.borrow();
        let alive = handles.iter().filter(|(_, handle)| is_alive(handle));
        alive.filter_map(|(id, _)| id.machine().ok()).collect()
    }

    /// Makes a task for each declared container that has none. One whose machine somebody else is still
    /// at, an older container of that machine's name or a removal, gets its own when that is over.
    ///
    /// The caller has the turn, and `model` is in force.
    pub(super) async fn make_tasks(&self, model: &Arc<Model>) {
        let before = self.handles.borrow().clone();
        let has_task = |id: &ContainerId| before.get(id).is_some_and(is_alive);
        let mut intents = Vec::new();
        for container in model.containers().filter(|it| !has_task(&it.id)) {
            intents.push((container, self.first_intent(container).await));
        }
        // From here on nothing is waited for: the first round of each task finds all the others.
        let mut made = Handles::new();
        for (container, intent) in intents {
            if self.busy().contains(&container.machine) {
                continue;
            }
            let wanted = Self::wanted(model, container, intent);
            let handle = spawn(self.host.clone(), self.shared.clone(), wanted);
            made.insert(container.id.clone(), handle);
        }
        if !made.is_empty() {
            self.handles
                .send_modify(|now| Arc::make_mut(now).extend(made.clone()));
            // Who follows hears of each at once, and of what it has seen as soon as it has.
            for (id, handle) in &made {
                self.shared.feed.changed(id, &handle.status.borrow());
            }
        }
    }

    /// Makes the tasks that had to wait for something to be gone.
    pub(super) async fn catch_up(&self) {
        let handles = self.handles.borrow().clone();
        let lacks = |id: &ContainerId| !handles.get(id).is_some_and(is_alive);
        if self.in_force().model.containers().any(|it| lacks(&it.id)) {
            let _turn = self.turn.lock().await;
            let model = self.in_force().model;
            self.make_tasks(&model).await;
        }
    }

    /// Gives these containers the declaration. The answers come when their steps are applied.
    pub(super) async fn ask_declared(
        &self,
        model: &Arc<Model>,
        which: impl Fn(&ContainerId, &Handle) -> bool,
        mut going: BTreeMap<ContainerId, Descending>,
    ) -> Vec<(ContainerId, Answer)> {
        let now = self.handles.borrow().clone();
        let declared = now
            .iter()
            .filter(|(id, handle)| model.container(id).is_some() && which(id, handle));
        ask(declared, |id, _, reply| {
            Request::Declare(model.clone(), reply, going.remove(id))
        })
        .await
    }

    /// Forgets a task that has ended.
    pub(super) fn reap(&self, id: &ContainerId) {
        let gone = self.handles.send_if_modified(|now| {
            let ended = now.get(id).is_some_and(|handle| !is_alive(handle));
            ended && Arc::make_mut(now).remove(id).is_some()
        });
        if gone && let Ok(machine) = id.machine() {
            self.forget(&machine);
        }
    }

    /// Forgets what is known of a machine, unless some container of that name has a task.
    pub(super) fn forget(&self, machine: &MachineName) {
        if !self.machines_with_a_task().contains(machine) {
            self.host.forget(machine);
        }
    }

    /// Forgets all tasks that have ended.
    pub(super) fn reap_all(&self) {
        let handles = self.handles.borrow().clone();
        for (id, _) in handles.iter().filter(|(_, handle)| !is_alive(handle)) {
            self.reap(id);
        }
    }

    /// Without credentials: its task reads them before anything else.
    pub(super) fn wanted(model: &Arc<Model>, container: &Container, intent: Intent) -> Wanted {
        Wanted::new(model.clone(), container.id.clone(), intent, Arc::default())
    }

    /// What a container that has no task yet is meant to do: as its mark says, else as it is
    /// declared, and a guest that runs goes on.
    pub(super) async fn first_intent(&self, container: &Container) -> Intent {
        match Mark::read(&self.shared.paths.mark(&container.machine)) {
            Ok(Some(Mark::Started | Mark::Restarting)) => return Intent::Run,
            Ok(Some(Mark::Stopped | Mark::PoweredOff)) => return Intent::Stop,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(container = %container.id, "failed to read its mark: {error}");
            }
        }
        if container.autostart {
            return Intent::Run;
        }
        match self
            .host
            .systemd
            .observe(&unit_name(&container.machine))
            .await
        {
            Ok(unit) if matches!(unit.active, Active::Active | Active::Activating) => Intent::Run,
            _ => Intent::Stop,
        }
    }
}

/// It answers: one that has ended may be known for a moment longer.
pub(super) fn is_alive(handle: &Handle) -> bool {
    !handle.requests.is_closed()
}

/// Begins the way down of these containers, before any of them is asked.
pub(super) fn descending<'a>(
    handles: impl Iterator<Item = (&'a ContainerId, &'a Handle)>,
) -> BTreeMap<ContainerId, Descending> {
    handles
        .map(|(id, handle)| (id.clone(), handle.descent.begin()))
        .collect()
}

/// Sends a request to each of these tasks. The answers come in their own time; one of a task that
/// is gone is an error at once.
pub(super) async fn ask<T>(
    handles: impl Iterator<Item = (&ContainerId, &Handle)>,
    mut request: impl FnMut(&ContainerId, &Handle, oneshot::Sender<T>) -> Request,
) -> Vec<(ContainerId, oneshot::Receiver<T>)> {
    let mut asked = Vec::new();
    for (id, handle) in handles {
        let (reply, answer) = oneshot::channel();
        // A request that cannot be sent is dropped, and its answer with it.
        let _ = handle.requests.send(request(id, handle, reply)).await;
        asked.push((id.clone(), answer));
    }
    asked
}
