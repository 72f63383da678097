//! When a guest's first process is confined like the guest, and how that is.
//!
//! systemd-nspawn registers its child, and of a command says that it is ready, while that child
//! still confines itself: filters first, then its user, its capabilities, no new privileges
//! (`inner_child()` and `run_container()` in systemd's src/nspawn/nspawn.c). After the last of them
//! it executes the guest's init, or turns into the stub init before a command. A session made like
//! it was before would have rights that nothing else in the guest has.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use thiserror::Error;

use super::client::{Client, Gone};
use super::confinement::{Confinement, parent};
use super::handover::Spec;
use super::leader::{Leader, LeaderError};
use super::seccomp::{SeccompError, filters_of};
use super::syscalls::Filter;
use crate::os::is_stub_init;

/// How long a guest may take to be set up: far longer than it does on a busy host.
const LIMIT: Duration = Duration::from_secs(10);
/// Between two looks. Nobody tells when it happens.
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 2_000_000,
};

/// There is nothing to make a session like.
#[derive(Debug, Error)]
pub(super) enum UnsettledError {
    /// It takes too long.
    #[error("the container is not set up after {} s, and cannot be entered before", LIMIT.as_secs())]
    TooLong,
    /// It ended, or cannot be looked at.
    #[error(transparent)]
    Leader(#[from] LeaderError),
    /// Its filters cannot be had.
    #[error(transparent)]
    Seccomp(#[from] SeccompError),
    /// A call failed.
    #[error("failed to wait until the container is set up")]
    Wait(#[source] io::Error),
    /// Nobody waits for it.
    #[error("the client is gone")]
    ClientGone,
}

impl UnsettledError {
    /// What a person can do about it.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TooLong => Some("`ctr … logs` may say what systemd-nspawn waits for"),
            Self::Seccomp(error) => error.hint(),
            _ => None,
        }
    }
}

/// What a session is confined by.
#[derive(Debug)]
pub(super) struct Settled {
    /// The cgroup of the guest's first process, below the container's unit.
    pub(super) cgroup: PathBuf,
    /// How the guest's first process is confined.
    pub(super) confinement: Confinement,
    /// Its seccomp filters, oldest first.
    pub(super) filters: Vec<Filter>,
}

/// Waits until the guest's first process is confined like the guest, and copies how.
pub(super) fn settled(
    leader: &Leader,
    spec: &Spec,
    client: &Client,
) -> Result<Settled, UnsettledError> {
    let end = Instant::now() + LIMIT;
    loop {
        let late = match look(leader, spec) {
            Ok(Some(settled)) => return Ok(settled),
            Ok(None) => UnsettledError::TooLong,
            // systemd-nspawn moves its child there when it is registered already.
            Err(UnsettledError::Leader(error @ LeaderError::NotTheGuests { .. })) => error.into(),
            Err(error) => return Err(error),
        };
        leader.alive()?;
        if Instant::now() >= end {
            return Err(late);
        }
        pause(client)?;
    }
}

/// How it is confined, if that is how it stays.
fn look(leader: &Leader, spec: &Spec) -> Result<Option<Settled>, UnsettledError> {
    leader.cgroup_in(&spec.cgroup_root, &spec.unit_cgroup)?;
    if !is_settled(leader, &spec.supervisor_cgroup())? {
        return Ok(None);
    }
    let confinement = leader.confinement()?;
    let filters = filters_of(leader.pid(), confinement.seccomp);
    // An init can give up more by itself, as systemd does for its system.conf, and moves itself, as
    // systemd does to `init.scope`: what is copied is one state of it, not parts of two.
    if leader.confinement()? != confinement {
        return Ok(None);
    }
    Ok(Some(Settled {
        cgroup: leader.cgroup_in(&spec.cgroup_root, &spec.unit_cgroup)?,
        confinement,
        filters: filters?,
    }))
}

/// Whether systemd-nspawn has done with it: it executes another program, or is the stub init.
fn is_settled(leader: &Leader, supervisor: &Path) -> Result<bool, LeaderError> {
    let status = leader.read("status")?;
    if is_stub_init(&status) {
        return Ok(true);
    }
    let nspawn = parent(&status)?;
    // What is there in its place is no systemd-nspawn to compare with, and the guest is ending.
    let supervised = fs::read_to_string(supervisor.join("cgroup.procs")).unwrap_or_default();
    if !supervised.lines().any(|pid| pid == nspawn) {
        return Ok(false);
    }
    let Ok(nspawn) = fs::metadata(Path::new("/proc").join(nspawn).join("exe")) else {
        return Ok(false);
    };
    leader.executes_another_than(&nspawn)
}

/// Waits a moment, if anybody still waits for what comes.
fn pause(client: &Client) -> Result<(), UnsettledError> {
    let mut client_speaks = [PollFd::new(client, PollFlags::IN)];
    match poll(&mut client_speaks, Some(&PAUSE)) {
        Ok(0) | Err(Errno::INTR) => Ok(()),
        // Requests before there is anything to send a signal to have no meaning.
        Ok(_) => match client.hear() {
            Ok(_) => Ok(()),
            Err(Gone) => Err(UnsettledError::ClientGone),
        },
        Err(error) => Err(UnsettledError::Wait(error.into())),
    }
}
