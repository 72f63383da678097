//! Word from the kernel that some table changed.

use std::io;

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{AsyncSocket, AsyncSocketExt, TokioSocket};
use nix::errno::Errno;

use super::netlink::has_number;

/// `NFNLGRP_NFTABLES` (`include/uapi/linux/netfilter/nfnetlink.h`).
const TABLES: u32 = 7;
/// More than any one message, in bytes; what a message says is not read.
const BUFFER: usize = 64 * 1024;

/// A listener that says when to look again, and nothing else: what there is now is observed, never
/// put together from messages. One's own changes are heard as well.
pub struct Changes {
    socket: TokioSocket,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

impl Changes {
    /// Listens for tables, rules and elements of nftables, anybody's. Call it in a tokio runtime.
    pub fn of_tables() -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_NETFILTER)?;
        socket.socket_mut().bind_auto()?;
        socket.socket_mut().add_membership(TABLES)?;
        Ok(Self {
            socket,
            buffer: Vec::with_capacity(BUFFER),
        })
    }

    /// Waits for the next change. May be dropped and called again without losing one.
    pub async fn next(&mut self) -> io::Result<()> {
        self.buffer.clear();
        match self.socket.recv(&mut self.buffer).await {
            // ENOBUFS: there was more to say than the socket holds, so something did change.
            Err(error) if has_number(&error, Errno::ENOBUFS) => Ok(()),
            result => result.map(drop),
        }
    }
}
