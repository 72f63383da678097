//! The zbus server: thin. A method converts, asks the fleet, maps the error; it decides nothing.
//!
//! Who may call it is decided before it runs: every object stands behind a [`guard`], which asks the
//! table in [`access`] what has to be allowed and [`authority`] whether it is, within [`bounds`].
//!
//! Status flows the other way: each container's `watch` is followed by one task ([`publish`]) that
//! emits `PropertiesChanged` for what differs from what was last emitted ([`diff`], pure).

mod access;
mod authority;
mod bounds;
mod container;
mod convert;
mod credentials;
mod diff;
mod gpus;
mod guard;
mod logs;
mod manager;
mod publish;
#[cfg(test)]
mod served_tests;
mod stream;

use std::sync::Arc;

use zbus::Connection;
use zbus::fdo::ObjectManager;

use crate::reconcile::fleet::Fleet;

pub use diff::diff;

use authority::Authority;
use guard::Guarded;
use logs::Logs;

/// Serves the manager and the containers, and takes the name.
///
/// The name comes last: whoever sees it finds everything there.
///
/// `questions` is another connection to the same bus, over which nothing is served: callers' rights are
/// asked for there.
pub async fn serve(
    connection: &Connection,
    questions: &Connection,
    fleet: Arc<Fleet>,
) -> zbus::Result<()> {
    let authority = Arc::new(Authority::over(questions).await?);
    let logs = Arc::new(Logs::new(fleet.clone(), authority.clone()));
    let manager = manager::Manager::new(fleet.clone(), logs.clone(), authority.clone());
    let manager = Guarded::new(manager, authority.clone(), None);
    let server = connection.object_server();
    server.at(ctr_api::MANAGER_PATH, manager).await?;
    server.at(ctr_api::MANAGER_PATH, ObjectManager).await?;
    let objects = publish::Objects::serve(connection.clone(), fleet, authority, logs).await;
    tokio::spawn(objects.follow());
    connection.request_name(ctr_api::BUS_NAME).await?;
    Ok(())
}
