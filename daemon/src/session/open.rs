//! What `ctrd` itself does for a session: look at the guest, and start the helper.

use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use ctr_api::wire::SessionRequest;
use thiserror::Error;

use super::confinement::{Confinement, Seccomp, StatusError};
use super::handover::{self, Spec};
use super::helper::NAME;
use super::leader::{Leader, LeaderError};
use super::request::{RequestError, check};
use super::sealed::{SealError, copy_of_this_program};

/// How long the helper may take to take over.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest reason it may give.
const MAX_REASON: u64 = 4096;

/// How many sessions a guest may have, whoever opened them.
const SESSIONS_MAX: usize = 256;

/// A running guest.
#[derive(Debug, Clone)]
pub struct Guest {
    /// Its first process, on the host.
    pub leader: u32,
    /// The cgroup2 file system, [`crate::os::paths::Paths::cgroup`].
    pub cgroup_root: PathBuf,
    /// The cgroup of its unit, as systemd says (`ControlGroup`): `/machine.slice/…/ctr-x.service`.
    pub unit_cgroup: String,
}

impl Guest {
    /// The cgroup of its unit, as a directory.
    pub(super) fn unit_directory(&self) -> PathBuf {
        let path = self.unit_cgroup.trim_start_matches('/');
        self.cgroup_root.join(path)
    }
}

/// A session could not be opened.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The caller asked for something that makes no sense.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is no such guest.
    #[error(transparent)]
    Leader(#[from] LeaderError),
    /// There are enough of them.
    #[error("the container has {count} sessions, the most there may be")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// The daemon is itself confined, and so would be every session.
    #[error("ctrd is confined itself ({0}), and every session would be too")]
    Confined(&'static str),
    /// Its own confinement is not known.
    #[error("failed to read how ctrd is confined")]
    Own(#[source] io::Error),
    /// The same.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// There is no program to start.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The helper did not start.
    #[error("failed to start the session's helper")]
    Start(#[source] io::Error),
    /// The helper did not take over.
    #[error("failed to hand the session over")]
    HandOver(#[source] io::Error),
    /// The helper said why not.
    #[error("the session's helper failed: {0}")]
    Helper(String),
}

impl SessionError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Confined(_) => Some(
                "ctrd.service may have no NoNewPrivileges= and nothing that installs a seccomp \
                 filter, like SystemCallFilter= or RestrictAddressFamilies=",
            ),
            Self::Seal(SealError::Forbidden) => Some("set it to 1 or 0"),
            Self::TooMany { .. } => Some("end some of them, or restart the container"),
            _ => None,
        }
    }
}

/// Opens a session. Returns when it no longer needs `ctrd`; how it goes on from there is told on
/// `control` ([`ctr_api::session`]).
///
/// Blocks for some milliseconds.
pub fn open(
    guest: &Guest,
    request: SessionRequest,
    control: OwnedFd,
    stdio: Vec<OwnedFd>,
) -> Result<(), SessionError> {
    open_in(guest, None, request, control, stdio)
}

/// The same, with the command in a cgroup beside the guest's.
pub(super) fn open_in(
    guest: &Guest,
    enclosure: Option<PathBuf>,
    request: SessionRequest,
    control: OwnedFd,
    stdio: Vec<OwnedFd>,
) -> Result<(), SessionError> {
    check(&request, &control, &stdio)?;
    let leader = Leader::open(guest.leader)?;
    let unit = guest.unit_directory();
    let spec = Spec {
        leader: leader.pid().as_raw_nonzero().get(),
        cgroup_root: guest.cgroup_root.clone(),
        unit_cgroup: unit,
        enclosure,
        request,
    };
    check_own_confinement(&leader.confinement()?)?;
    let count = sessions(&spec.supervisor_cgroup());
    if count >= SESSIONS_MAX {
        return Err(SessionError::TooMany { count });
    }
    let (ours, theirs) = line().map_err(SessionError::Start)?;
    let mut helper = start(theirs)?;
    let sent = handover::send(&ours, &spec, &control, leader.pidfd(), &stdio);
    // The helper has its own by now; the client sees the end of a stream when the last is closed.
    drop((control, stdio));
    let answer = sent.and_then(|()| reason(&ours));
    if answer.is_err() {
        let _ = helper.kill();
    }
    let ended = helper.wait();
    match (answer, ended) {
        (Ok(reason), _) if !reason.is_empty() => Err(SessionError::Helper(reason)),
        (Ok(_), Ok(status)) if status.success() => Ok(()),
        (Ok(_), Ok(status)) => Err(SessionError::Helper(status.to_string())),
        (Err(error), _) | (_, Err(error)) => Err(SessionError::HandOver(error)),
    }
}

/// How many sessions there are: their monitors are in the unit's cgroup beside systemd-nspawn, which
/// no guest can enter. Those that are being opened at the same moment are not counted.
fn sessions(supervisor: &Path) -> usize {
    let processes = fs::read_to_string(supervisor.join("cgroup.procs")).unwrap_or_default();
    processes.lines().count().saturating_sub(1)
}

/// A line to the helper that nobody waits at for ever.
fn line() -> io::Result<(UnixStream, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(LIMIT))?;
    ours.set_write_timeout(Some(LIMIT))?;
    Ok((ours, theirs))
}

/// Filters and the renunciation of privileges are inherited for ever, and the kernel gives a
/// filtered process no copy of another's filters (seccomp(2), ptrace(2)).
fn check_own_confinement(leader: &Confinement) -> Result<(), SessionError> {
    let own = fs::read_to_string("/proc/self/status").map_err(SessionError::Own)?;
    let own = Confinement::parse(&own)?;
    if own.seccomp != Seccomp::Off {
        return Err(SessionError::Confined("seccomp"));
    }
    if own.no_new_privileges && !leader.no_new_privileges {
        return Err(SessionError::Confined("no new privileges"));
    }
    Ok(())
}

/// Starts the sealed copy of this program, by the helper's name, with nothing of this process.
fn start(stdin: UnixStream) -> Result<Child, SessionError> {
    let program = program()?;
    Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()))
        .arg0(NAME)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(stdin)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(SessionError::Start)
}

/// Copied once: it is some megabytes, and the running program never changes.
fn program() -> Result<&'static OwnedFd, SealError> {
    static PROGRAM: OnceLock<OwnedFd> = OnceLock::new();
    if let Some(program) = PROGRAM.get() {
        return Ok(program);
    }
    let program = copy_of_this_program()?;
    Ok(PROGRAM.get_or_init(|| program))
}

/// What the helper has to say against it; empty when it took over.
fn reason(from: &UnixStream) -> io::Result<String> {
    let mut reason = String::new();
    from.take(MAX_REASON).read_to_string(&mut reason)?;
    Ok(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_counted_by_its_monitor_beside_nspawn() {
        let supervisor = tempfile::tempdir().unwrap();
        assert_eq!(sessions(supervisor.path()), 0, "gone");
        let is = |processes: &str| {
            fs::write(supervisor.path().join("cgroup.procs"), processes).unwrap();
            sessions(supervisor.path())
        };
        assert_eq!(is("70\n"), 0);
        assert_eq!(is("70\n81\n92\n"), 2);
    }
}
