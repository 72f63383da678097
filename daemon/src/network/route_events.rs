//! The kernel's word of what changes in a network namespace (`rtnetlink(7)`, multicast groups).
//!
//! The kernel queues a message in every listening socket before it lets go of the lock under which
//! the change was made (`rtnl_mutex`). Who finds nothing to read in its socket has therefore seen
//! every change that has been made; that is what makes it sound to keep what was read before.

use std::cell::Cell;
use std::io;

use netlink_packet_route::link::LinkMessage;
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;
use nix::libc::MSG_DONTWAIT;
use rtnetlink::packet_core::{NetlinkBuffer, Parseable};
use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use tokio::io::unix::AsyncFd;

use super::message::read_link;
use super::netlink::has_number;
use super::observed::Link;

/// `RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR` and `RTNLGRP_IPV4_NETCONF` (`include/uapi/linux/rtnetlink.h`).
const OF_THE_HOST: [u32; 3] = [1, 5, 24];
/// `RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR` and `RTNLGRP_IPV4_ROUTE`.
const OF_A_NAMESPACE: [u32; 3] = [1, 5, 7];
/// More than any one message, in bytes.
const BUFFER: usize = 64 * 1024;

thread_local! {
    /// One for all sockets that a thread reads: a hundred of them were the most of what `ctrd` held.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}
/// What may wait to be read of the host's changes, in bytes: a hundred guests that start at once are
/// a thousand messages of some kilobytes. What is too much is [`Heard::Lost`].
const WAITING: usize = 8 * 1024 * 1024;

/// What a message is about. What it says is not used, but to tell news from none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// An interface came or changed, and is this now.
    Link(Link),
    /// An interface went.
    Gone(Link),
    /// Something about an interface as a bridge's port.
    Port {
        /// The interface.
        index: u32,
        /// It may send a frame back where it came from; `None` where it is a port no more.
        hairpin: Option<bool>,
    },
    /// An address of the interface with this number.
    Address(u32),
    /// A route.
    Route,
    /// A switch that holds for all interfaces: forwarding, for one.
    Switch,
    /// Not known: there was more than the socket holds, or a message that cannot be read.
    Lost,
}

/// A socket that hears of changes in the namespace it was opened in.
#[derive(Debug)]
pub(super) struct RouteEvents {
    socket: AsyncFd<Socket>,
}

impl RouteEvents {
    /// Listens to the host: interfaces, IPv4 addresses, switches. Call it in a tokio runtime.
    pub(super) fn of_the_host() -> io::Result<Self> {
        let socket = open(&OF_THE_HOST)?;
        // `SO_RCVBUFFORCE` of socket(7): the host's bound is made for everybody.
        set_socket_recv_buffer_size_force(&socket, WAITING)?;
        Self::new(socket)
    }

    /// Takes a socket of [`open_in_a_namespace`] into the runtime.
    #[expect(unsafe_code, reason = "tokio cannot know whose the descriptor is")]
    pub(super) fn new(socket: Socket) -> io::Result<Self> {
        // SAFETY: the descriptor is the socket's own, which closes it when it is dropped and never
        // before, and `AsyncFd` keeps the socket.
        let socket = unsafe { AsyncFd::register(socket)? };
        Ok(Self { socket })
    }

    /// Reads everything that waits to be read, without waiting for more.
    pub(super) fn drain(&self, mut each: impl FnMut(Heard)) {
        // Whoever drains another socket in `each` finds none here, and makes its own.
        let mut buffer = SCRATCH.take();
        buffer.reserve(BUFFER);
        loop {
            buffer.clear();
            match self.socket.get_ref().recv(&mut buffer, MSG_DONTWAIT) {
                Ok(_) => read(&buffer, &mut each),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if has_number(&error, Errno::ENOBUFS) => each(Heard::Lost),
                Err(error) => {
                    tracing::error!(%error, "failed to read what changed in the network");
                    each(Heard::Lost);
                    break;
                }
            }
        }
        SCRATCH.set(buffer);
    }

    /// Calls `heard` whenever there is something to read, which it does; returns when it says so.
    pub(super) async fn follow(&self, mut heard: impl FnMut() -> bool) {
        while let Ok(mut ready) = self.socket.readable().await {
            if !heard() {
                return;
            }
            ready.clear_ready();
        }
    }
}

/// A socket that listens to the namespace of the calling thread, which is a guest's.
pub(super) fn open_in_a_namespace() -> io::Result<Socket> {
    open(&OF_A_NAMESPACE)
}

fn open(groups: &[u32]) -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    for group in groups {
        socket.add_membership(*group)?;
    }
    socket.set_non_blocking(true)?;
    Ok(socket)
}

/// The messages of one datagram.
fn read(mut bytes: &[u8], each: &mut impl FnMut(Heard)) {
    while !bytes.is_empty() {
        let Ok(message) = NetlinkBuffer::new_checked(bytes) else {
            each(Heard::Lost);
            return;
        };
        if let Some(heard) = read_message(message.message_type(), message.payload()) {
            each(heard);
        }
        // NLMSG_ALIGN of netlink(7).
        let length = (message.length() as usize).next_multiple_of(4);
        bytes = bytes.get(length..).unwrap_or_default();
    }
}

