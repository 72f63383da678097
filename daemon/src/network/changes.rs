//! Word from the kernel that something changed.

use std::io;

use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use netlink_sys::{AsyncSocket, AsyncSocketExt, TokioSocket};
use nix::errno::Errno;

use super::netlink::has_number;

/// `RTNLGRP_LINK` and `RTNLGRP_IPV4_IFADDR` (`include/uapi/linux/rtnetlink.h`).
const LINKS_AND_ADDRESSES: [u32; 2] = [1, 5];
/// `NFNLGRP_NFTABLES` (`include/uapi/linux/netfilter/nfnetlink.h`).
const TABLES: [u32; 1] = [7];
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
    /// Listens for interfaces and IPv4 addresses of the host that come, go or change. Call it in a
    /// tokio runtime.
    pub fn of_links() -> io::Result<Self> {
        Self::open(NETLINK_ROUTE, &LINKS_AND_ADDRESSES)
    }

    /// Listens for tables, rules and elements of nftables, anybody's. Call it in a tokio runtime.
    pub fn of_tables() -> io::Result<Self> {
        Self::open(NETLINK_NETFILTER, &TABLES)
    }

    fn open(protocol: isize, groups: &[u32]) -> io::Result<Self> {
        let mut socket = TokioSocket::new(protocol)?;
        socket.socket_mut().bind_auto()?;
        for group in groups {
            socket.socket_mut().add_membership(*group)?;
        }
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
