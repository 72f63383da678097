//! What a machine uses, from its unit's cgroup.

use std::fs;
use std::path::Path;

/// What a machine uses; a figure that the kernel does not tell is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Processor time since its start, in microseconds.
    pub cpu_usec: Option<u64>,
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Processes and threads.
    pub tasks: Option<u64>,
    /// How many of its processes the kernel has killed for memory since its start: in a guest that boots its
    /// init outlives that.
    pub oom_kills: Option<u64>,
}

/// Reads the usage of the cgroup `control_group` below the cgroup2 mount (cgroups(7); the files are
/// in the kernel's admin-guide/cgroup-v2).
pub fn usage(cgroup: &Path, control_group: &str) -> Usage {
    if control_group.is_empty() {
        return Usage::default();
    }
    let directory = cgroup.join(control_group.trim_start_matches('/'));
    let keyed = |file: &str, key: &str| {
        let text = fs::read_to_string(directory.join(file)).ok()?;
        let mut pairs = text.lines().filter_map(|line| line.split_once(' '));
        let (_, value) = pairs.find(|(found, _)| *found == key)?;
        value.trim().parse().ok()
    };
    let number = |file: &str| {
        let text = fs::read_to_string(directory.join(file)).ok()?;
        text.trim().parse().ok()
    };
    Usage {
        cpu_usec: keyed("cpu.stat", "usage_usec"),
        memory: number("memory.current"),
        tasks: number("pids.current"),
        oom_kills: keyed("memory.events", "oom_kill"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Usage, usage};

    #[test]
    fn a_controller_that_is_not_there_leaves_a_gap() {
        let root = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(root.path().join("unit")).expect("made");
        std::fs::write(
            root.path().join("unit/cpu.stat"),
            "usage_usec 1500\nuser_usec 1\n",
        )
        .expect("written");
        std::fs::write(root.path().join("unit/pids.current"), "12\n").expect("written");
        let events = "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 0\n";
        std::fs::write(root.path().join("unit/memory.events"), events).expect("written");
        assert_eq!(
            usage(root.path(), "/unit"),
            Usage {
                cpu_usec: Some(1500),
                memory: None,
                tasks: Some(12),
                oom_kills: Some(2),
            }
        );
        assert_eq!(usage(root.path(), ""), Usage::default());
    }
}
