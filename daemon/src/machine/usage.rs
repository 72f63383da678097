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
}

/// Reads the usage of the cgroup `control_group` below the cgroup2 mount (cgroups(7); the files are
/// in the kernel's admin-guide/cgroup-v2).
pub fn usage(cgroup: &Path, control_group: &str) -> Usage {
    if control_group.is_empty() {
        return Usage::default();
    }
    let directory = cgroup.join(control_group.trim_start_matches('/'));
    let cpu_usec = fs::read_to_string(directory.join("cpu.stat"))
        .ok()
        .and_then(|text| {
            text.lines()
                .find_map(|line| line.strip_prefix("usage_usec ")?.trim().parse().ok())
        });
    let number = |file: &str| {
        let text = fs::read_to_string(directory.join(file)).ok()?;
        text.trim().parse().ok()
    };
    Usage {
        cpu_usec,
        memory: number("memory.current"),
        tasks: number("pids.current"),
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
        assert_eq!(
            usage(root.path(), "/unit"),
            Usage {
                cpu_usec: Some(1500),
                memory: None,
                tasks: Some(12),
            }
        );
        assert_eq!(usage(root.path(), ""), Usage::default());
    }
}
