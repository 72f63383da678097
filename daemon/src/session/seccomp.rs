//! The guest's seccomp filters, taken from its first process and put on a session.
//!
//! The filters themselves are copied, not written again from a list: they are what systemd-nspawn
//! of this host installed for this guest, and whatever the guest added. They only ever grow, so the
//! copy is complete as soon as it has as many as `/proc/PID/status` counts.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use rustix::process::Pid;
use thiserror::Error;

use super::confinement::Seccomp;
use super::syscalls::{Filter, install_seccomp_filter, seccomp_filter};

/// How often to look whether the tracee stopped, and how long to wait at first: 2 s in all.
const LOOKS: u32 = 16;
const FIRST_WAIT: Duration = Duration::from_micros(30);

/// The guest's filters cannot be had, so there is no session: one without them would be more than
/// the guest is.
#[derive(Debug, Error)]
pub(super) enum SeccompError {
    /// ptrace(2) was refused.
    #[error("failed to trace the container's first process to copy its seccomp filters")]
    Trace(#[source] io::Error),
    /// It did not stop for us.
    #[error("the container's first process did not answer in time")]
    Stuck,
    /// The kernel did not give them.
    #[error("failed to copy the container's seccomp filters")]
    Copy(#[source] io::Error),
    /// A copy with fewer filters than the guest has.
    #[error("{copied} of the container's {all} seccomp filters could be copied")]
    Incomplete {
        /// How many there are.
        all: usize,
        /// How many could be had.
        copied: usize,
    },
    /// The strict mode.
    #[error("the container's first process is in seccomp's strict mode")]
    Strict,
}

impl SeccompError {
    /// What a person can do about it.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Trace(_) => Some(
                "something else may be tracing it, or sysctl kernel.yama.ptrace_scope is 3: \
                 a session without the container's own limits is refused",
            ),
            Self::Copy(_) => Some(
                "the kernel needs CONFIG_CHECKPOINT_RESTORE, and ctrd.service no SystemCallFilter=",
            ),
            _ => None,
        }
    }
}

/// The filters of this process, oldest first.
///
/// It is stopped for some microseconds, like by `SIGSTOP`, but invisibly (ptrace(2),
/// `PTRACE_SEIZE` and `PTRACE_INTERRUPT`).
pub(super) fn filters_of(leader: Pid, seccomp: Seccomp) -> Result<Vec<Filter>, SeccompError> {
    let all = match seccomp {
        Seccomp::Off => return Ok(Vec::new()),
        Seccomp::Strict => return Err(SeccompError::Strict),
        Seccomp::Filters(all) => all,
    };
    let pid = nix::unistd::Pid::from_raw(leader.as_raw_pid());
    ptrace::seize(pid, ptrace::Options::empty()).map_err(|e| SeccompError::Trace(e.into()))?;
    let stopped = stop(pid);
    let copied = match &stopped {
        Ok(_) => copy(leader),
        Err(_) => Ok(Vec::new()),
    };
    // A signal that was just being delivered is delivered now.
    let _ = ptrace::detach(pid, stopped?);
    let mut filters = copied.map_err(SeccompError::Copy)?;
    if filters.len() != all {
        return Err(SeccompError::Incomplete {
            all,
            copied: filters.len(),
        });
    }
    filters.reverse();
    Ok(filters)
}

/// Stops it, and says which signal that kept from it, if any.
fn stop(pid: nix::unistd::Pid) -> Result<Option<nix::sys::signal::Signal>, SeccompError> {
    ptrace::interrupt(pid).map_err(|e| SeccompError::Trace(e.into()))?;
    let mut wait = FIRST_WAIT;
    for _ in 0..LOOKS {
        match waitpid(pid, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
            Ok(WaitStatus::Stopped(_, signal)) => return Ok(Some(signal)),
            Ok(WaitStatus::PtraceEvent(..)) => return Ok(None),
            Ok(WaitStatus::StillAlive) => {
                sleep(wait);
                wait *= 2;
            }
            Ok(_) => return Err(SeccompError::Stuck),
            Err(error) => return Err(SeccompError::Trace(error.into())),
        }
    }
    Err(SeccompError::Stuck)
}

fn copy(leader: Pid) -> io::Result<Vec<Filter>> {
    let mut filters = Vec::new();
    // The kernel bounds all filters of a process to 32768 instructions.
    for index in 0..4096 {
        match seccomp_filter(leader, index)? {
            Some(filter) => filters.push(filter),
            None => break,
        }
    }
    Ok(filters)
}

/// Puts all of them on this process, in the order in which the guest got them.
pub(super) fn install(filters: &mut [Filter]) -> io::Result<()> {
    filters.iter_mut().try_for_each(install_seccomp_filter)
}
