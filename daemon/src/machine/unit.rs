//! The transient unit that runs a machine: pure.

use std::collections::BTreeSet;

use zbus::Variant;

use crate::gpu::Node;
use crate::model::{Container, Limits};
use crate::os::Paths;

use super::command_line::{Facts, command_line};
use super::confinement;
use super::declared::{Declared, VARIABLE};
use super::names::{slice_name, unit_name};
use super::observe::Unit;

/// A unit for `StartTransientUnit`: its name and its properties, typed as
/// org.freedesktop.systemd1(5) has them.
#[derive(Debug, Clone, PartialEq)]
pub struct TransientUnit {
    /// Its name.
    pub name: String,
    /// Its properties.
    pub properties: Vec<(&'static str, Variant<'static>)>,
}

/// How long a guest has to stop after it was asked, in microseconds.
const STOP_TIMEOUT_USEC: u64 = 30_000_000;

/// The unit of a container. `default_tasks` is its bound on tasks where none is declared.
pub fn transient_unit(
    container: &Container,
    declared: &Declared,
    facts: &Facts<'_>,
    default_tasks: u64,
) -> TransientUnit {
    let paths: &Paths = facts.paths;
    let nspawn = paths.nspawn.display().to_string();
    let mut argv = vec!["systemd-nspawn".to_owned()];
    argv.extend(command_line(container, facts));
    let description = if container.description.is_empty() {
        format!("ctr container {}", container.id)
    } else {
        format!("ctr container {}: {}", container.id, container.description)
    };
    let start_usec = u64::try_from(container.start_timeout.as_micros()).unwrap_or(u64::MAX);
    let netns = paths
        .machine_netns(&container.machine)
        .display()
        .to_string();
    let text = |value: &str| Variant::from(value.to_owned());
    let mut properties = vec![
        ("Description", Variant::from(description)),
        ("Type", text("notify")),
        ("NotifyAccess", text("main")),
        ("ExecStart", Variant::from(vec![(nspawn, argv, false)])),
        ("Slice", Variant::from(slice_name(&container.id.group))),
        ("KillMode", text("mixed")),
        ("Delegate", Variant::from(true)),
        // nspawn wants its own processes below the unit's cgroup, apart from the payload's.
        ("DelegateSubgroup", text("supervisor")),
        ("NetworkNamespacePath", Variant::from(netns)),
        // ctrd is the only restarter (decision 0004).
        ("Restart", text("no")),
        // A failure stays readable until it is reset; a clean end is collected.
        ("CollectMode", text("inactive")),
        ("TimeoutStartUSec", Variant::from(start_usec)),
        // A guest that is not ready in time is not asked to stop: it might not hear it.
        ("TimeoutStartFailureMode", text("kill")),
        ("TimeoutStopUSec", Variant::from(STOP_TIMEOUT_USEC)),
        ("OOMPolicy", text("continue")),
        (
            "SyslogIdentifier",
            Variant::from(container.machine.to_string()),
        ),
        (
            "Environment",
            Variant::from(vec![format!("{VARIABLE}={declared}")]),
        ),
    ];
    properties.extend(confinement::properties(&facts.delivery.nodes));
    properties.extend(limit_properties(&container.limits, default_tasks));
    TransientUnit {
        name: unit_name(&container.machine),
        properties,
    }
}

/// The properties that carry limits, all of them: what is not declared is set back to no bound, so
/// that the same list serves a running unit (`SetUnitProperties`).
fn limit_properties(limits: &Limits, default_tasks: u64) -> Vec<(&'static str, Variant<'static>)> {
    // The fields are unbounded at u64::MAX (org.freedesktop.systemd1(5)).
    let Limits {
        memory_max,
        memory_high,
        milli_cpus,
        cpu_weight,
        tasks_max,
    } = limits;
    let bound = |value: &Option<u64>| Variant::from(value.unwrap_or(u64::MAX));
    vec![
        ("MemoryMax", bound(memory_max)),
        ("MemoryHigh", bound(memory_high)),
        (
            "CPUQuotaPerSecUSec",
            bound(&milli_cpus.map(|milli| milli.saturating_mul(1000))),
        ),
        ("CPUWeight", bound(cpu_weight)),
        (
            "TasksMax",
            Variant::from(tasks_max.unwrap_or(default_tasks)),
        ),
    ]
}

