//! The client's line: the session's end of the control socket.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ctr_api::session::{Event, MAX_MESSAGE, Request, decode, encode};
use rustix::net::{RecvFlags, SendFlags};

use super::passing;

/// The client's line.
#[derive(Debug)]
pub(super) struct Client(OwnedFd);

/// The client closed its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

impl Client {
    /// The line on this socket.
    pub(super) fn on(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Tells it something. A client that is gone or does not read is not waited for.
    pub(super) fn tell(&self, event: &Event) {
        self.send(event, &[]);
    }

    /// Gives it the terminal.
    pub(super) fn give_terminal(&self, master: &OwnedFd) {
        self.send(&Event::Terminal, &[master.as_fd()]);
    }

    /// What it asks for; nothing where it said something that is no request.
    pub(super) fn hear(&self) -> Result<Option<Request>, Gone> {
        let mut bytes = [0; MAX_MESSAGE];
        match passing::receive(&self.0, &mut bytes, RecvFlags::DONTWAIT) {
            Ok((0, _)) => Err(Gone),
            Ok((length, _)) => Ok(bytes.get(..length).and_then(|bytes| decode(bytes).ok())),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Err(Gone),
            Err(_) => Ok(None),
        }
    }

    fn send(&self, event: &Event, descriptors: &[BorrowedFd<'_>]) {
        if let Ok(bytes) = encode(event) {
            let _ = passing::send(&self.0, &bytes, descriptors, SendFlags::DONTWAIT);
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::*;

    #[test]
    fn hears_requests_and_the_end_and_survives_nonsense() {
        let (ours, theirs) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )
        .unwrap();
        let client = Client::on(ours);
        let send = |bytes: &[u8]| passing::send(&theirs, bytes, &[], SendFlags::empty()).unwrap();
        send(b"nonsense");
        send(&encode(&Request::Signal { number: 2 }).unwrap());
        send(&[b'x'; 2 * MAX_MESSAGE]);
        assert_eq!(client.hear(), Ok(None));
        assert_eq!(client.hear(), Ok(Some(Request::Signal { number: 2 })));
        assert_eq!(client.hear(), Ok(None), "too long to be one of ours");
        assert_eq!(client.hear(), Ok(None), "nothing there yet");
        drop(theirs);
        assert_eq!(client.hear(), Err(Gone));
        client.tell(&Event::Started);
    }
}
