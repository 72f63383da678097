//! What systemd says of a machine's unit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::PathBuf;

use zbus::{OwnedVariant, Variant};

use super::declared::Declared;
use super::drop_ins::{LIMITS, overridden};

/// The `ActiveState` of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Active {
    /// No unit of that name, or one that does not run.
    Inactive,
    /// On its way to ready.
    Activating,
    /// Ready.
    Active,
    /// On its way down.
    Deactivating,
    /// It ended badly, and how is readable until it is reset.
    Failed,
}

/// How a unit's last run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Its init asked for a reboot: systemd-nspawn(1) exits with 133.
    Reboot,
    /// It exited with a status.
    Status(i32),
    /// It exited with a status, and had used all its memory before.
    ///
    /// The kernel does not tell more: the unit goes on when it kills a process for memory
    /// (`OOMPolicy=continue`, since a guest is more than its first process), and what is then left of
    /// the end is nspawn's status, which is 255 for any signal.
    MemoryUsedUp(i32),
    /// A signal ended it.
    Signal(i32),
    /// The kernel killed it for memory.
    OutOfMemory,
    /// It was not ready in its start time.
    StartTimeout,
    /// It was stopped because it was unhealthy.
    Unhealthy,
    /// It was asked to stop, did not in the time that it has for that, and was killed.
    StopTimeout,
    /// It did not say in time that it is alive, where its unit was made to want that.
    Watchdog,
    /// It ended without having been ready.
    NeverReady,
    /// It could not be started for want of something that systemd has to have for it.
    Resources,
    /// Something else, in systemd's word (`Result`).
    Other(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reboot => f.write_str("its init asked for a reboot"),
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::MemoryUsedUp(status) => {
                write!(f, "exit status {status}, its memory used up")
            }
            Self::Signal(signal) => match nix::sys::signal::Signal::try_from(*signal) {
                Ok(name) => write!(f, "killed by {name}"),
                Err(_) => write!(f, "killed by signal {signal}"),
            },
            Self::OutOfMemory => f.write_str("killed for memory"),
            Self::StartTimeout => f.write_str("not ready within its start time"),
            Self::Unhealthy => f.write_str("unhealthy"),
            Self::StopTimeout => f.write_str("killed, because it did not end in time"),
            Self::Watchdog => f.write_str("killed by systemd's watchdog"),
            Self::NeverReady => f.write_str("ended before it was ready"),
            Self::Resources => f.write_str("systemd could not start it for want of resources"),
            Self::Other(word) => write!(f, "systemd says `{word}`"),
        }
    }
}

/// A machine's unit as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// What it does.
    pub active: Active,
    /// How its last run ended, where it failed.
    pub ended: Option<Ended>,
    /// nspawn's process id, or 0.
    pub main_pid: u32,
    /// What it was declared as; `None` for a unit that is not ours.
    pub declared: Option<Declared>,
    /// It exists, whoever made it.
    pub loaded: bool,
    /// Its cgroup, below the cgroup2 mount.
    pub control_group: String,
    /// When it last began to start, in microseconds since the epoch; 0 for never.
    pub started_usec: u64,
    /// When it became ready, in microseconds since the epoch; 0 for never.
    pub active_since_usec: u64,
    /// When its last run ended, in microseconds since the epoch; 0 for never.
    pub inactive_since_usec: u64,
    /// The devices that it lets its guest open, and how: `("/dev/char/195:0", "rw")`.
    pub devices: BTreeSet<(String, String)>,
    /// Its properties that can be set while it runs, its limits: `u64::MAX` for no bound.
    pub settable: HashMap<&'static str, u64>,
    /// Those of them that a drop-in of an administrator sets, and which.
    pub overridden: BTreeMap<&'static str, PathBuf>,
}

impl Unit {
    /// A unit that does not exist.
    pub fn absent() -> Self {
        Self {
            active: Active::Inactive,
            ended: None,
            main_pid: 0,
            declared: None,
            loaded: false,
            control_group: String::new(),
            started_usec: 0,
            active_since_usec: 0,
            inactive_since_usec: 0,
            devices: BTreeSet::new(),
            settable: HashMap::new(),
            overridden: BTreeMap::new(),
        }
    }

    /// When its last run ended, in milliseconds since the epoch, where systemd still knows: a unit that
    /// ended cleanly is forgotten.
    pub fn ended_ms(&self) -> Option<u64> {
        (self.inactive_since_usec != 0).then_some(self.inactive_since_usec / 1000)
    }

