//! How the processes that become a session report to the one that watches it.
//!
//! A `SOCK_SEQPACKET` pair whose far end nobody holds any more once the command runs: every copy of
//! it closes on exec, so its end is the message that the command was executed.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use ctr_api::session::Event;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, socketpair};
use serde::{Deserialize, Serialize};

use super::passing;

/// What the watcher says once it has looked at the process: a guest's own seccomp filter could
/// answer "done" to a read(2), but not with these bytes.
const GO: &[u8] = b"go";

/// What the far end says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// The terminal is made; its master side comes along.
    Terminal,
    /// The process that will execute the command has this PID on the host.
    Child(i32),
    /// It is in its final shape and waits for `go`.
    Ready,
    /// There will be no session.
    Failed(Event),
}

/// The watcher's end.
#[derive(Debug)]
pub(super) struct Watcher(OwnedFd);

/// The end of the process that joins, and of the one that executes the command.
#[derive(Debug)]
pub(super) struct Reporter(OwnedFd);

/// Both ends.
pub(super) fn pair() -> io::Result<(Watcher, Reporter)> {
    let kind = (
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
    );
    let (near, far) = socketpair(kind.0, kind.1, kind.2, None)?;
    Ok((Watcher(near), Reporter(far)))
}

impl Watcher {
    /// The next report; nothing once the far end is closed everywhere.
    pub(super) fn next(&self) -> io::Result<Option<(Report, Option<OwnedFd>)>> {
        let mut bytes = [0; 2 * ctr_api::session::MAX_MESSAGE];
        let (length, descriptors) = passing::receive(&self.0, &mut bytes, RecvFlags::DONTWAIT)?;
        match bytes.get(..length) {
            None | Some([]) => Ok(None),
            Some(report) => Ok(Some((
                serde_json::from_slice(report)?,
                descriptors.into_iter().next(),
            ))),
        }
    }

    /// Lets the command be executed.
    pub(super) fn go(&self) -> io::Result<()> {
        passing::send(&self.0, GO, &[], SendFlags::DONTWAIT)
    }
}

impl AsFd for Watcher {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Reporter {
    /// Says something.
    pub(super) fn report(&self, report: &Report) -> io::Result<()> {
        passing::send(
            &self.0,
            &serde_json::to_vec(report)?,
            &[],
            SendFlags::empty(),
        )
    }

    /// Hands over the terminal's master side.
    pub(super) fn report_terminal(&self, master: &OwnedFd) -> io::Result<()> {
        let report = serde_json::to_vec(&Report::Terminal)?;
        passing::send(&self.0, &report, &[master.as_fd()], SendFlags::empty())
    }

    /// Waits until the command may be executed.
    pub(super) fn wait_for_go(&self) -> io::Result<()> {
        let mut answer = [0; GO.len() + 1];
        match rustix::io::read(&self.0, &mut answer) {
            Ok(length) if answer.get(..length) == Some(GO) => Ok(()),
            Ok(_) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_when_the_last_copy_is_closed() {
        let (watcher, reporter) = pair().unwrap();
        reporter.report(&Report::Child(7)).unwrap();
        reporter.report(&Report::Ready).unwrap();
        watcher.go().unwrap();
        reporter.wait_for_go().unwrap();
        drop(reporter);
        assert!(matches!(watcher.next(), Ok(Some((Report::Child(7), None)))));
        assert!(matches!(watcher.next(), Ok(Some((Report::Ready, None)))));
        assert!(matches!(watcher.next(), Ok(None)));
    }

    #[test]
    fn a_watcher_that_is_gone_says_no() {
        let (watcher, reporter) = pair().unwrap();
        drop(watcher);
        assert!(reporter.wait_for_go().is_err());
    }
}
