//! Effects on systemd and machined: each one call.

use zbus::proxy::CacheProperties;
use zbus::{Connection, DBusError, Variant};

use crate::model::MachineName;

use super::names::unit_path;
use super::observe::{Registered, Unit};
use super::systemd1::{MachineManagerProxy, MachineProxy, ManagerProxy, UnitPropertiesProxy};
use super::unit::TransientUnit;

/// systemd or machined refused something.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what} {object}")]
pub struct SystemdError {
    /// What was tried.
    pub what: &'static str,
    /// On which unit or machine.
    pub object: String,
    /// Why not.
    #[source]
    pub source: zbus::Error,
}

impl SystemdError {
    fn new(what: &'static str, object: impl AsRef<str>) -> impl FnOnce(zbus::Error) -> Self {
        let object = object.as_ref().to_owned();
        move |source| Self {
            what,
            object,
            source,
        }
    }

    /// A unit of that name exists.
    pub fn is_name_taken(&self) -> bool {
        is(&self.source, "org.freedesktop.systemd1.UnitExists")
    }
}

/// systemd and machined, over one connection.
#[derive(Debug, Clone)]
pub struct Systemd {
    connection: Connection,
    manager: ManagerProxy<'static>,
    machines: MachineManagerProxy<'static>,
}

impl Systemd {
    /// Uses a connection to the system bus, and asks systemd for its signals.
    pub async fn new(connection: &Connection) -> Result<Self, SystemdError> {
        let error = SystemdError::new("reach", "systemd");
        let made = async {
            let manager = ManagerProxy::builder(connection)
                .cache_properties(CacheProperties::No)
                .build()
                .await?;
            let machines = MachineManagerProxy::builder(connection)
                .cache_properties(CacheProperties::No)
                .build()
                .await?;
            // Without it systemd sends no PropertiesChanged (org.freedesktop.systemd1(5)).
            manager.subscribe().await?;
            Ok(Self {
                connection: connection.clone(),
                manager,
                machines,
            })
        };
        made.await.map_err(error)
    }

    /// systemd's version as it writes it, `257.13-1~deb13u1`.
    pub async fn version(&self) -> Result<String, SystemdError> {
        self.manager
            .version()
            .await
            .map_err(SystemdError::new("read the version of", "systemd"))
    }

    /// A unit as it is; one that does not exist is [`Unit::absent`].
    pub async fn observe(&self, unit: &str) -> Result<Unit, SystemdError> {
        let read = async {
            let proxy = UnitPropertiesProxy::builder(&self.connection)
                .path(unit_path(unit))
                .cache_properties(CacheProperties::No)
                .build()
                .await?;
            // Named one by one and asked for at once: all the properties of a service are some
            // three hundred, and systemd reads a few of them from the kernel.
            let asked = PROPERTIES.map(|(interface, name)| {
                let proxy = &proxy;
                async move {
                    let value = proxy.get(interface, name).await?;
                    zbus::Result::Ok((name.to_owned(), value))
                }
            });
            let answers = futures_util::future::try_join_all(asked).await?;
            Ok(answers.into_iter().collect())
        };
        match read.await {
            Ok(properties) => Ok(Unit::read(&properties)),
            Err(error) if is(&error, "org.freedesktop.DBus.Error.UnknownObject") => {
                Ok(Unit::absent())
            }
            Err(error) => Err(SystemdError::new("read the state of", unit)(error)),
        }
    }

    /// A machine as machined knows it, if it does.
    pub async fn registered(
        &self,
        machine: &MachineName,
    ) -> Result<Option<Registered>, SystemdError> {
        let path = match self.machines.get_machine(machine.as_str()).await {
            Ok(path) => path,
            Err(error) if is(&error, NO_SUCH_MACHINE) => return Ok(None),
            Err(error) => return Err(SystemdError::new("look up the machine", machine)(error)),
        };
        let read = async {
            let proxy = MachineProxy::builder(&self.connection)
                .path(path)
                .cache_properties(CacheProperties::No)
                .build()
                .await?;
            Ok(Registered {
                leader: proxy.leader().await?,
                unit: proxy.unit().await?,
            })
        };
        match read.await {
            Ok(registered) => Ok(Some(registered)),
            // It went between the two calls.
            Err(error)
                if is(&error, "org.freedesktop.DBus.Error.UnknownObject")
                    || is(&error, NO_SUCH_MACHINE) =>
            {
                Ok(None)
            }
            Err(error) => Err(SystemdError::new("read the machine", machine)(error)),
        }
    }