/// `RTM_NEWLINK` and the like, rtnetlink(7).
const NEW_LINK: u16 = 16;
const GONE_LINK: u16 = 17;
const NEW_ADDRESS: u16 = 20;
const GONE_ADDRESS: u16 = 21;
const NEW_ROUTE: u16 = 24;
const GONE_ROUTE: u16 = 25;
/// `RTM_NEWNETCONF` (`include/uapi/linux/rtnetlink.h`).
const SWITCH: u16 = 80;
/// `AF_BRIDGE`: the message is about the port and not about the interface.
const OF_A_PORT: u8 = 7;

fn read_message(kind: u16, payload: &[u8]) -> Option<Heard> {
    // `ifinfomsg` and `ifaddrmsg` both have the interface's number at the fifth byte.
    let index = || {
        let bytes = payload.get(4..8)?.try_into().ok()?;
        Some(u32::from_ne_bytes(bytes))
    };
    let heard = match kind {
        NEW_LINK | GONE_LINK if payload.first() == Some(&OF_A_PORT) => {
            let hairpin = (kind == NEW_LINK).then(|| hairpin(payload)).flatten();
            index().map(|index| Heard::Port { index, hairpin })
        }
        NEW_LINK | GONE_LINK => LinkMessage::parse(payload).ok().map(|message| {
            let link = read_link(message);
            if kind == NEW_LINK {
                Heard::Link(link)
            } else {
                Heard::Gone(link)
            }
        }),
        NEW_ADDRESS | GONE_ADDRESS => index().map(Heard::Address),
        NEW_ROUTE | GONE_ROUTE => Some(Heard::Route),
        // One interface's is told whenever one is made; only what holds for all is of interest.
        SWITCH if !of_all_interfaces(payload) => return None,
        SWITCH => Some(Heard::Switch),
        _ => return None,
    };
    Some(heard.unwrap_or(Heard::Lost))
}

/// `IFLA_BRPORT_MODE` in `IFLA_PROTINFO` (`include/uapi/linux/if_link.h`), after `ifinfomsg`.
fn hairpin(payload: &[u8]) -> Option<bool> {
    let (_, port) = attributes(payload.get(16..)?).find(|(kind, _)| *kind == 12)?;
    let (_, mode) = attributes(port).find(|(kind, _)| *kind == 4)?;
    Some(mode.first()? != &0)
}

/// `NETCONFA_IFINDEX` is `NETCONFA_IFINDEX_ALL` (`include/uapi/linux/netconf.h`), after `netconfmsg`,
/// which is one byte and its padding.
fn of_all_interfaces(payload: &[u8]) -> bool {
    let all = (-1_i32).to_ne_bytes();
    attributes(payload.get(4..).unwrap_or_default()).any(|(kind, value)| kind == 1 && value == all)
}

/// The attributes of a message, rtnetlink(7), without the flags in their kinds; ends at one that is
/// none.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let [a, b, c, d, rest @ ..] = bytes else {
            return None;
        };
        let length = usize::from(u16::from_ne_bytes([*a, *b])).checked_sub(4)?;
        let value = rest.get(..length)?;
        bytes = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        // `NLA_TYPE_MASK` of `include/uapi/linux/netlink.h`.
        Some((u16::from_ne_bytes([*c, *d]) & 0x3fff, value))
    })
}

#[cfg(test)]
mod tests {
    use super::{Heard, read, read_message};

    /// `RTM_NEWNETCONF` with an interface's number, as the kernel writes it.
    fn switch(index: i32) -> Vec<u8> {
        let mut payload = vec![2, 0, 0, 0, 8, 0, 1, 0];
        payload.extend(index.to_ne_bytes());
        payload.extend([8, 0, 2, 0, 1, 0, 0, 0]);
        payload
    }

    #[test]
    fn a_switch_of_one_interface_is_no_news() {
        assert_eq!(read_message(80, &switch(-1)), Some(Heard::Switch));
        assert_eq!(read_message(80, &switch(7)), None);
        assert_eq!(read_message(80, &[2, 0, 0, 0, 1, 0]), None);
    }

    #[test]
    fn a_port_says_whether_it_sends_back() {
        let mut payload = vec![7, 0, 0, 0, 9, 0, 0, 0];
        payload.extend([0; 8]);
        payload.extend([8, 0, 10, 0, 4, 0, 0, 0]);
        payload.extend([
            20, 0, 12, 0x80, 5, 0, 1, 0, 3, 0, 0, 0, 5, 0, 4, 0, 1, 0, 0, 0,
        ]);
        let heard = |kind, hairpin| {
            assert_eq!(
                read_message(kind, &payload),
                Some(Heard::Port { index: 9, hairpin })
            );
        };
        heard(16, Some(true));
        heard(17, None);
    }

    #[test]
    fn what_cannot_be_read_is_not_nothing() {
        let mut heard = Vec::new();
        read(&[1, 2, 3], &mut |it| heard.push(it));
        assert_eq!(heard, [Heard::Lost]);
        assert_eq!(read_message(20, &[2, 24]), Some(Heard::Lost));
        assert_eq!(read_message(16, &[0; 3]), Some(Heard::Lost));
        // Neighbours, rules and all the rest are nobody's business here.
        assert_eq!(read_message(28, &[]), None);
    }
}
