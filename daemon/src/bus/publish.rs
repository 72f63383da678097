//! Follows the fleet: an object for each container, a signal for each change.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use zbus::fdo::Properties;
use zbus::names::InterfaceName;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedObjectPath};

use crate::model::ContainerId;
use crate::reconcile::fleet::{Fleet, Handles};
use crate::reconcile::{Handle, Request};

use super::authority::Authority;
use super::container::Container;
use super::diff::diff;
use super::guard::Guarded;
use super::logs::Logs;

/// The containers' objects on the bus.
pub(super) struct Objects {
    connection: Connection,
    fleet: Arc<Fleet>,
    authority: Arc<Authority>,
    logs: Arc<Logs>,
    handles: watch::Receiver<Arc<Handles>>,
    served: BTreeMap<ContainerId, Served>,
}

/// One object, the task whose container it shows, and the task that sends its signals.
struct Served {
    requests: mpsc::Sender<Request>,
    signals: AbortHandle,
}

impl Objects {
    /// Serves every container there is now.
    pub(super) async fn serve(
        connection: Connection,
        fleet: Arc<Fleet>,
        authority: Arc<Authority>,
        logs: Arc<Logs>,
    ) -> Self {
        let handles = fleet.handles();
        let mut objects = Self {
            connection,
            fleet,
            authority,
            logs,
            handles,
            served: BTreeMap::new(),
        };
        objects.catch_up().await;
        objects
    }

    /// Keeps the objects what the fleet is, until the fleet is gone.
    pub(super) async fn follow(mut self) {
        while self.handles.changed().await.is_ok() {
            self.catch_up().await;
        }
    }

    async fn catch_up(&mut self) {
        let now = self.handles.borrow_and_update().clone();
        let gone: Vec<ContainerId> = self
            .served
            .iter()
            .filter(|(id, served)| {
                // One that was removed and declared again in the meantime has another task.
                now.get(*id)
                    .is_none_or(|handle| !handle.requests.same_channel(&served.requests))
            })
            .map(|(id, _)| id.clone())
            .collect();
        let server = self.connection.object_server();
        for id in gone {
            if let Some(served) = self.served.remove(&id) {
                served.signals.abort();
            }
            if let Err(error) = server.remove::<Guarded<Container>, _>(&path(&id)).await {
                tracing::warn!("{id}: failed to take its object off the bus: {error}");
            }
        }
        for (id, handle) in now.iter() {
            if self.served.contains_key(id) {
                continue;
            }
            let object = Container::new(
                self.fleet.clone(),
                id.clone(),
                handle.clone(),
                self.logs.clone(),
            );
            let object = Guarded::new(object, self.authority.clone(), Some(id.clone()));
            if let Err(error) = server.at(&path(id), object).await {
                tracing::error!("{id}: failed to put its object on the bus: {error}");
            }
            let task = tokio::spawn(signals(self.connection.clone(), id.clone(), handle.clone()));
            let shown = Served {
                requests: handle.requests.clone(),
                signals: task.abort_handle(),
            };
            self.served.insert(id.clone(), shown);
        }
    }
}

fn path(id: &ContainerId) -> OwnedObjectPath {
    ctr_api::container_path(id.group.as_str(), id.name.as_str())
}

async fn signals(connection: Connection, id: ContainerId, mut handle: Handle) {
    let Ok(emitter) = SignalEmitter::new(&connection, path(&id)) else {
        return;
    };
    let interface = InterfaceName::from_static_str_unchecked(ctr_api::CONTAINER_INTERFACE);
    let mut sent = handle.status.borrow_and_update().clone();
    while handle.status.changed().await.is_ok() {
        let now = handle.status.borrow_and_update().clone();
        let changed = diff(&sent, &now);
        sent = now;
        if changed.is_empty() {
            continue;
        }
        let sending = Properties::properties_changed(
            &emitter,
            interface.clone(),
            changed,
            std::borrow::Cow::Borrowed(&[]),
        );
        if let Err(error) = sending.await {
            tracing::warn!(container = %id, "failed to tell of a change: {error}");
        }
    }
}
