//! The zbus server: thin. A method converts, asks the fleet, maps the error; it decides nothing.
//!
//! Status flows the other way: each container's `watch` is followed by one task ([`publish`]) that
//! emits `PropertiesChanged` for what differs from what was last emitted ([`diff`], pure).

mod access;
mod container;
mod convert;
mod diff;
mod manager;
mod publish;

use std::sync::Arc;

use zbus::Connection;
use zbus::fdo::ObjectManager;

use crate::reconcile::fleet::Fleet;

/// Serves the manager and the containers, and takes the name.
///
/// The name comes last: whoever sees it finds everything there.
pub async fn serve(connection: &Connection, fleet: Arc<Fleet>) -> zbus::Result<()> {
    let server = connection.object_server();
    server
        .at(ctr_api::MANAGER_PATH, manager::Manager::new(fleet.clone()))
        .await?;
    server.at(ctr_api::MANAGER_PATH, ObjectManager).await?;
    let objects = publish::Objects::serve(connection.clone(), fleet).await;
    tokio::spawn(objects.follow());
    connection.request_name(ctr_api::BUS_NAME).await?;
    Ok(())
}
