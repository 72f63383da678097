//! A running session: signals in, an exit status out.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ctr_api::session::{Event, Request};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::client::{Client, Gone};
use super::joining::Child;

/// How long a command may take to end after its client hung up.
const GRACE: Duration = Duration::from_secs(5);

/// What a command is told when its client is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HangUp {
    /// There is a terminal: what a terminal's end says.
    Terminal,
    /// There are pipes.
    Pipes,
}

impl HangUp {
    fn signal(self) -> i32 {
        match self {
            Self::Terminal => libc::SIGHUP,
            Self::Pipes => libc::SIGTERM,
        }
    }
}

/// How far a session has come.
enum Phase {
    Running,
    /// The client is gone; after this moment the command is killed.
    HungUp(Instant),
    Killed,
}

/// Passes signals on until the command ends, and tells the client how it did.
pub(super) fn watch(client: &Client, child: &Child, hang_up: HangUp) {
    let mut phase = Phase::Running;
    while !ended(client, child, &phase) {
        phase = match phase {
            Phase::Running => serve(client, child, hang_up),
            Phase::HungUp(end) if end > Instant::now() => Phase::HungUp(end),
            Phase::HungUp(_) | Phase::Killed => {
                send(child, libc::SIGKILL);
                Phase::Killed
            }
        };
    }
    client.tell(&outcome(child));
}

/// Does what the client asks for, or what its going away asks for.
fn serve(client: &Client, child: &Child, hang_up: HangUp) -> Phase {
    match client.hear() {
        Ok(Some(Request::Signal { number })) => send(child, number),
        Ok(None) => {}
        Err(Gone) => {
            send(child, hang_up.signal());
            // A stopped process does not act on a signal before it goes on.
            send(child, libc::SIGCONT);
            return Phase::HungUp(Instant::now() + GRACE);
        }
    }
    Phase::Running
}

/// Waits until the command ended (true) or there is something else to do.
fn ended(client: &Client, child: &Child, phase: &Phase) -> bool {
    let child = PollFd::new(&child.pidfd, PollFlags::IN);
    let line = PollFd::new(client, PollFlags::IN);
    // A line that is closed stays readable: whoever watched it on would never sleep.
    let (mut both, mut one) = ([child.clone(), line], [child]);
    let (descriptors, timeout): (&mut [PollFd<'_>], _) = match phase {
        Phase::Running => (&mut both, None),
        Phase::HungUp(end) => (
            &mut one,
            Some(end.saturating_duration_since(Instant::now())),
        ),
        Phase::Killed => (&mut one, None),
    };
    let timeout = timeout.and_then(|left| Timespec::try_from(left).ok());
    // An interrupted wait is a wait that found nothing.
    let _ = poll(descriptors, timeout.as_ref());
    descriptors
        .first()
        .is_some_and(|child| !child.revents().is_empty())
}

/// To its process group: the command and what it started in the foreground of its own.
///
/// Its PID is a child's that was not waited for, so the number cannot mean another process yet.
fn send(child: &Child, number: i32) {
    if let Ok(signal) = Signal::try_from(number) {
        let _ = killpg(Pid::from_raw(child.pid.as_raw_nonzero().get()), signal);
    }
}

fn outcome(child: &Child) -> Event {
    let status = waitid(WaitId::PidFd(child.pidfd.as_fd()), WaitIdOptions::EXITED)
        .ok()
        .flatten();
    let number = |value: Option<i32>| value.and_then(|value| u8::try_from(value).ok());
    match status {
        Some(status) if status.exited() => Event::Exited {
            status: number(status.exit_status()).unwrap_or(u8::MAX),
        },
        Some(status) => Event::Killed {
            signal: number(status.terminating_signal()).unwrap_or(9),
        },
        None => Event::Killed { signal: 9 },
    }
}
