//! Follows the fleet: an object for each container, a signal for each change.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use zbus::fdo::Properties;
use zbus::names::InterfaceName;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedObjectPath};

use crate::model::ContainerId;
use crate::reconcile::Handle;
use crate::reconcile::fleet::{Fleet, Handles};

use super::container::Container;
use super::diff::diff;

/// The containers' objects on the bus.
pub(super) struct Objects {
    connection: Connection,
    fleet: Arc<Fleet>,
    handles: watch::Receiver<Arc<Handles>>,
    served: BTreeMap<ContainerId, AbortHandle>,
}

impl Objects {
    /// Serves every container there is now.
    pub(super) async fn serve(connection: Connection, fleet: Arc<Fleet>) -> Self {
        let handles = fleet.handles();
        let mut objects = Self {
            connection,
            fleet,
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
            .keys()
            .filter(|id| !now.contains_key(*id))
            .cloned()
            .collect();
        let server = self.connection.object_server();
        for id in gone {
            if let Some(task) = self.served.remove(&id) {
                task.abort();
            }
            if let Err(error) = server.remove::<Container, _>(&path(&id)).await {
                tracing::warn!("{id}: failed to take its object off the bus: {error}");
            }
        }
        for (id, handle) in now.iter() {
            if self.served.contains_key(id) {
                continue;
            }
            let object = Container::new(self.fleet.clone(), id.clone(), handle.clone());
            if let Err(error) = server.at(&path(id), object).await {
                tracing::error!("{id}: failed to put its object on the bus: {error}");
            }
            let task = tokio::spawn(signals(self.connection.clone(), id.clone(), handle.clone()));
            self.served.insert(id.clone(), task.abort_handle());
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
