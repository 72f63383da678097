//! The client's end of the control socket (`ctr_api::session`).

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;

use ctr_api::session::{Event, MAX_MESSAGE, Request, decode, encode};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, Shutdown,
    SocketFlags, SocketType, recvmsg, send, shutdown, socketpair,
};
use tokio::sync::mpsc;

use super::SessionError;

/// An event, and the descriptor that came along.
type Heard = (Event, Option<OwnedFd>);

/// The line to the session. Dropping it hangs up.
#[derive(Debug)]
pub(super) struct Control {
    socket: Arc<OwnedFd>,
    events: mpsc::UnboundedReceiver<Heard>,
}

impl Control {
    /// A line, and its other end.
    pub(super) fn new() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let socket = Arc::new(ours);
        // A session sends a handful of events, so nothing bounds the queue but that.
        let (sender, events) = mpsc::unbounded_channel();
        let listener = Arc::clone(&socket);
        thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                while let Ok(heard) = receive(&listener) {
                    if sender.send(heard).is_err() {
                        break;
                    }
                }
            })?;
        Ok((Self { socket, events }, theirs))
    }

    /// The next event. Safe to give up and call again.
    pub(super) async fn hear(&mut self) -> Result<Heard, SessionError> {
        self.events.recv().await.ok_or(SessionError::Lost)
    }

    /// Has a signal sent to the command. A session that ended meanwhile needs none.
    pub(super) fn signal(&self, number: i32) {
        if let Ok(bytes) = encode(&Request::Signal { number }) {
            let _ = send(
                &self.socket,
                &bytes,
                SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
            );
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // The listening thread has the socket too; this ends the line for both.
        let _ = shutdown(&self.socket, Shutdown::Both);
    }
}

fn receive(socket: &OwnedFd) -> io::Result<Heard> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; MAX_MESSAGE];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::io::retry_on_intr(|| {
        recvmsg(
            socket,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut ancillary,
            flags,
        )
    })?;
    let descriptor = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    match bytes.get(..received.bytes) {
        None | Some([]) => Err(io::ErrorKind::UnexpectedEof.into()),
        Some(event) => Ok((decode(event)?, descriptor)),
    }
}
