//! Follows the fleet: an object for each container, a signal for each change.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::AbortHandle;
use zbus::Connection;
use zbus::fdo::Properties;
use zbus::names::InterfaceName;
use zbus::object_server::SignalEmitter;

use crate::model::ContainerId;
use crate::reconcile::Handle;
use crate::reconcile::fleet::Fleet;

use super::container::Container;
use super::diff::diff;

/// Keeps the objects what the fleet is, until the fleet is gone.
pub(super) async fn follow(connection: Connection, fleet: Arc<Fleet>) {
    let mut handles = fleet.handles();
    let mut served: BTreeMap<ContainerId, AbortHandle> = BTreeMap::new();
    loop {
        let now = handles.borrow_and_update().clone();
        let gone: Vec<ContainerId> =
            served.keys().filter(|id| !now.contains_key(*id)).cloned().collect();
        for id in gone {
            if let Some(task) = served.remove(&id) {
                task.abort();
            }
            let path = ctr_api::container_path(id.group.as_str(), id.name.as_str());
            if let Err(error) = connection.object_server().remove::<Container, _>(&path).await {
                tracing::warn!(container = %id, "failed to take its object off the bus: {error}");
            }
        }
        for (id, handle) in now.iter() {
            if served.contains_key(id) {
                continue;
            }
            let path = ctr_api::container_path(id.group.as_str(), id.name.as_str());
            let object = Container::new(fleet.clone(), id.clone(), handle.clone());
            if let Err(error) = connection.object_server().at(&path, object).await {
                tracing::error!(container = %id, "failed to put its object on the bus: {error}");
            }
            let task = tokio::spawn(signals(connection.clone(), id.clone(), handle.clone()));
            served.insert(id.clone(), task.abort_handle());
        }
        if handles.changed().await.is_err() {
            return;
        }
    }
}

async fn signals(connection: Connection, id: ContainerId, mut handle: Handle) {
    let path = ctr_api::container_path(id.group.as_str(), id.name.as_str());
    let Ok(emitter) = SignalEmitter::new(&connection, path) else { return };
    let interface = InterfaceName::from_static_str_unchecked(ctr_api::CONTAINER_INTERFACE);
    let mut sent = handle.status.borrow_and_update().clone();
    while handle.status.changed().await.is_ok() {
        let now = handle.status.borrow_and_update().clone();
        let changed = diff(&sent, &now);
        sent = now;
        if changed.is_empty() {
            continue;
        }
        let emitted = Properties::properties_changed(
            &emitter,
            interface.clone(),
            changed,
            std::borrow::Cow::Borrowed(&[]),
        );
        if let Err(error) = emitted.await {
            tracing::warn!(container = %id, "failed to tell of a change: {error}");
        }
    }
}
