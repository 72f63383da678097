//! What systemd said of units in full, and what shows that it would say the same again.
//!
//! A unit in full is some three hundred properties and a millisecond or two of systemd's time; a line
//! of its list is next to nothing. A unit that runs and does nothing else is as it was while
//!
//! * the list says that it runs, and that no job of it is queued;
//! * its main process is the same: number and time of start;
//! * nobody has set a property of it: for a transient unit each leaves a file in a directory of its
//!   own below `/run/systemd/transient` (`unit_drop_in_dir()` in systemd's src/core/unit.c);
//! * systemd has not read its files again (`UnitsLoadTimestampMonotonic`).
//!
//! There is no unit that the list does not name and that has no file where systemd takes units from
//! (`UnitPath`).
//!
//! All of that is looked at anew, every time: no signal has to have come.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::names::machine_of_unit;
use super::observe::{Active, Unit};
use super::systemd1::ListedUnit;
use crate::os::{Stamp, process_is_in, process_start};

/// Where systemd keeps transient units and what was set of them (systemd.unit(5)).
const TRANSIENT: &str = "/run/systemd/transient";

/// All units of ours at one moment.
#[derive(Debug)]
pub(super) struct Listing {
    rows: HashMap<String, Row>,
    /// The names with a file, whether systemd has read it or not; `None` where they are not known.
    files: Option<HashSet<String>>,
    /// When systemd last read its files again, in microseconds of its clock; 0 for never.
    files_read: u64,
}

/// What the list says of a unit that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    /// It runs, and nothing is queued.
    Runs,
    /// It has no file, and nothing is queued.
    NotFound,
    /// Anything else.
    Other,
}

impl Listing {
    /// From systemd's answers.
    pub(super) fn new(units: Vec<ListedUnit>, files_read: u64, unit_path: &[PathBuf]) -> Self {
        let row = |unit: ListedUnit| {
            let (name, _, load, active, sub, _, _, job, _, _) = unit;
            let row = match (load.as_str(), active.as_str(), sub.as_str(), job) {
                ("loaded", "active", "running", 0) => Row::Runs,
                ("not-found", "inactive", _, 0) => Row::NotFound,
                _ => Row::Other,
            };
            (name, row)
        };
        Self {
            rows: units.into_iter().map(row).collect(),
            files: files(unit_path).ok(),
            files_read,
        }
    }

    /// There is no such unit, for sure.
    fn is_absent(&self, unit: &str) -> bool {
        let unnamed = matches!(self.rows.get(unit), None | Some(Row::NotFound));
        let has_file = |files: &HashSet<String>| files.contains(unit);
        unnamed && self.files.as_ref().is_some_and(|files| !has_file(files))
    }
}

/// The names of our units with a file in these directories.
fn files(unit_path: &[PathBuf]) -> io::Result<HashSet<String>> {
    let mut names = HashSet::new();
    for directory in unit_path {
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name().into_string();
            names.extend(name.ok().filter(|name| machine_of_unit(name).is_some()));
        }
    }
    Ok(names)
}

/// What shows that a running unit is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Witness {
    /// The main process: its number, and when it was started.
    main: (u32, u64),
    set: Set,
    files_read: u64,
}

/// What was set of a transient unit while it runs: the directory that says so, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Set(Option<Stamp>);

impl Set {
    fn of(unit: &str) -> io::Result<Self> {
        let directory = Path::new(TRANSIENT).join(format!("{unit}.d"));
        Stamp::of(&directory).map(Self)
    }
}

/// What was looked at before a unit is read in full.
#[derive(Debug)]
pub(super) struct Before(Option<Set>);

impl Before {
    /// Looks at what must not change while a unit is read.
    pub(super) fn reading(unit: &str) -> Self {
        let settled = |set: &Set| set.0.is_none_or(|stamp| stamp.is_settled());
        Self(Set::of(unit).ok().filter(settled))
    }
}

/// What is known of units, by their names.
#[derive(Debug, Default)]
pub(super) struct Settled {
    known: Mutex<HashMap<String, (Witness, Unit)>>,
}

impl Settled {
    /// A unit that needs not be read: it does not exist, or is as it was when it was last read.
    pub(super) fn get(&self, unit: &str, listing: &Listing) -> Option<Unit> {
        if listing.is_absent(unit) {
            return Some(Unit::absent());
        }
        if listing.rows.get(unit) != Some(&Row::Runs) {
            return None;
        }
        let known = self.lock();
        let (witness, known) = known.get(unit)?;
        let (pid, start) = witness.main;
        let still = witness.files_read == listing.files_read
            && Set::of(unit).is_ok_and(|now| now == witness.set)
            && process_start(pid).is_ok_and(|now| now == Some(start));
        still.then(|| known.clone())
    }

    /// Keeps what was read in full, if it can be told later that it is still so.
    pub(super) fn keep(&self, name: &str, unit: &Unit, before: Before, listing: &Listing) {
        match witness(unit, before, listing) {
            Some(witness) => {
                let entry = (witness, unit.clone());
                self.lock().insert(name.to_owned(), entry);
            }
            None => self.forget(name),
        }
    }