    /// Queues the start of a transient unit; returns when the job is queued.
    pub async fn start(&self, unit: &TransientUnit) -> Result<(), SystemdError> {
        let properties: Vec<(&str, &Variant<'_>)> = unit
            .properties
            .iter()
            .map(|(name, value)| (*name, value))
            .collect();
        self.manager
            .start_transient_unit(&unit.name, "fail", &properties, &[])
            .await
            .map(drop)
            .map_err(SystemdError::new("start", &unit.name))
    }

    /// Queues the stop of a unit; returns when the job is queued.
    pub async fn stop(&self, unit: &str) -> Result<(), SystemdError> {
        match self.manager.stop_unit(unit, "replace").await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, NO_SUCH_UNIT) => Ok(()),
            Err(error) => Err(SystemdError::new("stop", unit)(error)),
        }
    }

    /// Kills every process of a unit.
    pub async fn kill(&self, unit: &str) -> Result<(), SystemdError> {
        match self
            .manager
            .kill_unit(unit, "all", nix::libc::SIGKILL)
            .await
        {
            Ok(()) => Ok(()),
            Err(error) if is(&error, NO_SUCH_UNIT) => Ok(()),
            Err(error) => Err(SystemdError::new("kill", unit)(error)),
        }
    }

    /// Forgets how a unit failed, and with that the unit.
    pub async fn reset_failed(&self, unit: &str) -> Result<(), SystemdError> {
        match self.manager.reset_failed_unit(unit).await {
            Ok(()) => Ok(()),
            Err(error) if is(&error, NO_SUCH_UNIT) => Ok(()),
            Err(error) => Err(SystemdError::new("reset", unit)(error)),
        }
    }

    /// Sets properties of a running unit, until it ends.
    pub async fn set_properties(
        &self,
        unit: &str,
        properties: &[(&'static str, Variant<'static>)],
    ) -> Result<(), SystemdError> {
        let properties: Vec<(&str, &Variant<'_>)> = properties
            .iter()
            .map(|(name, value)| (*name, value))
            .collect();
        self.manager
            .set_unit_properties(unit, true, &properties)
            .await
            .map_err(SystemdError::new("change the limits of", unit))
    }

    /// Takes a machine off machined's list; nothing of it is stopped.
    pub async fn unregister(&self, machine: &MachineName) -> Result<(), SystemdError> {
        match self.machines.unregister_machine(machine.as_str()).await {
            Ok(()) => Ok(()),
            Err(error) if is(&error, NO_SUCH_MACHINE) => Ok(()),
            Err(error) => Err(SystemdError::new("unregister the machine", machine)(error)),
        }
    }

    /// The names of all units of ours that systemd knows.
    pub async fn units(&self) -> Result<Vec<String>, SystemdError> {
        let units = self
            .manager
            .list_units_by_patterns(&[], &["ctr-*.service"])
            .await
            .map_err(SystemdError::new("list the units of", "systemd"))?;
        Ok(units.into_iter().map(|unit| unit.0).collect())
    }
}

const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE: &str = "org.freedesktop.systemd1.Service";

/// What [`Unit`] is made of.
const PROPERTIES: [(&str, &str); 15] = [
    (UNIT, "LoadState"),
    (UNIT, "ActiveState"),
    (UNIT, "Job"),
    (UNIT, "ActiveEnterTimestamp"),
    (SERVICE, "Environment"),
    (SERVICE, "MainPID"),
    (SERVICE, "ControlGroup"),
    (SERVICE, "Result"),
    (SERVICE, "ExecMainCode"),
    (SERVICE, "ExecMainStatus"),
    (SERVICE, "MemoryMax"),
    (SERVICE, "MemoryHigh"),
    (SERVICE, "CPUQuotaPerSecUSec"),
    (SERVICE, "CPUWeight"),
    (SERVICE, "TasksMax"),
];

const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";
const NO_SUCH_MACHINE: &str = "org.freedesktop.machine1.NoSuchMachine";

/// The error is the one of that name.
fn is(error: &zbus::Error, name: &str) -> bool {
    match error {
        zbus::Error::MethodError(found, _, _) => found.as_str() == name,
        // A property's error comes as one of the standard ones.
        zbus::Error::FDO(found) => found.name().as_str() == name,
        _ => false,
    }
}
