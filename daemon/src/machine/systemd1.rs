//! The part of systemd's interface that ctrd calls.

use std::collections::HashMap;

use zbus::{OwnedObjectPath, OwnedVariant, Variant, proxy};

/// `org.freedesktop.systemd1.Manager`, see org.freedesktop.systemd1(5).
#[proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
pub(crate) trait Manager {
    fn start_transient_unit(
        &self,
        name: &str,
        mode: &str,
        properties: &[(&str, &Variant<'_>)],
        aux: &[(&str, &[(&str, &Variant<'_>)])],
    ) -> zbus::Result<OwnedObjectPath>;
    fn start_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn stop_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn kill_unit(&self, name: &str, whom: &str, signal: i32) -> zbus::Result<()>;
    fn reset_failed_unit(&self, name: &str) -> zbus::Result<()>;
    fn set_unit_properties(
        &self,
        name: &str,
        runtime: bool,
        properties: &[(&str, &Variant<'_>)],
    ) -> zbus::Result<()>;
    fn list_units_by_patterns(
        &self,
        states: &[&str],
        patterns: &[&str],
    ) -> zbus::Result<Vec<ListedUnit>>;
    fn subscribe(&self) -> zbus::Result<()>;
    #[zbus(property)]
    fn version(&self) -> zbus::Result<String>;
    /// The directories that units are taken from.
    #[zbus(property(emits_changed_signal = "const"))]
    fn unit_path(&self) -> zbus::Result<Vec<String>>;
    /// When the files of units were last read again (`daemon-reload`), in microseconds.
    #[zbus(property(emits_changed_signal = "false"))]
    fn units_load_timestamp_monotonic(&self) -> zbus::Result<u64>;
    #[zbus(property)]
    fn system_state(&self) -> zbus::Result<String>;
}

/// One row of `ListUnitsByPatterns`: name, description, load, active and sub state, followed unit,
/// path, job id, job type, job path.
pub(crate) type ListedUnit = (
    String,
    String,
    String,
    String,
    String,
    String,
    OwnedObjectPath,
    u32,
    String,
    OwnedObjectPath,
);

/// `org.freedesktop.DBus.Properties` of a unit, without the cache that a typed proxy keeps.
#[proxy(
    interface = "org.freedesktop.DBus.Properties",
    default_service = "org.freedesktop.systemd1"
)]
pub(crate) trait UnitProperties {
    fn get_all(&self, interface: &str) -> zbus::Result<HashMap<String, OwnedVariant>>;
}

/// `org.freedesktop.machine1.Manager`, see org.freedesktop.machine1(5).
#[proxy(
    interface = "org.freedesktop.machine1.Manager",
    default_service = "org.freedesktop.machine1",
    default_path = "/org/freedesktop/machine1"
)]
pub(crate) trait MachineManager {
    fn get_machine(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    /// Name, class, service and path of each.
    fn list_machines(&self) -> zbus::Result<Vec<(String, String, String, OwnedObjectPath)>>;
    fn unregister_machine(&self, name: &str) -> zbus::Result<()>;
}

/// A machine's properties.
#[proxy(
    interface = "org.freedesktop.machine1.Machine",
    default_service = "org.freedesktop.machine1"
)]
pub(crate) trait Machine {
    #[zbus(property(emits_changed_signal = "false"))]
    fn leader(&self) -> zbus::Result<u32>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn unit(&self) -> zbus::Result<String>;
}
