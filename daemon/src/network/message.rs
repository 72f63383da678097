//! From the kernel's messages to plain values.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoBridgePort, InfoPortData, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, Prop,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};

use super::desired::MacAddress;
use super::observed::{Link, Route};

/// An interface.
pub(super) fn read_link(message: LinkMessage) -> Link {
    let mut link = Link {
        index: message.header.index,
        up: message.header.flags.contains(LinkFlags::Up),
        ..Link::default()
    };
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name = name,
            LinkAttribute::IfAlias(alias) => link.alias = Some(alias),
            LinkAttribute::Group(group) => link.group = group,
            LinkAttribute::Controller(index) => link.controller = Some(index),
            LinkAttribute::Link(index) => link.peer = Some(index),
            LinkAttribute::Address(bytes) => link.mac = bytes.try_into().ok().map(MacAddress),
            LinkAttribute::PropList(props) => {
                link.altnames
                    .extend(props.into_iter().filter_map(|prop| match prop {
                        Prop::AltIfName(name) => Some(name),
                        _ => None,
                    }));
            }
            LinkAttribute::LinkInfo(infos) => read_link_info(&mut link, infos),
            _ => {}
        }
    }
    link
}

fn read_link_info(link: &mut Link, infos: Vec<LinkInfo>) {
    for info in infos {
        match info {
            LinkInfo::Kind(kind) => link.kind = Some(kind.to_string()),
            LinkInfo::PortData(InfoPortData::BridgePort(port)) => {
                link.hairpin = port
                    .iter()
                    .any(|info| matches!(info, InfoBridgePort::HairpinMode(true)));
            }
            _ => {}
        }
    }
}

/// An interface's own address: for a point-to-point link, `Address` is the other side's.
pub(super) fn read_address(message: &AddressMessage) -> Option<(u32, Ipv4Net)> {
    let find = |wanted: fn(&AddressAttribute) -> Option<IpAddr>| {
        message.attributes.iter().find_map(wanted)
    };
    let local = find(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let peer = find(|attribute| match attribute {
        AddressAttribute::Address(address) => Some(*address),
        _ => None,
    });
    let IpAddr::V4(address) = local.or(peer)? else {
        return None;
    };
    Some((
        message.header.index,
        Ipv4Net::new(address, message.header.prefix_len).ok()?,
    ))
}

/// A unicast route of the main table, once per interface it leads out of.
pub(super) fn read_route(message: &RouteMessage) -> Vec<Route> {
    let header = &message.header;
    if header.kind != RouteType::Unicast || header.table != RouteHeader::RT_TABLE_MAIN {
        return Vec::new();
    }
    let connected = header.protocol == RouteProtocol::Kernel && header.scope == RouteScope::Link;
    let (mut destination, mut gateway) = (Ipv4Addr::UNSPECIFIED, None);
    let mut indices = Vec::new();
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(address)) => destination = *address,
            RouteAttribute::Gateway(RouteAddress::Inet(address)) => gateway = Some(*address),
            RouteAttribute::Oif(index) => indices.push(*index),
            RouteAttribute::MultiPath(hops) => {
                indices.extend(hops.iter().map(|hop| hop.interface_index));
            }
            _ => {}
        }
    }
    let Ok(destination) = Ipv4Net::new(destination, header.destination_prefix_length) else {
        return Vec::new();
    };
    indices
        .into_iter()
        .map(|index| Route {
            index,
            destination,
            connected,
            gateway,
        })
        .collect()
}
