//! The lab's own corner of the machine's cgroup2 hierarchy.
//!
//! A lab enters its cgroup before it gets namespaces: the cgroup namespace then makes that corner
//! the root its systemd sees, so two labs never share a unit's cgroup. Killing the cgroup is the
//! one way to end every process of a lab, whatever it forked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// One directory of the cgroup2 hierarchy.
#[derive(Debug, Clone)]
pub struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Where this machine has cgroup2 mounted: the hierarchy itself, or beside the v1 controllers.
    pub fn hierarchy() -> Result<PathBuf> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").context("failed to read mounts")?;
        mounts
            .lines()
            .find_map(cgroup2_mount_point)
            .context("this machine has no cgroup2 hierarchy mounted, which systemd needs")
    }

    /// The cgroup at `path`, whether it exists or not.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The cgroup named `name` below this one.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self::at(self.path.join(name))
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, with the cgroups above it.
    pub fn create(&self) -> Result<()> {
        fs::create_dir_all(&self.path)
            .with_context(|| format!("failed to make the cgroup {}", self.path.display()))
    }

    /// Moves the calling process into it.
    pub fn enter(&self) -> Result<()> {
        fs::write(self.path.join("cgroup.procs"), "0")
            .with_context(|| format!("failed to enter the cgroup {}", self.path.display()))
    }

    /// Kills every process in it and below it; an absent cgroup has none.
    pub fn kill(&self) -> Result<()> {
        match fs::write(self.path.join("cgroup.kill"), "1") {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error)
                .with_context(|| format!("failed to kill the cgroup {}", self.path.display())),
            _ => Ok(()),
        }
    }

    /// Kills what is in it, waits until that is gone, and removes it with everything below it.
    pub fn destroy(&self, patience: Duration) -> Result<()> {
        self.kill()?;
        let deadline = Instant::now() + patience;
        loop {
            match remove_tree(&self.path) {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= deadline => {
                    bail!(
                        "failed to remove the cgroup {}: {error}",
                        self.path.display()
                    )
                }
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Removes it if nothing is left inside; a process that stayed keeps it.
    pub fn remove_if_empty(&self) {
        // EBUSY is the answer for "something stayed", which destroying the lab takes care of.
        let _ = fs::remove_dir(&self.path);
    }
}

fn cgroup2_mount_point(line: &str) -> Option<PathBuf> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mount_point = mount.split(' ').nth(4)?;
    filesystem
        .starts_with("cgroup2 ")
        .then(|| PathBuf::from(mount_point))
}

/// rmdir from the leaves up; the files in a cgroup are the kernel's and vanish with it.
fn remove_tree(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_hierarchy_beside_v1_controllers() {
        let v1 = "30 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu";
        let v2 = "33 24 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        assert_eq!(cgroup2_mount_point(v1), None);
        assert_eq!(
            cgroup2_mount_point(v2),
            Some(PathBuf::from("/sys/fs/cgroup/unified"))
        );
    }
}
