//! Effects on systemd and machined: each one call.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore};
use zbus::proxy::CacheProperties;
use zbus::{Connection, DBusError, OwnedVariant, Variant};

use crate::model::MachineName;
use crate::os::failpoint;

use super::names::{SLICES, unit_path};
use super::observe::{Registered, Unit};
use super::settled::{Before, Listing, Settled};
use super::systemd1::{MachineManagerProxy, MachineProxy, ManagerProxy, UnitPropertiesProxy};
use super::together::Together;
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
    /// dbus-daemon refuses a connection's 129th call that is not answered (`max_replies_per_connection`
    /// in its system.conf).
    turns: Arc<Semaphore>,
    all: Arc<All>,
}

/// What is asked of all units and machines at once, and what is known of each.
#[derive(Debug, Default)]
struct All {
    units: Together<Listing>,
    machines: Together<HashSet<String>>,
    settled: Settled,
    unit_path: OnceCell<Vec<PathBuf>>,
}

/// How many reads wait for their answer at once.
const TURNS: usize = 32;

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
            Ok(Self {
                connection: connection.clone(),
                manager,
                machines,
                turns: Arc::new(Semaphore::new(TURNS)),
                all: Arc::default(),
            })
        };
        let made = made.await.map_err(error)?;
        made.subscribe().await?;
        Ok(made)
    }

    /// systemd's version as it writes it, `257.13-1~deb13u1`.
    pub async fn version(&self) -> Result<String, SystemdError> {
        self.manager
            .version()
            .await
            .map_err(SystemdError::new("read the version of", "systemd"))
    }

    /// Asks systemd for its signals, which it sends to those who did: without it there is no
    /// `PropertiesChanged` (org.freedesktop.systemd1(5)). Asking twice does no harm.
    pub async fn subscribe(&self) -> Result<(), SystemdError> {
        match self.manager.subscribe().await {
            Ok(()) => Ok(()),
            Err(error) if is(&error, "org.freedesktop.systemd1.AlreadySubscribed") => Ok(()),
            Err(error) => Err(SystemdError::new("subscribe to", "systemd")(error)),
        }
    }

    /// The host is shutting down: powering off, rebooting, all of it or only what is above the kernel.
    /// systemd looks at its queue of jobs for this answer, so it is true before the first unit ends.
    pub async fn is_stopping(&self) -> Result<bool, SystemdError> {
        let mut patience = Patience::default();
        loop {
            return match self.manager.system_state().await {
                Ok(state) => Ok(state == "stopping"),
                Err(error) if patience.lasts(&error) => {
                    tokio::time::sleep(AWAY_PAUSE).await;
                    continue;
                }
                Err(error) => Err(SystemdError::new("read the state of", "systemd")(error)),
            };
        }
    }

    /// A unit as it is; one that does not exist is [`Unit::absent`].
    ///
    /// Where many ask at once, systemd is asked once for its list, and in full only for those that
    /// it does not show to be as they were.
    pub async fn observe(&self, unit: &str) -> Result<Unit, SystemdError> {
        let Some(listing) = self.all.units.ask(self.clone().listing()).await else {
            return self.read(unit).await;
        };
        if let Some(known) = self.all.settled.get(unit, &listing) {
            return Ok(known);
        }
        let before = Before::reading(unit);
        let read = self.read(unit).await?;
        self.all.settled.keep(unit, &read, before, &listing);
        Ok(read)
    }

    /// What is remembered of a unit that nobody asks for any more.
    pub fn forget(&self, unit: &str) {
        self.all.settled.forget(unit);
    }

    async fn listing(self) -> zbus::Result<Listing> {
        let path = self.all.unit_path.get_or_try_init(|| async {
            let path = self.manager.unit_path().await?;
            Ok::<_, zbus::Error>(path.into_iter().map(PathBuf::from).collect())
        });
        let path = path.await?;
        // If they are read again after this, what is read in full now is read once more next time.
        let files_read = self.manager.units_load_timestamp_monotonic().await?;
        let units = self.manager.list_units_by_patterns(&[], &[OURS]).await?;
        Ok(Listing::new(units, files_read, path))
    }

    async fn read(&self, unit: &str) -> Result<Unit, SystemdError> {
        let _turn = self.turns.acquire().await;
        let mut patience = Patience::default();
        loop {
            return match self.read_unit(unit).await {
                Ok(properties) => Ok(Unit::read(&properties)),
                Err(error) if is(&error, UNKNOWN_OBJECT) => Ok(Unit::absent()),
                Err(error) if patience.lasts(&error) => {
                    tokio::time::sleep(AWAY_PAUSE).await;
                    continue;
                }
                Err(error) => Err(SystemdError::new("read the state of", unit)(error)),
            };
        }
    }

    async fn read_unit(&self, unit: &str) -> zbus::Result<HashMap<String, OwnedVariant>> {
        let proxy = UnitPropertiesProxy::builder(&self.connection)
            .path(unit_path(unit))
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        // sd-bus answers an empty interface name with the properties of all of them. One answer
        // is one moment: asked for one by one, half could be the unit's before systemd forgot
        // it, and half of the empty one that took its place.
        proxy.get_all("").await
    }

    /// A machine as machined knows it, if it does.
    pub async fn registered(
        &self,
        machine: &MachineName,
    ) -> Result<Option<Registered>, SystemdError> {
        let machines = self.machines.clone();
        let names = async move {
            let machines = machines.list_machines().await?;
            Ok::<_, zbus::Error>(machines.into_iter().map(|machine| machine.0).collect())
        };
        let names = self.all.machines.ask(names).await;
        if names.is_some_and(|names| !names.contains(machine.as_str())) {
            return Ok(None);
        }
        let _turn = self.turns.acquire().await;
        let mut patience = Patience::default();
        loop {
            return match self.read_machine(machine).await {
                Ok(registered) => Ok(Some(registered)),
                // Not known, or gone between two calls.
                Err(error) if is(&error, UNKNOWN_OBJECT) || is(&error, NO_SUCH_MACHINE) => Ok(None),
                Err(error) if patience.lasts(&error) => {
                    tokio::time::sleep(AWAY_PAUSE).await;
                    continue;
                }
                Err(error) => Err(SystemdError::new("look up the machine", machine)(error)),
            };
        }
    }

    async fn read_machine(&self, machine: &MachineName) -> zbus::Result<Registered> {
        let path = self.machines.get_machine(machine.as_str()).await?;
        let proxy = MachineProxy::builder(&self.connection)
            .path(path)
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        Ok(Registered {
            leader: proxy.leader().await?,
            unit: proxy.unit().await?,
        })
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
            .map_err(SystemdError::new("start", &unit.name))?;
        failpoint("start queued");
        Ok(())
    }

    /// Queues the start of a unit of the host's own; returns when the job is queued.
    pub async fn start_existing(&self, unit: &str) -> Result<(), SystemdError> {
        let queued = self.manager.start_unit(unit, "fail").await;
        queued.map(drop).map_err(SystemdError::new("start", unit))
    }

    /// Queues the stop of a unit; returns when the job is queued.
    pub async fn stop(&self, unit: &str) -> Result<(), SystemdError> {
        let answer = self.manager.stop_unit(unit, "replace").await;
        failpoint("stop queued");
        match answer {
            Ok(_) => Ok(()),
            Err(error) if is(&error, NO_SUCH_UNIT) => Ok(()),
            Err(error) => Err(SystemdError::new("stop", unit)(error)),
        }
    }

    /// Kills every process of a unit.
    pub async fn kill(&self, unit: &str) -> Result<(), SystemdError> {
        let answer = self
            .manager
            .kill_unit(unit, "all", nix::libc::SIGKILL)
            .await;
        failpoint("unit killed");
        match answer {
            Ok(()) => Ok(()),
            Err(error) if is(&error, NO_SUCH_UNIT) => Ok(()),
            Err(error) => Err(SystemdError::new("kill", unit)(error)),
        }
    }

    /// Forgets how a unit failed, and with that the unit.
    pub async fn reset_failed(&self, unit: &str) -> Result<(), SystemdError> {
        let answer = self.manager.reset_failed_unit(unit).await;
        failpoint("failure reset");
        match answer {
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
        if properties.is_empty() {
            return Ok(());
        }
        self.manager
            .set_unit_properties(unit, true, &properties)
            .await
            .map_err(SystemdError::new("change the limits of", unit))?;
        failpoint("limits set");
        Ok(())
    }

    /// Takes a machine off machined's list; nothing of it is stopped.
    pub async fn unregister(&self, machine: &MachineName) -> Result<(), SystemdError> {
        let answer = self.machines.unregister_machine(machine.as_str()).await;
        failpoint("machine unregistered");
        match answer {
            Ok(()) => Ok(()),
            Err(error) if is(&error, NO_SUCH_MACHINE) => Ok(()),
            Err(error) => Err(SystemdError::new("unregister the machine", machine)(error)),
        }
    }

    /// The slices of groups that systemd knows.
    pub async fn slices(&self) -> Result<Vec<String>, SystemdError> {
        self.list(SLICES).await
    }

    /// The control group of a slice; empty where it has none.
    pub async fn control_group_of(&self, slice: &str) -> Result<String, SystemdError> {
        Ok(self.read(slice).await?.control_group)
    }

    /// The names of all units of ours that systemd knows.
    pub async fn units(&self) -> Result<Vec<String>, SystemdError> {
        self.list(OURS).await
    }

    async fn list(&self, pattern: &str) -> Result<Vec<String>, SystemdError> {
        let units = self
            .manager
            .list_units_by_patterns(&[], &[pattern])
            .await
            .map_err(SystemdError::new("list the units of", "systemd"))?;
        Ok(units.into_iter().map(|unit| unit.0).collect())
    }
}

/// The names of all units of ours.
const OURS: &str = "ctr-*.service";
/// How long whoever is asked may be away: systemd while it executes itself anew, machined while it is
/// restarted. What passes by itself is nobody's trouble.
const AWAY_TRIES: u32 = 20;
const AWAY_PAUSE: Duration = Duration::from_millis(100);

/// How often an answer was waited for that nobody gave.
#[derive(Debug, Default)]
struct Patience {
    tries: u32,
}

impl Patience {
    /// Whether to ask once more, after a pause.
    fn lasts(&mut self, error: &zbus::Error) -> bool {
        self.tries += 1;
        self.tries <= AWAY_TRIES && is_away(error)
    }
}

/// Nobody has the name, or who had it went without an answer.
fn is_away(error: &zbus::Error) -> bool {
    [
        "org.freedesktop.DBus.Error.NameHasNoOwner",
        "org.freedesktop.DBus.Error.ServiceUnknown",
        "org.freedesktop.DBus.Error.NoReply",
    ]
    .iter()
    .any(|name| is(error, name))
}

const UNKNOWN_OBJECT: &str = "org.freedesktop.DBus.Error.UnknownObject";
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
