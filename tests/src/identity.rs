//! Who owns a lab, and the end of labs whose owner is gone.
//!
//! A lab's name carries its owner: the PID namespace, the PID and that process's start time, which
//! together are never used twice in one uptime. Anyone can therefore tell a live lab from one whose
//! owner and keeper were both killed, and clear the latter away.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cache;
use crate::cgroup::Cgroup;

const PREFIX: &str = "ctr-lab-";
const RUN: &str = "/run/ctr-lab";

/// The name of one lab, unique on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    name: String,
}

impl Identity {
    /// A name for one more lab of this process.
    pub(crate) fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let pid = std::process::id();
        let started = start_time(pid).context("failed to read this process's start time")?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            name: format!("{PREFIX}{}-{pid}-{started}-{count}", pid_namespace()?),
        })
    }

    /// The directory on the machine that holds the lab's mount point and socket.
    pub(crate) fn run_directory(&self) -> PathBuf {
        Path::new(RUN).join(&self.name)
    }

    /// The directory that holds the disks of a virtual machine: they are no matter for memory.
    pub(crate) fn disks(&self) -> Result<PathBuf> {
        Ok(cache::directory()?.join(&self.name))
    }

    /// The lab's cgroup.
    pub(crate) fn cgroup(&self) -> Result<Cgroup> {
        Ok(Cgroup::at(Cgroup::hierarchy()?.join(&self.name)))
    }
}

/// Clears away every lab whose owner is gone, as after a power cut of the test process and keeper.
pub(crate) fn sweep_stale_labs() -> Result<()> {
    let namespace = pid_namespace()?;
    let hierarchy = Cgroup::hierarchy()?;
    for name in stale_names(&hierarchy, namespace) {
        Cgroup::at(hierarchy.join(&name)).destroy(Duration::from_secs(5))?;
    }
    for directory in [PathBuf::from(RUN), cache::directory()?] {
        for name in stale_names(&directory, namespace) {
            // Its keeper may be removing the same directory at this moment.
            let _ = fs::remove_dir_all(directory.join(name));
        }
    }
    Ok(())
}

fn stale_names(directory: &Path, namespace: u64) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| {
            owner(name).is_some_and(|(of, pid, started)| {
                of == namespace && start_time(pid) != Some(started)
            })
        })
        .collect()
}

/// PID namespace, PID and start time out of a lab's name.
fn owner(name: &str) -> Option<(u64, u32, u64)> {
    let mut parts = name.strip_prefix(PREFIX)?.split('-');
    let namespace = parts.next()?.parse().ok()?;
    let pid = parts.next()?.parse().ok()?;
    let started = parts.next()?.parse().ok()?;
    Some((namespace, pid, started))
}

/// The kernel's start time of a process, in clock ticks since boot (field 22 of proc(5) stat).
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name may itself hold spaces and parentheses: count from its end.
    let (_, after_name) = stat.rsplit_once(") ")?;
    after_name.split(' ').nth(19)?.parse().ok()
}

fn pid_namespace() -> Result<u64> {
    Ok(fs::metadata("/proc/self/ns/pid")
        .context("failed to read this PID namespace")?
        .ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_carries_its_living_owner() {
        let identity = Identity::new().expect("a process can read its own start time");
        let (namespace, pid, started) = owner(&identity.name).expect("our own form");
        assert_eq!(pid, std::process::id());
        assert_eq!(start_time(pid), Some(started));
        assert_eq!(Some(namespace), pid_namespace().ok());
    }

    #[test]
    fn foreign_names_have_no_owner() {
        assert_eq!(owner("system.slice"), None);
        assert_eq!(owner("ctr-lab-1-2"), None);
    }
}
