//! The guest's first process: whose namespaces, cgroup and limits a session gets.

use std::fs::{self, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use thiserror::Error;

use super::confinement::{Confinement, StatusError, cgroup2_path, is_first_of_a_pid_namespace};

/// A process that a pidfd holds, so that its number cannot come to mean another.
#[derive(Debug)]
pub(super) struct Leader {
    pid: Pid,
    pidfd: OwnedFd,
}

/// This is no guest to join.
#[derive(Debug, Error)]
pub enum LeaderError {
    /// It ended.
    #[error("the container's first process {0} is gone")]
    Gone(u32),
    /// What the kernel tells about it could not be read.
    #[error("failed to look at the container's first process {pid}")]
    Unreadable {
        /// The process.
        pid: u32,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The kernel wrote something else than documented.
    #[error("failed to read how the container's first process is confined")]
    Status(#[from] StatusError),
    /// The number belongs to another process.
    #[error("process {pid} is not the first process of a guest in {}", unit.display())]
    NotTheGuests {
        /// The process.
        pid: u32,
        /// The container's cgroup.
        unit: PathBuf,
    },
}

impl Leader {
    /// Takes hold of the process, before anything is believed about it.
    pub(super) fn open(pid: u32) -> Result<Self, LeaderError> {
        let raw = i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .ok_or(LeaderError::Gone(pid))?;
        let pidfd = pidfd_open(raw, PidfdFlags::empty()).map_err(|_| LeaderError::Gone(pid))?;
        Ok(Self { pid: raw, pidfd })
    }

    /// Goes on with a process that another part of `ctrd` took hold of.
    pub(super) fn from_parts(pid: i32, pidfd: OwnedFd) -> Result<Self, LeaderError> {
        let pid = Pid::from_raw(pid).ok_or(LeaderError::Gone(0))?;
        Ok(Self { pid, pidfd })
    }

    /// Its number.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Its pidfd.
    pub(super) fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// The cgroup it is in, once it is certain that it is the first process of a guest of this unit.
    pub(super) fn cgroup_in(&self, root: &Path, unit: &Path) -> Result<PathBuf, LeaderError> {
        let text = self.read("cgroup")?;
        let inside = cgroup2_path(&text).map(|path| root.join(path.trim_start_matches('/')));
        let first = is_first_of_a_pid_namespace(&self.read("status")?);
        // A unit's own cgroup has no processes; nspawn's helper is in `supervisor`.
        let below =
            |path: &PathBuf| path.starts_with(unit) && !path.starts_with(unit.join("supervisor"));
        match inside.filter(below) {
            Some(path) if first => self.alive().map(|()| path),
            _ => Err(LeaderError::NotTheGuests {
                pid: self.number(),
                unit: unit.to_owned(),
            }),
        }
    }

    /// How it is confined.
    pub(super) fn confinement(&self) -> Result<Confinement, LeaderError> {
        let status = self.read("status")?;
        self.alive()?;
        Ok(Confinement::parse(&status)?)
    }

    /// One of its namespaces, by the text that tells two apart: `pid:[4026532466]`.
    pub(super) fn namespace(&self, name: &str) -> Result<PathBuf, LeaderError> {
        let link = fs::read_link(self.file("ns").join(name)).map_err(|e| self.unreadable(e))?;
        self.alive()?;
        Ok(link)
    }

    /// Whether what it executes is another file than this one, which its parent executes.
    pub(super) fn executes_another_than(&self, program: &Metadata) -> Result<bool, LeaderError> {
        let own = fs::metadata(self.file("exe")).map_err(|error| self.unreadable(error))?;
        self.alive()?;
        Ok((own.dev(), own.ino()) != (program.dev(), program.ino()))
    }

    /// What `/proc` says; true only if the process is alive afterwards.
    pub(super) fn read(&self, name: &str) -> Result<String, LeaderError> {
        fs::read_to_string(self.file(name)).map_err(|e| self.unreadable(e))
    }

    /// Fails once it ended: what was read by its number until now was about it and no other.
    pub(super) fn alive(&self) -> Result<(), LeaderError> {
        // A pidfd turns readable when its process ends (`pidfd_open(2)`).
        let mut ended = [PollFd::new(&self.pidfd, PollFlags::IN)];
        match poll(&mut ended, Some(&Timespec::default())) {
            Ok(0) => Ok(()),
            _ => Err(LeaderError::Gone(self.number())),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.pid.to_string()).join(name)
    }

    fn number(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    fn unreadable(&self, source: io::Error) -> LeaderError {
        match source.kind() {
            io::ErrorKind::NotFound => LeaderError::Gone(self.number()),
            _ => LeaderError::Unreadable {
                pid: self.number(),
                source,
            },
        }
    }
}

impl AsFd for Leader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_the_host_is_no_guest() {
        let leader = Leader::open(std::process::id()).unwrap();
        let refused = leader.cgroup_in(Path::new("/sys/fs/cgroup"), Path::new("/sys/fs/cgroup"));
        assert!(
            matches!(refused, Err(LeaderError::NotTheGuests { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn a_process_that_ended_is_gone() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let leader = Leader::open(child.id()).unwrap();
        child.wait().unwrap();
        assert!(matches!(leader.confinement(), Err(LeaderError::Gone(_))));
        assert!(matches!(leader.alive(), Err(LeaderError::Gone(_))));
    }
}
