//! What `ctrd` gives the process that watches a session: names and numbers as JSON, the rest as
//! descriptors. Nothing of it is in arguments or environment, which everybody on the host can read.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use ctr_api::wire::SessionRequest;
use rustix::net::{RecvFlags, SendFlags};
use serde::{Deserialize, Serialize};

use super::passing;

/// The longest request, as JSON. execve(2) takes less.
const MAX_SPEC: u64 = 4 << 20;

/// The words of a handover.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Spec {
    /// The guest's first process, on the host.
    pub(super) leader: i32,
    /// The cgroup2 file system.
    pub(super) cgroup_root: PathBuf,
    /// The cgroup of the container's unit there, `…/ctr-ml-ollama.service`.
    pub(super) unit_cgroup: PathBuf,
    /// A cgroup beside the guest's, for a command of which nothing is to stay; the guest's own where
    /// there is none.
    pub(super) enclosure: Option<PathBuf>,
    /// What the session is to be.
    pub(super) request: SessionRequest,
}

impl Spec {
    /// Where the container's own supervision lives, which no guest can enter.
    pub(super) fn supervisor_cgroup(&self) -> PathBuf {
        self.unit_cgroup.join("supervisor")
    }
}

/// A handover as it arrives.
#[derive(Debug)]
pub(super) struct Handover {
    /// The words.
    pub(super) spec: Spec,
    /// The session's end of the control socket.
    pub(super) control: OwnedFd,
    /// The guest's first process.
    pub(super) leader: OwnedFd,
    /// The command's standard streams; empty where a terminal is to be made.
    pub(super) stdio: Vec<OwnedFd>,
}

/// Sends all of it, and says that nothing follows.
pub(super) fn send(
    mut to: &UnixStream,
    spec: &Spec,
    control: &OwnedFd,
    leader: &OwnedFd,
    stdio: &[OwnedFd],
) -> io::Result<()> {
    let descriptors: Vec<BorrowedFd<'_>> = [control, leader]
        .into_iter()
        .chain(stdio)
        .map(AsFd::as_fd)
        .collect();
    passing::send(to, b"s", &descriptors, SendFlags::empty())?;
    to.write_all(&serde_json::to_vec(spec)?)?;
    to.shutdown(std::net::Shutdown::Write)
}

/// Receives all of it.
pub(super) fn receive(from: &UnixStream) -> io::Result<Handover> {
    let (_, descriptors) = passing::receive(from, &mut [0], RecvFlags::empty())?;
    let mut descriptors = descriptors.into_iter();
    let (Some(control), Some(leader)) = (descriptors.next(), descriptors.next()) else {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    };
    let mut words = Vec::new();
    from.take(MAX_SPEC).read_to_end(&mut words)?;
    Ok(Handover {
        spec: serde_json::from_slice(&words)?,
        control,
        leader,
        stdio: descriptors.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrives_as_it_was_sent() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let file = || OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let spec = Spec {
            leader: 7,
            cgroup_root: "/sys/fs/cgroup".into(),
            unit_cgroup: "/sys/fs/cgroup/a".into(),
            enclosure: Some("/sys/fs/cgroup/a/probe".into()),
            request: SessionRequest {
                command: vec!["sh".into(), "x".repeat(500_000)],
                ..SessionRequest::default()
            },
        };
        let receiver = std::thread::spawn(move || receive(&theirs).unwrap());
        send(&ours, &spec, &file(), &file(), &[file(), file(), file()]).unwrap();
        let handover = receiver.join().unwrap();
        assert_eq!(handover.spec, spec);
        assert_eq!(handover.stdio.len(), 3);
    }
}
