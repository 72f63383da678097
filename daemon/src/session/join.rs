//! Into the guest: the process that takes on everything of the guest, step by step, and then puts
//! the session's process beside itself.
//!
//! It is not in the guest's PID namespace itself (setns(2): only its children are), so no process
//! of the guest can name it, trace it or look at it while it still changes. What it forks changes
//! no more than its standard streams.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use ctr_api::session::{Event, STATUS_FAILED};
use ctr_api::wire::SessionRequest;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Gid, Uid, set_dumpable_behavior, umask};
use rustix::thread::{
    CapabilitySet, CapabilitySets, ThreadNameSpaceType, clear_ambient_capability_set,
    move_into_thread_name_spaces, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};
use thiserror::Error;

use super::account::{Account, NoSuchUser, look_up};
use super::confinement::Confinement;
use super::environment::System;
use super::execute::{Execution, Streams};
use super::leader::Leader;
use super::report::{Report, Reporter};
use super::seccomp;
use super::syscalls::{
    Filter, Side, SingleThreaded, fork_beside, leave_session_keyring, take_limits_of,
};
use super::terminal::{self, TerminalError};
use crate::error_text::with_causes;

/// More than any guest's list of users; a larger one is cut, not refused.
const MAX_FILE: u64 = 4 << 20;

/// What a joining process is given.
#[derive(Debug)]
pub(super) struct Join {
    /// The guest's first process.
    pub(super) leader: Leader,
    /// How that is confined.
    pub(super) confinement: Confinement,
    /// Its seccomp filters, oldest first.
    pub(super) filters: Vec<Filter>,
    /// Whether the guest has users of its own.
    pub(super) own_users: bool,
    /// What the session is to be.
    pub(super) request: SessionRequest,
    /// The command's standard streams; empty for a terminal.
    pub(super) stdio: Vec<OwnedFd>,
}

