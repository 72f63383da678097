//! The sets and maps of the tables, and what stands in them.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use nftables::schema::SetType;
use serde::Serialize;
use serde_json::Value;

use super::skeleton::Table;
use crate::model::Protocol;

/// A set or a map. Its name in the kernel starts with `ctr_`: nft does not quote names, and a bare
/// word such as `fwd` would be one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Set {
    /// The groups' bridges.
    Bridges,
    /// Each bridge with itself: traffic within a group.
    Within,
    /// A bridge and the address of a guest on it.
    Members,
    /// The groups' subnets.
    Subnets,
    /// A bridge and the host's address on it.
    Gateways,
    /// A bridge and what its guests may use of the host.
    HostPorts,
    /// A bridge and what its guests may open connections to in other groups.
    Reach,
    /// A port of the host, at every address of it, and the guest's address it leads to.
    PublishAddress,
    /// A port of the host, at every address of it, and the guest's port it leads to.
    PublishPort,
    /// A port at one address of the host, and the guest's address it leads to.
    PublishAtAddress,
    /// A port at one address of the host, and the guest's port it leads to.
    PublishAtPort,
    /// The guests' veths.
    Veths,
    /// A veth and the link-layer and IPv4 address that may come out of it.
    Guests,
}

/// The type of one part of a key or of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Interface,
    Address,
    Net,
    Protocol,
    Port,
    Ether,
}

impl Column {
    /// As nft types it.
    pub(super) const fn nft_type(self) -> SetType {
        match self {
            Self::Interface => SetType::Ifname,
            Self::Address | Self::Net => SetType::Ipv4Addr,
            Self::Protocol => SetType::InetProto,
            Self::Port => SetType::InetService,
            Self::Ether => SetType::EtherAddr,
        }
    }
}

impl Set {
    /// Every set and map.
    pub const ALL: [Self; 13] = [
        Self::Bridges,
        Self::Within,
        Self::Members,
        Self::Subnets,
        Self::Gateways,
        Self::HostPorts,
        Self::Reach,
        Self::PublishAddress,
        Self::PublishPort,
        Self::PublishAtAddress,
        Self::PublishAtPort,
        Self::Veths,
        Self::Guests,
    ];

    /// Its name in the kernel.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bridges => "ctr_bridges",
            Self::Within => "ctr_within",
            Self::Members => "ctr_members",
            Self::Subnets => "ctr_subnets",
            Self::Gateways => "ctr_gateways",
            Self::HostPorts => "ctr_host_ports",
            Self::Reach => "ctr_reach",
            Self::PublishAddress => "ctr_publish_address",
            Self::PublishPort => "ctr_publish_port",
            Self::PublishAtAddress => "ctr_publish_at_address",
            Self::PublishAtPort => "ctr_publish_at_port",
            Self::Veths => "ctr_veths",
            Self::Guests => "ctr_guests",
        }
    }

    /// The table it stands in.
    pub const fn table(self) -> Table {
        match self {
            Self::Veths | Self::Guests => Table::Bridge,
            _ => Table::Inet,
        }
    }

    /// The parts of its keys.
    pub(super) const fn key(self) -> &'static [Column] {
        match self {
            Self::Bridges | Self::Veths => &[Column::Interface],
            Self::Within => &[Column::Interface, Column::Interface],
            Self::Subnets => &[Column::Net],
            Self::Members | Self::Gateways => &[Column::Interface, Column::Address],
            Self::HostPorts => &[Column::Interface, Column::Protocol, Column::Port],
            Self::Reach => &[
                Column::Interface,
                Column::Address,
                Column::Protocol,
                Column::Port,
            ],
            Self::PublishAddress | Self::PublishPort => &[Column::Protocol, Column::Port],
            Self::PublishAtAddress | Self::PublishAtPort => {
                &[Column::Protocol, Column::Address, Column::Port]
            }
            Self::Guests => &[Column::Interface, Column::Ether, Column::Address],
        }
    }

    /// What a map leads to; `None` for a set.
    pub(super) const fn value(self) -> Option<Column> {
        match self {
            Self::PublishAddress | Self::PublishAtAddress => Some(Column::Address),
            Self::PublishPort | Self::PublishAtPort => Some(Column::Port),
            _ => None,
        }
    }
}

/// One part of a key, or a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// The name of an interface.
    Interface(String),
    /// An IPv4 address.
    Address(Ipv4Addr),
    /// A subnet.
    Net(Ipv4Net),
    /// TCP or UDP.
    Protocol(Protocol),
    /// A port.
    Port(u16),
    /// A link-layer address.
    Ether([u8; 6]),
}

/// The number of a protocol, which nft understands on every host; a name only where the host has an
/// `/etc/protocols`.
pub(super) const fn number(protocol: Protocol) -> u32 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
    }
}

