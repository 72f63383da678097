//! Whether the host itself serves a port.
//!
//! Publishing a port rewrites packets before the host's sockets see them, so a program of the host
//! that serves the same port would silently lose its clients.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::socket_diag;
use crate::model::Protocol;

/// A socket of the host that takes packets from anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// What it speaks.
    pub protocol: Protocol,
    /// Where it listens.
    pub address: SocketAddr,
}

/// The sockets of a `/proc/net/{tcp,tcp6,udp,udp6}` file that wait for anybody.
///
/// A line is `0: 0100007F:0277 00000000:0000 0A ...`: the local and the remote address, each 32-bit
/// word of it as the machine stores it, and the state, `TCP_LISTEN` = 10 or, for a UDP socket that
/// is not connected, `TCP_CLOSE` = 7 (`include/net/tcp_states.h`). Lines that read otherwise are
/// skipped.
pub fn parse_listeners(protocol: Protocol, text: &str) -> Vec<Listener> {
    let waiting = match protocol {
        Protocol::Tcp => "0A",
        Protocol::Udp => "07",
    };
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            let (local, _remote, state) = (words.next()?, words.next()?, words.next()?);
            let address = (state == waiting).then(|| parse_address(local))??;
            Some(Listener { protocol, address })
        })
        .collect()
}

fn parse_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |index: usize| {
        let digits = address.get(index * 8..index * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let address = match address.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            let address = Ipv6Addr::from(bytes);
            address
                .to_ipv4_mapped()
                .map_or(IpAddr::V6(address), IpAddr::V4)
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

/// The listener that publishing `port` at `address` (`None`: at every address of the host) would
/// cut off. A socket on `::` serves IPv4 as well unless it asked not to, which cannot be seen here.
pub fn find_listener(
    listeners: &[Listener],
    protocol: Protocol,
    address: Option<Ipv4Addr>,
    port: u16,
) -> Option<Listener> {
    let meets = |listener: IpAddr| match (listener, address) {
        (IpAddr::V6(own), _) => own.is_unspecified(),
        (IpAddr::V4(_), None) => true,
        (IpAddr::V4(own), Some(address)) => own.is_unspecified() || own == address,
    };
    listeners
        .iter()
        .copied()
        .filter(|listener| listener.protocol == protocol && listener.address.port() == port)
        .find(|listener| meets(listener.address.ip()))
}

/// Every socket that waits for anybody, in the network namespace of the calling thread.
pub fn listening() -> io::Result<Vec<Listener>> {
    // Not every kernel has it.
    socket_diag::listeners().or_else(|_| listeners_of_proc())
}

pub(super) fn listeners_of_proc() -> io::Result<Vec<Listener>> {
    let files = [
        (Protocol::Tcp, "/proc/thread-self/net/tcp"),
        (Protocol::Tcp, "/proc/thread-self/net/tcp6"),
        (Protocol::Udp, "/proc/thread-self/net/udp"),
        (Protocol::Udp, "/proc/thread-self/net/udp6"),
    ];
    let mut listeners = Vec::new();
    for (protocol, file) in files {
        match fs::read_to_string(file) {
            Ok(text) => listeners.extend(parse_listeners(protocol, &text)),
            // A kernel without IPv6 has no tcp6 and no udp6.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(listeners)
}

#[cfg(test)]
mod tests {
    use super::{find_listener, parse_listeners};
    use crate::model::Protocol;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt
   0: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0A01A8C0:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0A01A8C0:1F90 0B01A8C0:C350 01 00000000:00000000 00:00000000 00000000     0        0 3 1
";
    const TCP6: &str = "  sl  local_address                         remote_address
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0:0 0 0 0 0 9
   1: 0000000000000000FFFF00000100007F:2382 00000000000000000000000000000000:0000 0A 0:0 0 0 0 0 9
   2: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 0 0 0 0 9
";

    #[test]
    #[cfg(target_endian = "little")]
    fn listeners_are_read() {
        let found = parse_listeners(Protocol::Tcp, TCP);
        let text: Vec<_> = found
            .iter()
            .map(|listener| listener.address.to_string())
            .collect();
        assert_eq!(text, ["127.0.0.1:631", "192.168.1.10:443"]);
        let found = parse_listeners(Protocol::Tcp, TCP6);
        let text: Vec<_> = found
            .iter()
            .map(|listener| listener.address.to_string())
            .collect();
        assert_eq!(text, ["[::]:22", "127.0.0.1:9090", "[::1]:80"]);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_listener_meets_what_would_cut_it_off() {
        let listeners: Vec<_> = [TCP, TCP6]
            .iter()
            .flat_map(|text| parse_listeners(Protocol::Tcp, text))
            .collect();
        let meets = |address: Option<&str>, port| {
            let address = address.map(|text| text.parse().expect("an address"));
            find_listener(&listeners, Protocol::Tcp, address, port).is_some()
        };
        assert!(meets(None, 631) && meets(Some("127.0.0.1"), 631));
        assert!(
            !meets(Some("192.168.1.10"), 631),
            "another address of the host is free"
        );
        assert!(
            meets(Some("192.168.1.10"), 22),
            "a socket on :: serves every address"
        );
        assert!(!meets(None, 80), "::1 is no IPv4 address");
        assert!(!meets(None, 8080), "a connection is no listener");
    }
}
