//! The typed netlink socket; with `message`, the only files that know the message types.
//!
//! Errors are the kernel's, as [`io::Error`] with its number.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use ipnet::Ipv4Net;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{InfoData, InfoVeth, LinkAttribute, LinkExtentMask, LinkMessage};
use nix::errno::Errno;
use rtnetlink::packet_core::DefaultNla;
use rtnetlink::{
    Handle, LinkBridge, LinkBridgePort, LinkMessageBuilder, LinkUnspec, LinkVeth,
    RouteMessageBuilder,
};
use tokio::runtime;
use tokio::sync::Mutex;

use super::desired::{Attachment, LINK_GROUP, MacAddress};
use super::message::{read_address, read_link, read_route};
use super::namespace_thread::NamespaceThread;
use super::observed::{Interfaces, Link};
use crate::os::failpoint;

/// `IFLA_ALT_IFNAME`: like `IFLA_IFNAME`, for names longer than 15 bytes (`include/uapi/linux/if_link.h`).
const IFLA_ALT_IFNAME: u16 = 53;

/// A connection to the kernel, of the namespace it was opened in.
#[derive(Debug, Clone)]
pub(super) struct Socket {
    handle: Handle,
    /// Held while a list is read: a socket answers EBUSY to a second dump beside a first one
    /// (`__netlink_dump_start()` in `net/netlink/af_netlink.c`).
    dump: Arc<Mutex<()>>,
}

impl Socket {
    /// Opens a socket in the namespace of the calling thread.
    pub(super) fn open() -> io::Result<Self> {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        tokio::spawn(connection);
        Ok(Self {
            handle,
            dump: Arc::default(),
        })
    }

    /// Opens a socket in another namespace; a socket stays in the one it was made in.
    pub(super) async fn open_in(thread: &NamespaceThread, namespace: &OwnedFd) -> io::Result<Self> {
        let runtime = runtime::Handle::current();
        let opened = thread.run_in(namespace, move || {
            let _reactor = runtime.enter();
            let (connection, handle, _) = rtnetlink::new_connection()?;
            Ok((connection, handle))
        });
        let (connection, handle) = opened.await?;
        tokio::spawn(connection);
        Ok(Self {
            handle,
            dump: Arc::default(),
        })
    }