    /// It exists and ctrd did not make it.
    pub fn is_foreign(&self) -> bool {
        self.loaded && self.declared.is_none()
    }

    /// Reads the properties of a unit and its service, by their names.
    pub(super) fn read(properties: &HashMap<String, OwnedVariant>) -> Self {
        let text = |name: &str| match properties.get(name).map(|value| &**value) {
            Some(Variant::Str(text)) => text.as_str().to_owned(),
            _ => String::new(),
        };
        let number = |name: &str| match properties.get(name).map(|value| &**value) {
            Some(Variant::U64(it)) => Some(*it),
            Some(Variant::U32(it)) => Some(u64::from(*it)),
            Some(Variant::I32(it)) => u64::try_from(*it).ok(),
            _ => None,
        };
        let texts = |name: &str| match properties.get(name).map(|value| &**value) {
            Some(Variant::Array(items)) => items
                .iter()
                .filter_map(|item| match item {
                    Variant::Str(text) => Some(text.as_str().to_owned()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        let environment: Vec<String> = texts("Environment");
        let drop_ins: Vec<String> = texts("DropInPaths");
        let drop_ins: Vec<&str> = drop_ins.iter().map(String::as_str).collect();
        let active = match text("ActiveState").as_str() {
            "active" | "reloading" | "refreshing" => Active::Active,
            "activating" | "maintenance" => Active::Activating,
            "deactivating" => Active::Deactivating,
            "failed" => Active::Failed,
            _ => Active::Inactive,
        };
        // A queued job has not changed the state yet: what it leads to is on its way.
        let job = match properties.get("Job").map(|value| &**value) {
            Some(Variant::Structure(job)) => {
                !matches!(job.fields().first(), None | Some(Variant::U32(0)))
            }
            _ => false,
        };
        let active = match active {
            Active::Active if job => Active::Deactivating,
            Active::Inactive | Active::Failed if job => Active::Activating,
            settled => settled,
        };
        let ended = (active == Active::Failed).then(|| {
            ended(
                &text("Result"),
                number("ExecMainCode").unwrap_or_default(),
                i32::try_from(number("ExecMainStatus").unwrap_or_default()).unwrap_or(-1),
                number("ActiveEnterTimestamp").unwrap_or_default() == 0,
            )
        });
        let ended = match (ended, number("MemoryPeak"), number("MemoryMax")) {
            (Some(Ended::Status(status)), Some(peak), Some(max)) if used_up(peak, max) => {
                Some(Ended::MemoryUsedUp(status))
            }
            (ended, _, _) => ended,
        };
        let settable = LIMITS
            .iter()
            .filter_map(|it| Some((it.property, number(it.property)?)))
            .collect();
        Self {
            active,
            ended,
            main_pid: u32::try_from(number("MainPID").unwrap_or_default()).unwrap_or_default(),
            declared: Declared::from_environment(&environment),
            loaded: text("LoadState") == "loaded",
            control_group: text("ControlGroup"),
            started_usec: number("InactiveExitTimestamp").unwrap_or_default(),
            active_since_usec: number("ActiveEnterTimestamp").unwrap_or_default(),
            inactive_since_usec: number("InactiveEnterTimestamp").unwrap_or_default(),
            devices: devices(properties.get("DeviceAllow")),
            settable,
            overridden: overridden(&drop_ins),
        }
    }
}

/// The entries of a list of pairs of texts.
fn devices(property: Option<&OwnedVariant>) -> BTreeSet<(String, String)> {
    let Some(Variant::Array(entries)) = property.map(|value| &**value) else {
        return BTreeSet::new();
    };
    let pair = |entry: &Variant<'_>| match entry {
        Variant::Structure(pair) => match pair.fields() {
            [Variant::Str(node), Variant::Str(mode)] => {
                Some((node.as_str().to_owned(), mode.as_str().to_owned()))
            }
            _ => None,
        },
        _ => None,
    };
    entries.iter().filter_map(pair).collect()
}

/// `CLD_EXITED` of waitid(2); the other codes are ends by a signal.
const EXITED: u64 = 1;
/// systemd-nspawn(1): the guest's init asked for a reboot.
const NSPAWN_REBOOT: i32 = 133;

/// What a unit's `Result` and its main process's end say (systemd.exec(5), `$SERVICE_RESULT`).
fn ended(result: &str, code: u64, status: i32, never_ready: bool) -> Ended {
    match result {
        "timeout" if never_ready => Ended::StartTimeout,
        "timeout" => Ended::StopTimeout,
        "oom-kill" => Ended::OutOfMemory,
        "watchdog" => Ended::Watchdog,
        "protocol" => Ended::NeverReady,
        "resources" => Ended::Resources,
        "exit-code" if status == NSPAWN_REBOOT => Ended::Reboot,
        "exit-code" if code == EXITED => Ended::Status(status),
        "signal" | "core-dump" => Ended::Signal(status),
        other => Ended::Other(other.to_owned()),
    }
}

/// Whether the most memory that a unit had at once (`MemoryPeak`; `u64::MAX` where it is not known)
/// leaves no room below its bound. The kernel counts a few pages at a time, a kernel stack for one:
/// a charge that found no room left may have missed the bound by as much.
fn used_up(peak: u64, max: u64) -> bool {
    const ONE_CHARGE: u64 = 64 << 10;
    max != u64::MAX && peak != u64::MAX && peak >= max.saturating_sub(ONE_CHARGE)
}

/// A machine as machined knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The guest's first process, on the host.
    pub leader: u32,
    /// The unit it belongs to.
    pub unit: String,
}

#[cfg(test)]
mod tests {
    use super::{Active, Unit, ended};
    use std::collections::HashMap;
    use zbus::{OwnedVariant, Variant};

    fn owned(value: Variant<'static>) -> OwnedVariant {
        OwnedVariant::try_from(value).expect("no file descriptor in it")
    }

    #[test]
    fn a_unit_of_somebody_else_has_no_declaration() {
        let properties = HashMap::from([
            ("ActiveState".to_owned(), owned(Variant::from("active"))),
            ("LoadState".to_owned(), owned(Variant::from("loaded"))),
            (
                "Environment".to_owned(),
                owned(Variant::from(vec!["A=b".to_owned()])),
            ),
        ]);
        let unit = Unit::read(&properties);
        assert_eq!(unit.active, Active::Active);
        assert!(unit.loaded);
        assert_eq!(unit.declared, None);
    }

    #[test]
    fn an_end_with_no_memory_left_says_so() {
        let ended = |peak: u64, max: u64| {
            let properties = [
                ("ActiveState", Variant::from("failed")),
                ("Result", Variant::from("exit-code")),
                ("ExecMainCode", Variant::from(1_i32)),
                ("ExecMainStatus", Variant::from(255_i32)),
                ("ActiveEnterTimestamp", Variant::from(1_u64)),
                ("MemoryPeak", Variant::from(peak)),
                ("MemoryMax", Variant::from(max)),
            ];
            let properties = properties.map(|(name, value)| (name.to_owned(), owned(value)));
            Unit::read(&HashMap::from(properties))
                .ended
                .map(|it| it.to_string())
        };
        let used_up = Some("exit status 255, its memory used up".to_owned());
        let plain = Some("exit status 255".to_owned());
        assert_eq!(ended(96 << 20, 96 << 20), used_up);
        assert_eq!(ended(95 << 20, 96 << 20), plain);
        // No bound, and a kernel that does not tell.
        assert_eq!(ended(96 << 20, u64::MAX), plain);
        assert_eq!(ended(u64::MAX, 96 << 20), plain);
    }

    #[test]
    fn every_end_has_its_own_words() {
        let table = [
            ("exit-code", 1, 133, false, "its init asked for a reboot"),
            ("exit-code", 1, 3, false, "exit status 3"),
            ("signal", 2, 9, false, "killed by SIGKILL"),
            ("signal", 2, 99, false, "killed by signal 99"),
            ("core-dump", 3, 11, false, "killed by SIGSEGV"),
            ("timeout", 2, 9, true, "not ready within its start time"),
            (
                "timeout",
                2,
                9,
                false,
                "killed, because it did not end in time",
            ),
            ("oom-kill", 2, 9, false, "killed for memory"),
            ("watchdog", 2, 6, false, "killed by systemd's watchdog"),
            ("protocol", 1, 0, true, "ended before it was ready"),
            (
                "resources",
                0,
                0,
                true,
                "systemd could not start it for want of resources",
            ),
            (
                "start-limit-hit",
                0,
                0,
                true,
                "systemd says `start-limit-hit`",
            ),
            (
                "exec-condition",
                0,
                0,
                true,
                "systemd says `exec-condition`",
            ),
        ];
        for (result, code, status, never_ready, words) in table {
            let ended = ended(result, code, status, never_ready);
            assert_eq!(ended.to_string(), words, "{result}");
        }
    }
}