/// The properties of a running unit that have to be set for it to have its limits: those that differ,
/// and that no administrator's drop-in sets.
pub fn limits_to_set(
    limits: &Limits,
    default_tasks: u64,
    unit: &Unit,
) -> Vec<(&'static str, Variant<'static>)> {
    let mut properties = limit_properties(limits, default_tasks);
    properties.retain(|(name, value)| {
        let differs = unit.settable.get(name).is_some_and(|now| {
            let declared = u64::try_from(value).ok();
            Some(*now) != declared
        });
        differs && !unit.overridden.contains_key(name)
    });
    properties
}

/// The property of a running unit that has to be set for it to let its guest open exactly these nodes
/// besides what every guest has; none where it does.
///
/// What an administrator's drop-in allows besides stays: ctrd's own entries are those by number.
pub fn devices_to_set(nodes: &[Node], unit: &Unit) -> Vec<(&'static str, Variant<'static>)> {
    let wanted: BTreeSet<(String, String)> = confinement::devices(nodes).collect();
    let is_theirs = |entry: &&(String, String)| !entry.0.starts_with(confinement::BY_NUMBER);
    let theirs = unit.devices.iter().filter(is_theirs).cloned();
    let whole: BTreeSet<(String, String)> = wanted.into_iter().chain(theirs).collect();
    if whole == unit.devices {
        return Vec::new();
    }
    // An empty list first takes away what was there (systemd.resource-control(5), `DeviceAllow=`).
    let none: Vec<(String, String)> = Vec::new();
    let whole: Vec<(String, String)> = whole.into_iter().collect();
    vec![
        ("DeviceAllow", Variant::from(none)),
        ("DeviceAllow", Variant::from(whole)),
    ]
}

/// What systemd-nspawn@.service sets: a guest is a host of its own.
const NSPAWN_TASKS_MAX: u64 = 16_384;

/// A guest's bound on tasks where none is declared, on a host that can have `most` of them. On a host
/// with less than 8 GiB what nspawn's own unit sets would be most of them, or all: there a guest that
/// forks without end would leave the host unable to start a process.
pub fn default_tasks_max(most: Option<u64>) -> u64 {
    most.map_or(NSPAWN_TASKS_MAX, |most| NSPAWN_TASKS_MAX.min(most / 4))
}

#[cfg(test)]
mod tests {
    use super::{default_tasks_max, limits_to_set, transient_unit};
    use crate::gpu::Delivery;
    use crate::machine::command_line::Facts;
    use crate::machine::declared::Declared;
    use crate::machine::observe::Unit;
    use crate::machine::test_container;
    use crate::model::Limits;
    use crate::os::Paths;
    use zbus::Variant;

    #[test]
    fn the_unit_never_restarts_by_itself_and_joins_its_namespace() {
        let container = test_container("hello");
        let paths = Paths::default();
        let facts = Facts {
            paths: &paths,
            uid_base: None,
            journal: false,
            store_idmap: true,
            delivery: &Delivery::default(),
        };
        let unit = transient_unit(&container, &Declared::default(), &facts, 4096);
        assert_eq!(unit.name, "ctr-lab-hello.service");
        let get = |name: &str| {
            unit.properties
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.clone())
        };
        assert_eq!(get("Restart"), Some(Variant::from("no")));
        assert_eq!(
            get("NetworkNamespacePath"),
            Some(Variant::from("/run/netns/ctr-lab-hello"))
        );
        assert_eq!(get("MemoryMax"), Some(Variant::from(u64::MAX)));
        assert_eq!(get("TasksMax"), Some(Variant::from(4096_u64)));
    }

    #[test]
    fn one_guest_cannot_have_most_of_the_hosts_tasks() {
        assert_eq!(default_tasks_max(None), 16_384);
        assert_eq!(default_tasks_max(Some(250_000)), 16_384);
        assert_eq!(default_tasks_max(Some(15_650)), 3912);
    }

    #[test]
    fn what_an_administrator_set_is_not_set_again() {
        let limits = Limits {
            memory_max: Some(1 << 30),
            ..test_container("hello").limits
        };
        let names = |unit: &Unit| -> Vec<&str> {
            let set = limits_to_set(&limits, 4096, unit);
            set.into_iter().map(|(name, _)| name).collect()
        };
        let mut unit = Unit::absent();
        unit.settable = [
            ("MemoryMax", 2 << 30),
            ("TasksMax", 77),
            ("CPUWeight", u64::MAX),
        ]
        .into();
        assert_eq!(names(&unit), ["MemoryMax", "TasksMax"]);
        let theirs = "/etc/systemd/system/x.service.d/override.conf".into();
        unit.overridden.insert("TasksMax", theirs);
        assert_eq!(names(&unit), ["MemoryMax"]);
        unit.settable.insert("MemoryMax", 1 << 30);
        assert!(names(&unit).is_empty());
    }
}
