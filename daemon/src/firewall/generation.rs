//! The number that the kernel counts the changes of nftables with. Decision 0017 has the reasons.
//!
//! A network namespace has one such number. Each transaction that changes anything of any table
//! adds one to it (`nf_tables_commit()` in `net/netfilter/nf_tables_api.c`), so that while it stays
//! what it was every table is what it was. Zero is skipped when it wraps.

use std::io;

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};

/// `NFNL_SUBSYS_NFTABLES`, `NFNL_MSG_BATCH_BEGIN`, `NFNL_MSG_BATCH_END`
/// (`include/uapi/linux/netfilter/nfnetlink.h`).
const NFTABLES: u16 = 10;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
/// `NFT_MSG_NEWGEN`, `NFT_MSG_GETGEN`, `NFTA_GEN_ID` (`include/uapi/linux/netfilter/nf_tables.h`).
const NEW_GENERATION: u16 = NFTABLES << 8 | 15;
const GET_GENERATION: u16 = NFTABLES << 8 | 16;
const GENERATION_ID: u16 = 1;
/// `NLM_F_REQUEST` and `NLMSG_ERROR` (`include/uapi/linux/netlink.h`).
const REQUEST: u16 = 1;
const ERROR: u16 = 2;
/// A `struct nlmsghdr` and a `struct nfgenmsg`, in bytes; an attribute begins with four more.
const HEADER: usize = 16;
const HEADERS: usize = 20;
const ATTRIBUTE: usize = 4;
/// More than any answer to these questions, in bytes.
const ANSWER: usize = 4096;

/// How many transactions a network namespace has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u32);

impl Generation {
    /// What it is after so many transactions more.
    pub(super) fn after(self, transactions: u32) -> Self {
        (0..transactions).fold(self, |Self(now), _| Self(now.wrapping_add(1).max(1)))
    }
}

/// Asks the kernel for its number: a message and its answer, without waiting.
#[derive(Debug, Default)]
pub(crate) struct Generations {
    /// Opened with the first question, in the network namespace of whoever asks.
    socket: Option<Socket>,
}

impl Generations {
    /// The number as it is. A transaction that is being made has been counted, and may not be seen
    /// yet by whoever lists the tables.
    pub(super) fn now(&mut self) -> io::Result<Generation> {
        let answer = self.ask(&message(GET_GENERATION, 0));
        if answer.is_err() {
            // An answer that comes later belongs to no question.
            self.socket = None;
        }
        answer
    }

    /// The number once every transaction that it counts is made and can be listed.
    ///
    /// It changes nothing: an empty batch takes the lock that a transaction holds until it is seen
    /// (`nf_tables_valid_genid()`), and has let it go when it is sent.
    pub(crate) fn settled(&mut self) -> io::Result<Generation> {
        let now = self.now()?;
        let mut batch = message(BATCH_BEGIN, NFTABLES);
        batch.extend(message(BATCH_END, NFTABLES));
        let sent = self.socket()?.send_to(&batch, &kernel(), 0);
        if sent.is_err() {
            self.socket = None;
        }
        sent.map(|_| now)
    }

    fn ask(&mut self, question: &[u8]) -> io::Result<Generation> {
        let socket = self.socket()?;
        socket.send_to(question, &kernel(), 0)?;
        // The kernel has answered before the question is sent.
        let mut answer = Vec::with_capacity(ANSWER);
        socket.recv(&mut answer, 0)?;
        read(&answer)
    }

    fn socket(&mut self) -> io::Result<&Socket> {
        if self.socket.is_none() {
            let mut socket = Socket::new(NETLINK_NETFILTER)?;
            socket.bind_auto()?;
            socket.set_non_blocking(true)?;
            self.socket = Some(socket);
        }
        self.socket.as_ref().ok_or_else(unexpected)
    }
}

fn kernel() -> SocketAddr {
    SocketAddr::new(0, 0)
}

/// One message without attributes: `struct nlmsghdr`, `struct nfgenmsg`.
fn message(kind: u16, resource: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADERS);
    bytes.extend(u32::try_from(HEADERS).unwrap_or_default().to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(REQUEST.to_ne_bytes());
    // The number of the message, and whose it is: the kernel fills in what it needs.
    bytes.extend([0; 8]);
    // The family: any; the version: 0. The resource goes in the order of the network.
    bytes.extend([0, 0]);
    bytes.extend(resource.to_be_bytes());
    bytes
}

fn read(answer: &[u8]) -> io::Result<Generation> {
    let kind = read_u16(answer, 4).ok_or_else(unexpected)?;
    if kind == ERROR {
        let number = answer.get(HEADER..HEADER + 4).ok_or_else(unexpected)?;
        let number = i32::from_ne_bytes(number.try_into().map_err(|_| unexpected())?);
        return Err(io::Error::from_raw_os_error(number.saturating_neg()));
    }
    if kind != NEW_GENERATION {
        return Err(unexpected());
    }
    let mut attributes = answer.get(HEADERS..).unwrap_or_default();
    while let (Some(length), Some(kind)) = (read_u16(attributes, 0), read_u16(attributes, 2)) {
        let length = usize::from(length);
        let value = attributes.get(ATTRIBUTE..length).ok_or_else(unexpected)?;
        if kind == GENERATION_ID {
            let value = value.try_into().map_err(|_| unexpected())?;
            return Ok(Generation(u32::from_be_bytes(value)));
        }
        let next = length.next_multiple_of(4).min(attributes.len());
        attributes = &attributes[next..];
    }
    Err(unexpected())
}

fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

fn unexpected() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the kernel's answer is not the number of a generation",
    )
}

#[cfg(test)]
mod tests {
    use super::{ERROR, Generation, NEW_GENERATION, message, read};

    fn answer(kind: u16, rest: &[&[u8]]) -> Vec<u8> {
        let mut bytes = message(kind, 0);
        bytes.extend(rest.concat());
        bytes
    }

    #[test]
    fn an_answer_is_read_whatever_else_is_in_it() {
        let pid: &[u8] = &[8, 0, 2, 0, 0, 0, 0, 9];
        let name: &[u8] = &[7, 0, 3, 0, b'n', b'f', b't', 0];
        let id: &[u8] = &[8, 0, 1, 0, 0, 0, 1, 2];
        for rest in [&[id][..], &[id, pid, name], &[name, pid, id]] {
            let read = read(&answer(NEW_GENERATION, rest)).expect("an answer");
            assert_eq!(read, Generation(258));
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        let short: &[u8] = &[8, 0, 1, 0, 0];
        let none: &[u8] = &[0, 0, 1, 0];
        for rest in [&[][..], &[short], &[none]] {
            assert!(read(&answer(NEW_GENERATION, rest)).is_err());
        }
        assert!(read(&[]).is_err() && read(&answer(3, &[])).is_err());
        let mut refused = answer(ERROR, &[]);
        refused[16..20].copy_from_slice(&(-1_i32).to_ne_bytes());
        let error = read(&refused).expect_err("refused");
        assert_eq!(error.raw_os_error(), Some(1));
    }

    #[test]
    fn zero_is_skipped() {
        assert_eq!(Generation(7).after(2), Generation(9));
        assert_eq!(Generation(u32::MAX).after(1), Generation(1));
        assert_eq!(Generation(u32::MAX - 1).after(3), Generation(2));
    }
}