impl Atom {
    /// Reads what `nft -j` prints for a part of this type.
    fn parse(column: Column, value: &Value) -> Option<Self> {
        match column {
            Column::Interface => Some(Self::Interface(value.as_str()?.to_owned())),
            Column::Address => value.as_str()?.parse().ok().map(Self::Address),
            Column::Net => {
                let prefix = value.get("prefix")?;
                let address = prefix.get("addr")?.as_str()?.parse().ok()?;
                let length = u8::try_from(prefix.get("len")?.as_u64()?).ok()?;
                Ipv4Net::new(address, length).ok().map(Self::Net)
            }
            // A name where the host has an /etc/protocols.
            Column::Protocol => [Protocol::Tcp, Protocol::Udp]
                .into_iter()
                .find(|&protocol| *value == protocol.as_str() || *value == number(protocol))
                .map(Self::Protocol),
            Column::Port => u16::try_from(value.as_u64()?).ok().map(Self::Port),
            Column::Ether => {
                let bytes: Option<Vec<u8>> = value
                    .as_str()?
                    .split(':')
                    .map(|byte| u8::from_str_radix(byte, 16).ok())
                    .collect();
                bytes?.try_into().ok().map(Self::Ether)
            }
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
            Self::Net(net) => net.fmt(f),
            Self::Protocol(protocol) => f.write_str(protocol.as_str()),
            Self::Port(port) => port.fmt(f),
            Self::Ether(bytes) => {
                let text: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                f.write_str(&text.join(":"))
            }
        }
    }
}

/// One element of a set or map.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    /// Which set.
    pub set: Set,
    /// Its key, one atom per part.
    pub key: Vec<Atom>,
    /// What it leads to, in a map.
    pub value: Option<Atom>,
}

impl Element {
    pub(super) fn new(set: Set, key: impl Into<Vec<Atom>>) -> Self {
        Self {
            set,
            key: key.into(),
            value: None,
        }
    }

    pub(super) fn leading_to(mut self, value: Atom) -> Self {
        self.value = Some(value);
        self
    }

    /// Reads what `nft -j` prints for an element of `set`: a bare key, a `concat` of parts, each of
    /// them wrapped in `elem` where somebody gave it a comment or a counter, and for a map a pair.
    pub(super) fn parse(set: Set, value: &Value) -> Option<Self> {
        let (key, leads_to) = match set.value() {
            None => (value, None),
            Some(column) => {
                let [key, leads_to] = value.as_array()?.as_slice() else {
                    return None;
                };
                (key, Some(Atom::parse(column, leads_to)?))
            }
        };
        let key = key.get("elem").map_or(Some(key), |elem| elem.get("val"))?;
        let columns = set.key();
        let parts = match columns {
            [_] => std::slice::from_ref(key),
            _ => key.get("concat")?.as_array()?.as_slice(),
        };
        if parts.len() != columns.len() {
            return None;
        }
        let key = columns
            .iter()
            .zip(parts)
            .map(|(column, part)| Atom::parse(*column, part));
        Some(Self {
            set,
            key: key.collect::<Option<Vec<_>>>()?,
            value: leads_to,
        })
    }
}

impl fmt::Display for Element {
    /// What it means, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.set, &*self.key, &self.value) {
            (Set::Bridges, [bridge], None) => write!(f, "group bridge {bridge}"),
            (Set::Within, [bridge, _], None) => write!(f, "traffic within {bridge}"),
            (Set::Members, [bridge, address], None) => {
                write!(f, "member {address} of {bridge}")
            }
            (Set::Subnets, [net], None) => write!(f, "way out for {net}"),
            (Set::Gateways, [bridge, address], None) => {
                write!(f, "ping from {bridge} to {address}")
            }
            (Set::HostPorts, [bridge, protocol, port], None) => {
                write!(f, "host port {protocol}/{port} for {bridge}")
            }
            (Set::Reach, [bridge, address, protocol, port], None) => {
                write!(f, "reach from {bridge} to {address} {protocol}/{port}")
            }
            (Set::PublishAddress | Set::PublishPort, [protocol, port], Some(target)) => {
                write!(f, "published {protocol}/{port} leading to {target}")
            }
            (
                Set::PublishAtAddress | Set::PublishAtPort,
                [protocol, address, port],
                Some(target),
            ) => write!(
                f,
                "published {address} {protocol}/{port} leading to {target}"
            ),
            (Set::Veths, [veth], None) => write!(f, "guest link {veth}"),
            (Set::Guests, [veth, mac, address], None) => {
                write!(f, "guest source {address} {mac} on {veth}")
            }
            (set, key, _) => write!(f, "{} {key:?}", set.name()),
        }
    }
}
