//! Limits that an administrator sets for a unit of ours, in a drop-in (systemd.unit(5)).
//!
//! systemd reads the drop-ins of a transient unit as those of any other, after what it was started
//! with: one in `/etc/systemd/system/ctr-ml-ollama.service.d/` sets what the declaration says
//! otherwise. That is the administrator's word, and `ctrd` does not fight over it: such a limit is
//! neither compared nor set, and the status names the file.
//!
//! What is set of a running unit (`systemctl set-property`) is something else. For a transient unit
//! systemd keeps it below `/run/systemd/transient`, whoever asked for it (`unit_drop_in_dir()` in
//! systemd's src/core/unit.c): it cannot be told from our own, and is put back.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Where systemd keeps transient units and what was set of them while they run (systemd.unit(5)).
const TRANSIENT: &str = "/run/systemd/transient";
/// More than this is not read of a drop-in: a limit is a line.
const LONGEST: u64 = 1 << 20;

/// A limit of ours: its property on the bus (org.freedesktop.systemd1(5)), its word in a unit file
/// (systemd.resource-control(5)), and its key in the declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitName {
    /// `CPUQuotaPerSecUSec`
    pub property: &'static str,
    /// `CPUQuota`
    pub directive: &'static str,
    /// `cpus`
    pub key: &'static str,
}

/// Every limit that ctrd sets.
pub const LIMITS: [LimitName; 5] = [
    name("MemoryMax", "MemoryMax", "memory-max"),
    name("MemoryHigh", "MemoryHigh", "memory-high"),
    name("CPUQuotaPerSecUSec", "CPUQuota", "cpus"),
    name("CPUWeight", "CPUWeight", "cpu-weight"),
    name("TasksMax", "TasksMax", "tasks-max"),
];

const fn name(property: &'static str, directive: &'static str, key: &'static str) -> LimitName {
    LimitName {
        property,
        directive,
        key,
    }
}

/// Which limits drop-ins set, by property, and which file each: of these (`DropInPaths` of a unit,
/// in the order in which systemd reads them) those that are not ours.
///
/// A file that is gone sets nothing any more. One that cannot be read may set any of them.
pub(super) fn overridden(drop_ins: &[&str]) -> BTreeMap<&'static str, PathBuf> {
    let mut found = BTreeMap::new();
    let theirs = drop_ins.iter().map(Path::new);
    for path in theirs.filter(|path| !path.starts_with(TRANSIENT)) {
        let set = match read(path) {
            Ok(text) => set_by(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(_) => LIMITS.to_vec(),
        };
        found.extend(set.iter().map(|it| (it.property, path.to_owned())));
    }
    found
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The limits that a drop-in sets in its `[Service]` section: pure. `MemoryMax=` with nothing behind it
/// sets it too, to no bound. (systemd.syntax(7): comments begin with `#` or `;`, a backslash at the end
/// of a line goes on with the next.)
fn set_by(text: &str) -> Vec<LimitName> {
    let mut set = Vec::new();
    let mut section = "";
    let mut goes_on = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        let begins = !goes_on;
        goes_on = line.ends_with('\\');
        if !begins {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = name;
        } else if let Some((key, _)) = line.split_once('=').filter(|_| section == "Service") {
            let named = |it: &&LimitName| it.directive == key.trim_end();
            set.extend(LIMITS.iter().find(named));
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use super::{overridden, set_by};

    fn keys(text: &str) -> Vec<&'static str> {
        set_by(text).iter().map(|it| it.key).collect()
    }

    #[test]
    fn what_a_drop_in_sets() {
        for (text, set) in [
            ("[Service]\nMemoryMax=2G\n", vec!["memory-max"]),
            ("[Service]\nMemoryMax=\n", vec!["memory-max"]),
            (
                "[Unit]\nDescription=x\n[Service]\n CPUQuota = 10%\nTasksMax=7",
                vec!["cpus", "tasks-max"],
            ),
            ("[Unit]\nMemoryMax=2G\n", vec![]),
            ("MemoryMax=2G\n", vec![]),
            ("[Service]\n# MemoryMax=2G\n;TasksMax=1\n", vec![]),
            ("[Service]\nEnvironment=A=b \\\nMemoryMax=2G\n", vec![]),
            (
                "[Service]\nEnvironment=A=b \\\n# no end\n x\nCPUWeight=5\n",
                vec!["cpu-weight"],
            ),
            ("[Service]\nMemoryMin=1G\nMemoryMaxScale=2\n", vec![]),
            ("[Service]\nMemoryHigh\n", vec![]),
        ] {
            assert_eq!(keys(text), set, "{text:?}");
        }
    }

    #[test]
    fn the_last_file_that_sets_a_limit_is_named_and_one_that_is_gone_sets_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("a.conf"), "[Service]\nTasksMax=1\nMemoryMax=1G\n").expect("written");
        std::fs::write(path("b.conf"), "[Service]\nTasksMax=2\n").expect("written");
        let paths = ["a.conf", "b.conf", "gone.conf"].map(|it| path(it).display().to_string());
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let found = overridden(&paths);
        assert_eq!(found.get("TasksMax"), Some(&path("b.conf")));
        assert_eq!(found.get("MemoryMax"), Some(&path("a.conf")));
        assert_eq!(found.len(), 2);
        // A directory cannot be read: it may set anything.
        let unreadable = directory.path().display().to_string();
        assert_eq!(overridden(&[&unreadable]).len(), 5);
        assert!(overridden(&["/run/systemd/transient/x.service.d/50-TasksMax.conf"]).is_empty());
    }
}