    /// A unit that nobody asks for any more.
    pub(super) fn forget(&self, unit: &str) {
        self.lock().remove(unit);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Witness, Unit)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn witness(unit: &Unit, before: Before, listing: &Listing) -> Option<Witness> {
    if unit.active != Active::Active || unit.main_pid == 0 {
        return None;
    }
    let start = process_start(unit.main_pid).ok()??;
    // The number may be another process's by now: only those of the unit are in its cgroup.
    if !process_is_in(unit.main_pid, &unit.control_group).ok()? {
        return None;
    }
    Some(Witness {
        main: (unit.main_pid, start),
        set: before.0?,
        files_read: listing.files_read,
    })
}

#[cfg(test)]
mod tests {
    use super::{Before, Listing, Settled};
    use crate::machine::observe::{Active, Unit};
    use crate::machine::systemd1::ListedUnit;
    use std::path::PathBuf;

    const NAME: &str = "ctr-lab-a.service";

    fn row(load: &str, active: &str, sub: &str, job: u32) -> ListedUnit {
        let path = || zbus::ObjectPath::from_static_str_unchecked("/").into();
        let text = str::to_owned;
        let (name, none) = (text(NAME), String::new());
        let (load, active, sub) = (text(load), text(active), text(sub));
        (
            name,
            none.clone(),
            load,
            active,
            sub,
            none.clone(),
            path(),
            job,
            none,
            path(),
        )
    }

    fn listing(rows: Vec<ListedUnit>, files_read: u64) -> Listing {
        Listing::new(rows, files_read, &[])
    }

    fn runs() -> Vec<ListedUnit> {
        vec![row("loaded", "active", "running", 0)]
    }

    /// A unit whose main process is this one.
    fn unit() -> Unit {
        let lines = std::fs::read_to_string("/proc/self/cgroup").expect("read");
        let path = lines.lines().find_map(|line| line.splitn(3, ':').nth(2));
        Unit {
            active: Active::Active,
            loaded: true,
            main_pid: std::process::id(),
            control_group: path.expect("a cgroup").to_owned(),
            ..Unit::absent()
        }
    }

    fn known(unit: &Unit) -> Settled {
        let settled = Settled::default();
        settled.keep(NAME, unit, Before::reading(NAME), &listing(runs(), 7));
        settled
    }

    #[test]
    fn what_runs_on_is_as_it_was() {
        let settled = known(&unit());
        assert_eq!(settled.get(NAME, &listing(runs(), 7)), Some(unit()));
        assert_eq!(settled.get(NAME, &listing(runs(), 8)), None, "reloaded");
        for other in [
            row("loaded", "active", "running", 3),
            row("loaded", "deactivating", "stop-sigterm", 0),
            row("loaded", "failed", "failed", 0),
        ] {
            assert_eq!(settled.get(NAME, &listing(vec![other], 7)), None);
        }
        settled.forget(NAME);
        assert_eq!(settled.get(NAME, &listing(runs(), 7)), None);
    }

    #[test]
    fn what_could_change_unseen_is_not_kept() {
        let init = Unit {
            control_group: "/nowhere".to_owned(),
            ..unit()
        };
        let ended = Unit {
            main_pid: u32::MAX,
            ..unit()
        };
        let failed = Unit {
            active: Active::Failed,
            ..unit()
        };
        for other in [init, ended, failed] {
            assert_eq!(known(&other).get(NAME, &listing(runs(), 7)), None);
        }
    }

    #[test]
    fn a_main_process_that_ended_is_noticed_though_the_list_does_not_say_so() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("sleep");
        let settled = known(&Unit {
            main_pid: child.id(),
            ..unit()
        });
        assert!(settled.get(NAME, &listing(runs(), 7)).is_some());
        child.kill().expect("killed");
        child.wait().expect("waited");
        assert_eq!(settled.get(NAME, &listing(runs(), 7)), None);
    }

    #[test]
    fn what_is_neither_listed_nor_a_file_does_not_exist() {
        let settled = Settled::default();
        let absent = Some(Unit::absent());
        assert_eq!(settled.get(NAME, &listing(Vec::new(), 7)), absent);
        let not_found = || vec![row("not-found", "inactive", "dead", 0)];
        assert_eq!(settled.get(NAME, &listing(not_found(), 7)), absent);

        let directory = tempfile::tempdir().expect("a directory");
        let path = [directory.path().to_owned(), PathBuf::from("/nowhere")];
        std::fs::write(directory.path().join("ctr-lab-b.service"), "").expect("written");
        let listing = |rows| Listing::new(rows, 7, &path);
        assert_eq!(settled.get(NAME, &listing(Vec::new())), absent);
        std::fs::write(directory.path().join(NAME), "").expect("written");
        assert_eq!(
            settled.get(NAME, &listing(Vec::new())),
            None,
            "somebody's own"
        );
        // What cannot be looked at is not absent.
        let no_directory = [directory.path().join(NAME)];
        let unknown = Listing::new(Vec::new(), 7, &no_directory);
        assert_eq!(settled.get(NAME, &unknown), None);
    }
}
