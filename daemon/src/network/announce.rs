//! Tells a guest's neighbours its link-layer address: they may know another one for its IPv4 address.
#![allow(unsafe_code)]

use std::io;
use std::mem::size_of;
use std::os::fd::AsRawFd;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::desired::{Attachment, MacAddress};
use super::observe::ObserveError;
use super::{Network, namespace_files};

/// `ETH_P_ARP` (`linux/if_ether.h`).
const ARP: u16 = 0x0806;
const EVERYBODY: MacAddress = MacAddress([0xff; 6]);

impl Network {
    /// Announces a guest's address in its group (RFC 5227, 2.3): whoever has another guest's link-layer
    /// address for it, because that guest had the address before, would go on sending there until its own
    /// memory is in doubt, some ten seconds.
    pub async fn announce(&self, attachment: &Attachment) -> Result<(), ObserveError> {
        let error = |source| ObserveError {
            what: format!("the network namespace {}", attachment.namespace),
            source,
        };
        let path = self.paths.netns.join(&attachment.namespace);
        let Some(namespace) = namespace_files::open(&path).map_err(error)? else {
            return Ok(());
        };
        let frame = announcement(attachment.mac, attachment.address.addr().octets());
        self.thread
            .run_in(&namespace, move || send(&frame))
            .await
            .map_err(error)
    }
}

/// An Ethernet frame with an ARP request (RFC 826) for an address, from who has it.
fn announcement(mac: MacAddress, address: [u8; 4]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(42);
    frame.extend(EVERYBODY.0);
    frame.extend(mac.0);
    frame.extend(ARP.to_be_bytes());
    // Ethernet, IPv4, their lengths, and: a request.
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(mac.0);
    frame.extend(address);
    frame.extend([0; 6]);
    frame.extend(address);
    frame
}

/// Sends a frame out of the guest's interface in the namespace of the calling thread.
fn send(frame: &[u8]) -> io::Result<()> {
    // Of no protocol: it receives nothing (packet(7)).
    let socket = socket(
        AddressFamily::Packet,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let index = nix::net::if_::if_nametoindex(Attachment::INSIDE)?;
    // SAFETY: all fields of the structure are plain numbers, for which zero is a value.
    let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    to.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or_default();
    to.sll_protocol = ARP.to_be();
    to.sll_ifindex = i32::try_from(index).map_err(io::Error::other)?;
    to.sll_halen = 6;
    to.sll_addr[..6].copy_from_slice(&EVERYBODY.0);
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).unwrap_or_default();
    // SAFETY: both pointers lead to what the lengths beside them say, for as long as the call takes.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const to).cast(),
            length,
        )
    };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{MacAddress, announcement};

    #[test]
    fn the_frame_asks_everybody_for_the_address_of_its_own_sender() {
        let frame = announcement(MacAddress([10, 1, 2, 3, 4, 5]), [10, 77, 3, 11]);
        assert_eq!(
            frame,
            [
                255, 255, 255, 255, 255, 255, 10, 1, 2, 3, 4, 5, 8, 6, // Ethernet
                0, 1, 8, 0, 6, 4, 0, 1, // an ARP request
                10, 1, 2, 3, 4, 5, 10, 77, 3, 11, // from
                0, 0, 0, 0, 0, 0, 10, 77, 3, 11 // for
            ]
        );
    }
}
