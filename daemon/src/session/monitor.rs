//! The process that watches one session from the host's side, from before it exists to its end.
//!
//! It lives in the container unit's own `supervisor` cgroup, beside systemd-nspawn: so it outlives
//! `ctrd`, and ends with the container. It enters no namespace of the guest.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use ctr_api::session::{Event, STATUS_FAILED};
use rustix::fs::{Mode, OFlags, fchmod, open};
use rustix::process::setsid;
use rustix::thread::set_name;
use thiserror::Error;

use super::client::Client;
use super::handover::{Handover, Spec};
use super::join::{self, Join, not_dumpable};
use super::joining::{Joining, JoiningError};
use super::leader::{Leader, LeaderError};
use super::report::{Reporter, pair};
use super::settled::{Settled, UnsettledError, settled};
use super::syscalls::{Side, SingleThreaded, fork_into};
use super::watch::{HangUp, watch};
use crate::error_text::with_causes;

/// Why there is no session.
#[derive(Debug, Error)]
enum MonitorError {
    #[error("failed to {0}")]
    Step(&'static str, #[source] io::Error),
    #[error(transparent)]
    Leader(#[from] LeaderError),
    #[error(transparent)]
    Unsettled(#[from] UnsettledError),
    #[error("failed to start a process in the container")]
    Start(#[source] io::Error),
    #[error(transparent)]
    Joining(#[from] JoiningError),
}

/// What this process is after its fork.
enum Role {
    Joiner(Join, Reporter),
    Watcher(Joining),
}

/// The cgroup in which a session begins.
struct Place {
    /// In the words of `/proc/PID/cgroup`.
    name: String,
    cgroup: OwnedFd,
}

/// Watches one session to its end.
pub(super) fn run(threads: SingleThreaded, handover: Handover) {
    let Handover {
        spec,
        control,
        leader,
        stdio,
    } = handover;
    let client = Client::on(control);
    let hang_up = if spec.request.terminal {
        HangUp::Terminal
    } else {
        HangUp::Pipes
    };
    let begun = prepare(spec, leader, stdio, &client)
        .and_then(|(join, cgroup)| begin(threads, join, cgroup));
    let child = match begun {
        Ok(Role::Joiner(join, reporter)) => {
            drop(client);
            return join::run(threads, join, &reporter);
        }
        Ok(Role::Watcher(joining)) => joining.follow(&client).map_err(MonitorError::from),
        Err(error) => Err(error),
    };
    match child {
        Ok(child) => {
            client.tell(&Event::Started);
            watch(&client, &child, hang_up);
        }
        Err(error) => client.tell(&error.event()),
    }
}

fn step<T>(what: &'static str, result: Result<T, impl Into<io::Error>>) -> Result<T, MonitorError> {
    result.map_err(|error| MonitorError::Step(what, error.into()))
}

/// Everything that is done with the host's rights and the host's view.
fn prepare(
    spec: Spec,
    leader: OwnedFd,
    stdio: Vec<OwnedFd>,
    client: &Client,
) -> Result<(Join, Place), MonitorError> {
    step("leave the daemon's session", setsid())?;
    step("stay unreadable", not_dumpable())?;
    // A name for people; the session does not depend on it.
    let _ = set_name(c"ctr-session");
    let leader = Leader::from_parts(spec.leader, leader)?;
    // A guest is not harder to kill for memory because somebody looks into it, as ctrd may be.
    // Only the way down needs a right (`proc_pid_oom_score_adj(5)`), and that one is no loss.
    let _ = fs::write("/proc/self/oom_score_adj", leader.read("oom_score_adj")?);
    let Settled {
        cgroup,
        confinement,
        filters,
    } = settled(&leader, &spec, client)?;
    let cgroup = spec.enclosure.clone().unwrap_or(cgroup);
    let own_users = leader.namespace("user")? != own_namespace("user")?;
    for pipe in &stdio {
        // /dev/stdout opens the pipe anew, and is to work for the guest's users too. No other path
        // leads to a pipe than the /proc/PID/fd of those who hold it.
        step(
            "open the pipes to the container's users",
            fchmod(pipe, Mode::from_raw_mode(0o666)),
        )?;
    }
    let inside = cgroup.strip_prefix(&spec.cgroup_root).unwrap_or(&cgroup);
    let place = Place {
        name: format!("/{}", inside.display()),
        cgroup: step("open the container's cgroup", open_directory(&cgroup))?,
    };
    leader.alive()?;
    let request = spec.request;
    Ok((
        Join {
            leader,
            confinement,
            filters,
            own_users,
            request,
            stdio,
        },
        place,
    ))
}

/// Forks the process that joins. What only one side needs is closed on the other by its end.
fn begin(threads: SingleThreaded, join: Join, place: Place) -> Result<Role, MonitorError> {
    let (watcher, reporter) = step("make a socket", pair())?;
    match fork_into(threads, place.cgroup.as_fd()).map_err(MonitorError::Start)? {
        Side::Child => Ok(Role::Joiner(join, reporter)),
        Side::Parent(joiner) => {
            let Join {
                leader,
                confinement,
                ..
            } = join;
            Ok(Role::Watcher(Joining::new(
                watcher,
                joiner,
                leader,
                confinement,
                place.name,
            )))
        }
    }
}

/// A cgroup, as clone3(2) takes it.
pub(super) fn open_directory(path: &PathBuf) -> rustix::io::Result<OwnedFd> {
    open(
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

fn own_namespace(name: &str) -> Result<PathBuf, MonitorError> {
    step(
        "look at the host's namespaces",
        fs::read_link(format!("/proc/self/ns/{name}")),
    )
}

impl MonitorError {
    fn event(&self) -> Event {
        let hint = match self {
            Self::Joining(JoiningError::Reported(event)) => return event.clone(),
            Self::Joining(error) => error.hint(),
            Self::Unsettled(error) => error.hint(),
            // pids.max of a unit counts a process when it is born (cgroups(7)).
            Self::Start(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Some("it is at its limit of processes, `limits.tasks-max` in the declaration")
            }
            _ => None,
        };
        Event::failed(STATUS_FAILED, &with_causes(self), hint)
    }
}