/// A step that failed.
#[derive(Debug, Error)]
enum JoinError {
    #[error("failed to {0}")]
    Step(&'static str, #[source] io::Error),
    #[error(transparent)]
    User(#[from] NoSuchUser),
    #[error("the container has no user with the ids {uid} and {gid}")]
    Ids {
        uid: u32,
        gid: u32,
        source: io::Error,
    },
    #[error("failed to read {0} of the container")]
    File(&'static str, #[source] io::Error),
    #[error(transparent)]
    Terminal(#[from] TerminalError),
}

/// Joins, forks, and reports how it went; the caller ends this process afterwards.
pub(super) fn run(threads: SingleThreaded, join: Join, reporter: &Reporter) {
    let failed = match join
        .enter(reporter)
        .map(|execution| (fork_beside(threads), execution))
    {
        Ok((Ok(Side::Child), execution)) => execution.run(reporter),
        Ok((Ok(Side::Parent(child)), _)) => Report::Child(child.as_raw_nonzero().get()),
        Ok((Err(error), _)) => failure(&JoinError::Step("start a process in the container", error)),
        Err(error) => failure(&error),
    };
    // Without a listener there is nobody to tell, and the session ends by itself.
    let _ = reporter.report(&failed);
}

fn failure(error: &JoinError) -> Report {
    let hint = match error {
        JoinError::User(_) => Some("its users are those of its own /etc/passwd"),
        JoinError::Terminal(_) => Some("`ctr … exec` works without a terminal"),
        _ => None,
    };
    Report::Failed(Event::failed(STATUS_FAILED, &with_causes(error), hint))
}

fn step<T, E: Into<io::Error>>(what: &'static str, result: Result<T, E>) -> Result<T, JoinError> {
    result.map_err(|error| JoinError::Step(what, error.into()))
}

impl Join {
    /// Every step into the guest. The order is the point: see each.
    fn enter(mut self, reporter: &Reporter) -> Result<Execution, JoinError> {
        step("leave the host's keyring", leave_session_keyring())?;
        take_limits_of(self.leader.pid());
        umask(Mode::from_raw_mode(0o022));
        self.enter_namespaces()?;
        self.become_root_of_the_guest()?;
        // From here on, paths are the guest's, and whatever they lead to is opened with its rights.
        let account = self.account()?;
        let nixos = Path::new("/run/current-system/sw/bin").exists();
        let system = if nixos { System::NixOs } else { System::Usual };
        let streams = self.streams(&account, reporter)?;
        self.become_the_user(&account)?;
        Ok(Execution::new(account, system, &self.request, streams))
    }

    /// All at once, by the pidfd: no moment in some of them, and no path that could be swapped.
    fn enter_namespaces(&self) -> Result<(), JoinError> {
        let mut namespaces = ThreadNameSpaceType::MOUNT
            | ThreadNameSpaceType::PROCESS_ID
            | ThreadNameSpaceType::NETWORK
            | ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION
            | ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME
            | ThreadNameSpaceType::CONTROL_GROUP;
        // Joining the user namespace one is in already is refused (setns(2)).
        namespaces.set(ThreadNameSpaceType::USER, self.own_users);
        let pidfd = rustix::fd::AsFd::as_fd(&self.leader);
        step(
            "join the container's namespaces",
            move_into_thread_name_spaces(pidfd, namespaces),
        )?;
        step("enter the container's root", rustix::process::chdir("/"))
    }

    /// Root as the guest has it, with the guest's bounding set.
    fn become_root_of_the_guest(&self) -> Result<(), JoinError> {
        let (uid, gid) = (Uid::ROOT, Gid::ROOT);
        let ids = set_thread_groups(&[])
            .and_then(|()| set_thread_res_gid(gid, gid, gid))
            .and_then(|()| set_thread_res_uid(uid, uid, uid));
        step("become root of the container", ids)?;
        step("stay unreadable", not_dumpable())?;
        step("drop ambient capabilities", clear_ambient_capability_set())?;
        for bit in (0..64).filter(|bit| self.confinement.bounding & (1 << bit) == 0) {
            match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
                // Past the last capability that this kernel knows.
                Err(Errno::INVAL) => break,
                result => step("drop capabilities", result)?,
            }
        }
        Ok(())
    }

    fn account(&self) -> Result<Account, JoinError> {
        let user = self.request.user.as_deref().unwrap_or("root");
        let file = |path| read(path).map_err(|error| JoinError::File(path, error));
        Ok(look_up(user, &file("/etc/passwd")?, &file("/etc/group")?)?)
    }

    fn streams(&mut self, account: &Account, reporter: &Reporter) -> Result<Streams, JoinError> {
        if !self.request.terminal {
            return Ok(Streams::Pipes(std::mem::take(&mut self.stdio)));
        }
        let terminal = terminal::make(account.uid, self.request.rows, self.request.columns)?;
        step(
            "hand over the terminal",
            reporter.report_terminal(&terminal.master),
        )?;
        Ok(Streams::Terminal(terminal.slave))
    }

    /// The user, and the guest's seccomp filters, after which nothing more may need a right.
    fn become_the_user(&mut self, account: &Account) -> Result<(), JoinError> {
        step(
            "keep the right to install filters",
            set_keep_capabilities(true),
        )?;
        set_ids(account).map_err(|error| JoinError::Ids {
            uid: account.uid,
            gid: account.gid,
            source: error.into(),
        })?;
        // With no new privileges an exec by root gives back no capability: it has to have them.
        let bounding = CapabilitySet::from_bits_retain(self.confinement.bounding);
        let lasting = if account.uid == 0 {
            bounding
        } else {
            CapabilitySet::empty()
        };
        step(
            "reduce capabilities",
            hold(lasting | CapabilitySet::SYS_ADMIN),
        )?;
        step("stay unreadable", not_dumpable())?;
        if self.confinement.no_new_privileges {
            step("renounce new privileges", set_no_new_privs(true))?;
        }
        // Installed while no process of the guest can see this one. What the guest itself added
        // may lie about the calls after it; the watcher looks from outside before it says go.
        step(
            "install the container's filters",
            seccomp::install(&mut self.filters),
        )?;
        step("drop the right to install filters", hold(lasting))
    }
}

fn set_ids(account: &Account) -> Result<(), Errno> {
    let groups: Vec<Gid> = account.groups.iter().copied().map(Gid::from_raw).collect();
    let (uid, gid) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
    set_thread_groups(&groups)?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

fn hold(capabilities: CapabilitySet) -> Result<(), Errno> {
    let none = CapabilitySet::empty();
    // Nothing is inheritable: a file's own inheritable set could give it back to a plain user.
    let sets = CapabilitySets {
        effective: capabilities,
        permitted: capabilities,
        inheritable: none,
    };
    set_capabilities(None, sets)
}

/// A change of ids or rights puts the flag back to sysctl `fs.suid_dumpable` (prctl(2),
/// `PR_SET_DUMPABLE`), so it is cleared after each.
pub(super) fn not_dumpable() -> Result<(), Errno> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// A regular file of the guest; empty where there is none.
fn read(path: &str) -> io::Result<String> {
    // A FIFO in its place would wait for a writer without O_NONBLOCK.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(String::new()),
        Err(error) => return Err(error.into()),
    };
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::from(file).take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_regular_files_only_and_never_waits() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(read(fifo.to_str().unwrap()).is_err());
        assert!(read("/").is_err());
        assert_eq!(
            read(directory.path().join("none").to_str().unwrap()).unwrap(),
            ""
        );
        assert!(read("/proc/self/status").unwrap().starts_with("Name:"));
    }
}