    /// The interface known by `name`; `None` where there is none.
    pub(super) async fn link(&self, name: &str) -> io::Result<Option<Link>> {
        let mut request = self.handle.link().get().match_index(0);
        let attribute = if name.len() <= crate::model::INTERFACE_NAME_MAX {
            LinkAttribute::IfName(name.to_owned())
        } else {
            let text = name.bytes().chain([0]).collect();
            LinkAttribute::Other(DefaultNla::new(IFLA_ALT_IFNAME, text))
        };
        let attributes = &mut request.message_mut().attributes;
        attributes.push(attribute);
        attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
        let mut answer = Box::pin(request.execute());
        match answer.next().await {
            Some(Ok(message)) => Ok(Some(read_link(message))),
            Some(Err(error)) => absent(io_error(error)),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Every interface with its IPv4 addresses and routes.
    pub(super) async fn interfaces(&self) -> io::Result<Interfaces> {
        let links = self.links().await?;
        let addresses = self.addresses().await?;
        let _dump = self.dump.lock().await;
        let request = self
            .handle
            .route()
            .get(RouteMessageBuilder::<Ipv4Addr>::new().build());
        let routes: Vec<_> = request.execute().map_err(io_error).try_collect().await?;
        Ok(Interfaces {
            links,
            addresses,
            routes: routes.iter().flat_map(read_route).collect(),
        })
    }

    /// Every IPv4 address, by the interface's number.
    pub(super) async fn addresses(&self) -> io::Result<Vec<(u32, Ipv4Net)>> {
        let _dump = self.dump.lock().await;
        let mut request = self.handle.address().get();
        request.message_mut().header.family = AddressFamily::Inet;
        let addresses: Vec<_> = request.execute().map_err(io_error).try_collect().await?;
        Ok(addresses.iter().filter_map(read_address).collect())
    }

    /// Every interface.
    pub(super) async fn links(&self) -> io::Result<Vec<Link>> {
        let _dump = self.dump.lock().await;
        let request = self
            .handle
            .link()
            .get()
            .set_filter_mask(AddressFamily::Unspec, vec![LinkExtentMask::SkipStats]);
        request
            .execute()
            .map_ok(read_link)
            .map_err(io_error)
            .try_collect()
            .await
    }

    /// Makes a bridge, switched off.
    pub(super) async fn create_bridge(&self, name: &str, mac: MacAddress) -> io::Result<()> {
        let message = LinkMessageBuilder::<LinkBridge>::new(name)
            .address(mac.0.to_vec())
            .link_group(LINK_GROUP)
            .build();
        self.handle
            .link()
            .add(message)
            .execute()
            .await
            .map_err(io_error)?;
        failpoint("bridge created");
        Ok(())
    }

    /// Makes a veth: the host's end, switched off, in the bridge with the number `bridge`; the
    /// other directly in `namespace`. (An end that is made in another namespace cannot be switched
    /// on by the same message: `veth_open()` wants its peer first.)
    pub(super) async fn create_veth(
        &self,
        attachment: &Attachment,
        bridge: u32,
        namespace: &OwnedFd,
    ) -> io::Result<()> {
        let peer = LinkMessageBuilder::<LinkUnspec>::new()
            .name(Attachment::INSIDE)
            .address(attachment.mac.0.to_vec())
            .setns_by_fd(namespace.as_raw_fd())
            .build();
        let message = LinkVeth::new(attachment.veth.as_str(), Attachment::INSIDE)
            .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
            .address(attachment.veth_mac.0.to_vec())
            .controller(bridge)
            .link_group(LINK_GROUP)
            .build();
        self.handle
            .link()
            .add(message)
            .execute()
            .await
            .map_err(io_error)?;
        failpoint("veth created");
        Ok(())
    }

    /// Marks a link.
    pub(super) async fn set_alias(&self, index: u32, alias: &str) -> io::Result<()> {
        self.change(LinkUnspec::new_with_index(index).alias(alias).build())
            .await?;
        failpoint("alias set");
        Ok(())
    }

    /// Switches a link on.
    pub(super) async fn set_up(&self, index: u32) -> io::Result<()> {
        self.change(LinkUnspec::new_with_index(index).up().build())
            .await?;
        failpoint("link switched on");
        Ok(())
    }

    /// Makes a link a port of the bridge with the number `bridge`.
    ///
    /// A port may send a frame back to where it came from: with `br_netfilter`, a guest that calls a
    /// published port of its own is sent back by the bridge itself.
    pub(super) async fn set_port(&self, index: u32, bridge: u32) -> io::Result<()> {
        self.change(LinkUnspec::new_with_index(index).controller(bridge).build())
            .await?;
        failpoint("link put into its bridge");
        let message = LinkBridgePort::new(index).hairpin(true).build();
        self.handle
            .link()
            .set_port(message)
            .execute()
            .await
            .map_err(io_error)?;
        failpoint("port set");
        Ok(())
    }

    async fn change(&self, message: LinkMessage) -> io::Result<()> {
        self.handle
            .link()
            .change(message)
            .execute()
            .await
            .map_err(io_error)
    }

    /// Gives a link one more name; another interface may have it.
    pub(super) async fn add_altname(&self, index: u32, altname: &str) -> io::Result<()> {
        let request = self
            .handle
            .link()
            .property_add(index)
            .alt_ifname(&[altname]);
        let answer = request.execute().await.map_err(io_error);
        failpoint("altname added");
        existing(answer)
    }

    /// Gives an interface an address; it may have it already.
    pub(super) async fn add_address(&self, index: u32, address: Ipv4Net) -> io::Result<()> {
        let ip = IpAddr::V4(address.addr());
        let request = self.handle.address().add(index, ip, address.prefix_len());
        let answer = request.execute().await.map_err(io_error);
        failpoint("address added");
        existing(answer)
    }

    /// Takes an address from an interface; it may be gone.
    pub(super) async fn remove_address(&self, index: u32, address: Ipv4Net) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.index = index;
        message.header.prefix_len = address.prefix_len();
        message
            .attributes
            .push(AddressAttribute::Local(IpAddr::V4(address.addr())));
        let answer = self
            .handle
            .address()
            .del(message)
            .execute()
            .await
            .map_err(io_error);
        failpoint("address removed");
        match answer {
            Err(error) if has_number(&error, Errno::EADDRNOTAVAIL) => Ok(()),
            result => result,
        }
    }

    /// Sets the default route.
    pub(super) async fn set_default_route(&self, gateway: Ipv4Addr) -> io::Result<()> {
        let message = RouteMessageBuilder::<Ipv4Addr>::new()
            .gateway(gateway)
            .build();
        self.handle
            .route()
            .add(message)
            .replace()
            .execute()
            .await
            .map_err(io_error)?;
        failpoint("route set");
        Ok(())
    }

    /// Deletes a link; it may be gone.
    pub(super) async fn delete_link(&self, index: u32) -> io::Result<()> {
        let answer = self
            .handle
            .link()
            .del(index)
            .execute()
            .await
            .map_err(io_error);
        failpoint("link deleted");
        match answer {
            Err(error) if has_number(&error, Errno::ENODEV) => Ok(()),
            result => result,
        }
    }

    /// Deletes every link of [`LINK_GROUP`] at once; there may be none.
    pub(super) async fn delete_link_group(&self) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::Group(LINK_GROUP));
        let answer = self
            .handle
            .link()
            .del_with_message(message)
            .execute()
            .await
            .map_err(io_error);
        failpoint("group of links deleted");
        match answer {
            Err(error) if has_number(&error, Errno::ENODEV) => Ok(()),
            result => result,
        }
    }
}

/// Whether the kernel's answer was `number`.
pub(super) fn has_number(error: &io::Error, number: Errno) -> bool {
    error.raw_os_error() == Some(number as i32)
}

/// "No such device" as an answer, every other failure as one.
fn absent<T>(error: io::Error) -> io::Result<Option<T>> {
    if has_number(&error, Errno::ENODEV) {
        Ok(None)
    } else {
        Err(error)
    }
}

/// "Exists already" is success.
fn existing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if has_number(&error, Errno::EEXIST) => Ok(()),
        result => result,
    }
}

fn io_error(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        error => io::Error::other(error),
    }
}
