//! The one connection to the system bus.

use std::future::Future;
use std::time::Duration;

use ctr_api::wire::HostStatus;
use ctr_api::{ContainerProxy, ManagerProxy, container_path, from_dict};
use zbus::Connection;
use zbus::proxy::CacheProperties;

use crate::authorise::Asker;
use crate::error::Error;

/// A daemon that takes longer to say what it knows hangs: every answer comes out of its memory.
const PATIENCE: Duration = Duration::from_secs(10);

/// `ctrd`, as far as we can see it.
#[derive(Debug, Clone)]
pub(crate) struct Daemon {
    connection: Connection,
    manager: ManagerProxy<'static>,
    asker: Asker,
}

impl Daemon {
    /// Connects to the bus. Whether `ctrd` is there shows at the first call.
    pub(crate) async fn connect() -> Result<Self, Error> {
        let connection = within(PATIENCE, Connection::system()).await??;
        // A cached property costs a match rule and a call; nothing here reads properties.
        let manager = ManagerProxy::builder(&connection)
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        Ok(Self {
            connection,
            manager,
            asker: Asker::default(),
        })
    }

    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) const fn manager(&self) -> &ManagerProxy<'static> {
        &self.manager
    }

    /// For calls that may need a password.
    pub(crate) const fn asker(&self) -> &Asker {
        &self.asker
    }

    /// Everything that `ctrd` knows.
    pub(crate) async fn status(&self) -> Result<HostStatus, Error> {
        let dict = within(PATIENCE, self.manager.status()).await??;
        Ok(from_dict(&dict)?)
    }

    /// One container's object.
    pub(crate) async fn container(
        &self,
        group: &str,
        name: &str,
    ) -> Result<ContainerProxy<'static>, Error> {
        Ok(ContainerProxy::builder(&self.connection)
            .path(container_path(group, name))
            .cache_properties(CacheProperties::No)
            .build()
            .await?)
    }
}

async fn within<T>(limit: Duration, answer: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout(limit, answer)
        .await
        .map_err(|_| Error::unreachable(format!("no answer within {} s", limit.as_secs())))
}
