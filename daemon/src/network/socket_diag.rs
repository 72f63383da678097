//! The kernel's list of sockets that wait for anybody, by netlink (`sock_diag(7)`).
//!
//! `/proc/net/tcp` says the same, but the kernel goes through all of its table of connections for it,
//! which is sized by the machine's memory: milliseconds for each look. Asked this way for sockets that
//! listen it looks only where those are.

use std::io;
use std::net::{IpAddr, SocketAddr};

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_packet_sock_diag::{
    AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP, SockDiagMessage, TCP_CLOSE, TCP_LISTEN,
};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_SOCK_DIAG;

use super::listening::Listener;
use crate::model::Protocol;

/// Every socket that waits for anybody, in the network namespace of the calling thread.
///
/// Fails with `ENOENT` on a kernel without `tcp_diag` and `udp_diag`.
pub(super) fn listeners() -> io::Result<Vec<Listener>> {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    socket.connect(&netlink_sys::SocketAddr::new(0, 0))?;
    let mut found = Vec::new();
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        for family in [AF_INET, AF_INET6] {
            dump(&socket, protocol, family, &mut found)?;
        }
    }
    Ok(found)
}

fn dump(
    socket: &Socket,
    protocol: Protocol,
    family: u8,
    found: &mut Vec<Listener>,
) -> io::Result<()> {
    socket.send(&question(protocol, family), 0)?;
    loop {
        let (answer, _) = socket.recv_from_full()?;
        let mut rest = answer.as_slice();
        while !rest.is_empty() {
            let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            match message.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(it)) => {
                    let id = &it.header.socket_id;
                    let address = match id.source_address {
                        IpAddr::V6(own) => own.to_ipv4_mapped().map_or(IpAddr::V6(own), IpAddr::V4),
                        own @ IpAddr::V4(_) => own,
                    };
                    found.push(Listener {
                        protocol,
                        address: SocketAddr::new(address, id.source_port),
                    });
                }
                NetlinkPayload::Done(_) => return Ok(()),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
            // Messages begin at multiples of four bytes (`NLMSG_ALIGN` of netlink(3)).
            let length = message.header.length.next_multiple_of(4);
            let length = usize::try_from(length).map_err(io::Error::other)?;
            rest = rest.get(length.max(4)..).unwrap_or_default();
        }
    }
}

fn question(protocol: Protocol, family: u8) -> Vec<u8> {
    let (number, state) = match protocol {
        Protocol::Tcp => (IPPROTO_TCP, TCP_LISTEN),
        // What a UDP socket is called that is not connected.
        Protocol::Udp => (IPPROTO_UDP, TCP_CLOSE),
    };
    let request = InetRequest {
        family,
        protocol: number,
        extensions: ExtensionFlags::empty(),
        states: StateFlags::from_bits_truncate(1 << state),
        socket_id: if family == AF_INET {
            SocketId::new_v4()
        } else {
            SocketId::new_v6()
        },
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let payload = SockDiagMessage::InetRequest(request).into();
    let mut message = NetlinkMessage::new(header, payload);
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};

    use super::*;
    use crate::network::listening::listeners_of_proc;

    #[test]
    fn it_says_what_proc_says() {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let six = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).expect("bound");
        let address = tcp.local_addr().expect("bound");
        let client = TcpStream::connect(address).expect("connected");
        let [by_netlink, by_proc] = [listeners(), listeners_of_proc()].map(|it| it.expect("read"));
        let own = [
            (Protocol::Tcp, address),
            (Protocol::Udp, udp.local_addr().expect("bound")),
            (Protocol::Tcp, six.local_addr().expect("bound")),
        ];
        for (protocol, address) in own {
            let listener = Listener { protocol, address };
            assert!(by_netlink.contains(&listener), "{listener:?}");
            assert!(by_proc.contains(&listener), "{listener:?}");
        }
        // The control: a connection waits for nobody.
        let address = client.local_addr().expect("connected");
        let connected = Listener {
            protocol: Protocol::Tcp,
            address,
        };
        assert!(!by_netlink.contains(&connected) && !by_proc.contains(&connected));
    }
}
