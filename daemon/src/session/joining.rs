//! From the fork of the joining process to the exec of the command, as the watcher sees it.
//!
//! Nothing is believed that a process inside the guest says about itself: the watcher looks from
//! outside, and only then lets it execute anything.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use ctr_api::session::Event;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, pidfd_open, waitid,
    waitpid,
};
use thiserror::Error;

use super::client::{Client, Gone};
use super::confinement::{Confinement, cgroup2_path};
use super::leader::{Leader, LeaderError};
use super::report::{Report, Watcher};

/// How long it may take: files of a guest can be on a network that does not answer.
const LIMIT: Duration = Duration::from_secs(10);

/// What the session's process has to share with the guest's first one.
const NAMESPACES: [&str; 7] = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"];

/// The session's process, once it runs its command.
#[derive(Debug)]
pub(super) struct Child {
    /// Its PID on the host. It cannot become another's before it was waited for.
    pub(super) pid: Pid,
    /// Its pidfd.
    pub(super) pidfd: OwnedFd,
}

/// There is no session.
#[derive(Debug, Error)]
pub(super) enum JoiningError {
    /// The joining process said why.
    #[error("the session was refused")]
    Reported(Event),
    /// It took too long.
    #[error("the container did not let a process in within {} s", LIMIT.as_secs())]
    TooLong,
    /// It ended without a word.
    #[error("the session's process ended before its command began")]
    Lost,
    /// It is not what it should be.
    #[error("the session's process would not be confined like the container: {0}")]
    Unconfined(String),
    /// The container ended.
    #[error(transparent)]
    Leader(#[from] LeaderError),
    /// A call failed.
    #[error("failed to {0}")]
    Step(&'static str, #[source] io::Error),
    /// Nobody waits for it.
    #[error("the client is gone")]
    ClientGone,
}

impl JoiningError {
    /// What a person can do about it.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TooLong => Some("it may be paused, or its /etc may be on a network that is down"),
            Self::Lost => Some("the container may be stopping"),
            _ => None,
        }
    }
}

/// A session that is being made. Dropped before it is one, it leaves no process.
#[derive(Debug)]
pub(super) struct Joining {
    watcher: Watcher,
    joiner: Pid,
    leader: Leader,
    confinement: Confinement,
    /// Where the session begins: the guest's own cgroup, in the words of `/proc/PID/cgroup`.
    cgroup: String,
    child: Option<Child>,
}

impl Joining {
    /// Follows this joining process.
    pub(super) fn new(
        watcher: Watcher,
        joiner: Pid,
        leader: Leader,
        confinement: Confinement,
        cgroup: String,
    ) -> Self {
        Self {
            watcher,
            joiner,
            leader,
            confinement,
            cgroup,
            child: None,
        }
    }

    /// Follows it to the exec.
    pub(super) fn follow(mut self, client: &Client) -> Result<Child, JoiningError> {
        let end = Instant::now() + LIMIT;
        let (mut ready, mut gone) = (false, false);
        loop {
            self.wait(client, end)?;
            let report = match self.watcher.next() {
                Ok(Some(report)) => report,
                // Every copy of the far end is closed: executed, if it was let go.
                Ok(None) if gone => return self.child.take().ok_or(JoiningError::Lost),
                Ok(None) => return Err(JoiningError::Lost),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                // It ended without having read that it may go.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(JoiningError::Lost);
                }
                Err(error) => return Err(JoiningError::Step("hear the session's process", error)),
            };
            match report {
                (Report::Terminal, Some(master)) => client.give_terminal(&master),
                (Report::Failed(event), _) => return Err(JoiningError::Reported(event)),
                (Report::Child(pid), _) if self.child.is_none() => {
                    self.child = Some(self.own(pid)?);
                }
                (Report::Ready, _) => ready = true,
                (Report::Terminal | Report::Child(_), _) => {}
            }
            // The two come from two processes, in any order.
            if let (true, false, Some(child)) = (ready, gone, &self.child) {
                self.inspect(child)?;
                let go = self.watcher.go();
                go.map_err(|error| JoiningError::Step("let the session's process go", error))?;
                gone = true;
            }
        }
    }

    /// Until there is a report. A client that leaves ends it.
    fn wait(&self, client: &Client, end: Instant) -> Result<(), JoiningError> {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).unwrap_or_default();
            let mut ready = [
                PollFd::new(&self.watcher, PollFlags::IN),
                PollFd::new(client, PollFlags::IN),
            ];
            match poll(&mut ready, Some(&timeout)) {
                Ok(0) => return Err(JoiningError::TooLong),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(JoiningError::Step("wait", error.into())),
            }
            let [report, word] = ready.map(|fd| !fd.revents().is_empty());
            // Requests before there is anything to send a signal to have no meaning.
            if word && client.hear() == Err(Gone) {
                return Err(JoiningError::ClientGone);
            }
            if report {
                return Ok(());
            }
        }
    }

    /// Takes hold of the process, if it is a child of this one: a number alone proves nothing.
    fn own(&self, pid: i32) -> Result<Child, JoiningError> {
        let pid = Pid::from_raw(pid)
            .filter(|pid| *pid != self.joiner)
            .ok_or(JoiningError::Lost)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| JoiningError::Lost)?;
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::PidFd(std::os::fd::AsFd::as_fd(&pidfd)), look) {
            Ok(_) => Ok(Child { pid, pidfd }),
            Err(_) => Err(JoiningError::Lost),
        }
    }

    /// Compares it with the guest's first process.
    fn inspect(&self, child: &Child) -> Result<(), JoiningError> {
        let process = format!("/proc/{}", child.pid);
        let read = |name: &str| fs::read_to_string(format!("{process}/{name}"));
        let looked = |error| JoiningError::Step("look at the session's process", error);
        let status = read("status").map_err(looked)?;
        let confinement = Confinement::parse(&status).map_err(LeaderError::from)?;
        if !confinement.is_within(&self.confinement) {
            let words = format!("{confinement:?}, the container {:?}", self.confinement);
            return Err(JoiningError::Unconfined(words));
        }
        for name in NAMESPACES {
            let its = fs::read_link(format!("{process}/ns/{name}")).map_err(looked)?;
            if its != self.leader.namespace(name)? {
                return Err(JoiningError::Unconfined(format!(
                    "its {name} namespace is another"
                )));
            }
        }
        let (its, leaders) = (read("cgroup").map_err(looked)?, self.leader.read("cgroup")?);
        // systemd, as the guest's init, moves itself to `init.scope` when it comes up, and with it
        // whatever is where it was.
        let its = cgroup2_path(&its);
        if its != Some(self.cgroup.as_str()) && its != cgroup2_path(&leaders) {
            return Err(JoiningError::Unconfined("its cgroup is another".to_owned()));
        }
        Ok(self.leader.alive()?)
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        // The joining process ends by itself right after its fork, unless the guest holds it up.
        let _ = kill_process(self.joiner, Signal::KILL);
        let _ = waitpid(Some(self.joiner), WaitOptions::empty());
        if let Some(child) = &self.child {
            let _ = kill_process(child.pid, Signal::KILL);
            let _ = waitpid(Some(child.pid), WaitOptions::empty());
        }
    }
}
