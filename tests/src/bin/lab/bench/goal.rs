//! What was set out to be reached.

use serde::Serialize;

use crate::bench::figures::Unit;

/// A bound on the median of ours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Bound {
    /// At most so many times another's; of what is better the more there is of it, at least.
    Ratio { than: &'static str, times: f64 },
    /// At most so much.
    Value(f64),
}

/// A bound for one piece of work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) work: &'static str,
    pub(crate) bound: Bound,
}

const fn ratio(work: &'static str, than: &'static str, times: f64) -> Goal {
    let bound = Bound::Ratio { than, times };
    Goal { work, bound }
}

pub(crate) const BOOT: &str = "booted guest, start to ready";
pub(crate) const COMMAND: &str = "single-process guest, start to ready";
pub(crate) const START_TEN: &str = "ten booted guests, start-all to ready";
pub(crate) const STOP_TEN: &str = "ten booted guests, stop-all";
pub(crate) const STATUS_OF_50: &str = "status of 50";
pub(crate) const EXEC: &str = "exec true";
pub(crate) const ENTER: &str = "enter to first prompt";
pub(crate) const IDLE_100: &str = "idle with 100, resident (RSS)";
pub(crate) const PUBLISHED: &str = "throughput of a published port";

pub(crate) const MACHINECTL: &str = "machinectl start";
pub(crate) const MACHINECTL_SHELL: &str = "machinectl shell";
pub(crate) const MACHINECTL_LIST: &str = "machinectl list";
pub(crate) const MACHINECTL_LOOP: &str = "machinectl, one after another";
pub(crate) const RAW_NSPAWN: &str = "systemd-nspawn, network ready";
pub(crate) const PODMAN: &str = "podman, bridge";
pub(crate) const PODMAN_EXEC: &str = "podman exec";

/// What is to be reached.
const GOALS: [Goal; 10] = [
    ratio(BOOT, MACHINECTL, 0.20),
    ratio(COMMAND, PODMAN, 0.50),
    ratio(COMMAND, RAW_NSPAWN, 1.10),
    ratio(START_TEN, MACHINECTL_LOOP, 0.15),
    ratio(STOP_TEN, MACHINECTL_LOOP, 0.25),
    ratio(STATUS_OF_50, MACHINECTL_LIST, 0.08),
    ratio(EXEC, PODMAN_EXEC, 0.50),
    ratio(ENTER, MACHINECTL_SHELL, 0.50),
    ratio(PUBLISHED, PODMAN, 1.0),
    Goal {
        work: IDLE_100,
        bound: Bound::Value(8e6),
    },
];

impl Bound {
    /// What one row of a piece of work is to be held against: the row of the peer, or our own.
    pub(crate) fn of(work: &str, who: &str) -> Option<Self> {
        let of_work = GOALS.iter().filter(|goal| goal.work == work);
        of_work.map(|goal| goal.bound).find(|bound| match bound {
            Self::Ratio { than, .. } => *than == who,
            Self::Value(_) => who == crate::bench::OURS,
        })
    }

    /// Whether it holds, where ours is so many times the other's, or so much.
    pub(crate) fn holds(self, figure: f64, unit: Unit) -> bool {
        let (Self::Ratio { times: bound, .. } | Self::Value(bound)) = self;
        if unit.more_is_better() {
            figure >= bound
        } else {
            figure <= bound
        }
    }

    /// As it stands in a table.
    pub(crate) fn show(self, unit: Unit) -> String {
        let sign = if unit.more_is_better() { '≥' } else { '≤' };
        match self {
            Self::Ratio { times, .. } => format!("{sign} {times:.2}"),
            Self::Value(value) => format!("{sign} {}", unit.show(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_held_against_the_bound_that_names_it() {
        let found = Bound::of(COMMAND, RAW_NSPAWN).map(|it| it.show(Unit::Seconds));
        assert_eq!(found.as_deref(), Some("≤ 1.10"));
        assert_eq!(Bound::of(COMMAND, MACHINECTL), None);
        let found = Bound::of(IDLE_100, crate::bench::OURS).map(|it| it.show(Unit::Bytes));
        assert_eq!(found.as_deref(), Some("≤ 8.0 MB"));
    }

    #[test]
    fn of_throughput_more_is_better() {
        let bound = Bound::of(PUBLISHED, PODMAN).expect("a bound");
        assert!(bound.holds(1.2, Unit::BytesPerSecond));
        assert!(!bound.holds(0.9, Unit::BytesPerSecond));
        assert!(Bound::Value(8e6).holds(7e6, Unit::Bytes));
    }
}
