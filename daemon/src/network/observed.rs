//! What the kernel's network holds, as plain values.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::Serialize;

use crate::model::MachineName;

use super::desired::{LINK_GROUP, MacAddress};

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Link {
    /// The kernel's number for it, unique in its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its other names.
    pub altnames: Vec<String>,
    /// What it is, `bridge`, `veth`, `wireguard`; `None` for hardware.
    pub kind: Option<String>,
    /// Its alias: the mark of ownership on links of ours.
    pub alias: Option<String>,
    /// Its group of links; 0 is the default.
    pub group: u32,
    /// The bridge (or bond) that it is a port of, by number.
    pub controller: Option<u32>,
    /// The number of its other end: for a veth the peer, in whichever namespace that is.
    pub peer: Option<u32>,
    /// As a bridge's port, it may send a frame back where it came from.
    pub hairpin: bool,
    /// It is switched on.
    pub up: bool,
    /// Its link-layer address.
    pub mac: Option<MacAddress>,
}

impl Link {
    /// It carries the mark `alias`, or was left unfinished before it got one.
    pub fn is_marked(&self, kind: &str, alias: &str) -> bool {
        self.kind.as_deref() == Some(kind)
            && match &self.alias {
                Some(own) => own == alias,
                None => self.group == LINK_GROUP,
            }
    }

    /// It is a bridge of ours, whichever group's.
    pub fn is_our_bridge(&self) -> bool {
        self.kind.as_deref() == Some("bridge")
            && self
                .alias
                .as_ref()
                .map_or(self.group == LINK_GROUP, |it| it.starts_with("ctr:"))
    }

    /// It is known by `name`.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.altnames.iter().any(|alt| alt == name)
    }

    /// What it is, for people: `a bridge`, `a veth`, `an interface`.
    pub fn description(&self) -> String {
        let kind = self.kind.as_deref().unwrap_or("physical");
        match &self.alias {
            Some(alias) => format!("a {kind} interface with the alias `{alias}`"),
            None => format!("a {kind} interface"),
        }
    }
}

/// A unicast route of the main table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The interface it leads out of, by number.
    pub index: u32,
    /// Where it leads to.
    pub destination: Ipv4Net,
    /// The kernel made it for an address of that interface: the interface's own subnet.
    pub connected: bool,
    /// The next router.
    pub gateway: Option<std::net::Ipv4Addr>,
}

/// The interfaces of a namespace with their IPv4 addresses and routes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Interfaces {
    /// Every interface.
    pub links: Vec<Link>,
    /// Every IPv4 address, by the interface's number.
    pub addresses: Vec<(u32, Ipv4Net)>,
    /// The routes of the main table.
    pub routes: Vec<Route>,
}

impl Interfaces {
    /// The interface known by `name`.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.answers_to(name))
    }

    /// The interface with the number `index`.
    pub fn by_index(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }

    /// The addresses of the interface with the number `index`.
    pub fn addresses_of(&self, index: u32) -> impl Iterator<Item = Ipv4Net> {
        self.addresses
            .iter()
            .filter(move |(at, _)| *at == index)
            .map(|(_, address)| *address)
    }
}

/// Switches as they are; `None` is one that this kernel does not have.
pub type Sysctls = BTreeMap<String, Option<String>>;

/// All that decides about a group's bridge.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ObservedGroup {
    /// The host's interfaces.
    pub host: Interfaces,
    /// The switches of forwarding and of the bridge.
    pub sysctls: Sysctls,
    /// The addresses that guests which are up have as their gateway, each with one of those guests.
    pub gateways: BTreeMap<Ipv4Addr, MachineName>,
}

/// All that decides about a container's attachment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ObservedContainer {
    /// The interface of the host that has the name of the veth.
    pub veth: Option<Link>,
    /// The interface of the host that answers to the readable name.
    pub altname: Option<Link>,
    /// The interface of the host that has the name of the bridge.
    pub bridge: Option<Link>,
    /// What is at the namespace's path.
    pub namespace: ObservedNamespace,
}

/// What is at a namespace's path.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObservedNamespace {
    /// Nothing, or a file with no namespace mounted on it.
    #[default]
    Absent,
    /// A namespace that does not carry the mark of this machine.
    Foreign {
        /// The mark it carries.
        alias: Option<String>,
    },
    /// Ours.
    Ours(Inside),
}

/// The inside of a guest's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Inside {
    /// Its interfaces.
    pub interfaces: Interfaces,
    /// Its switches.
    pub sysctls: Sysctls,
}

/// Everything on the host that carries a mark of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Marked {
    /// Links, bridges and veths.
    pub links: Vec<Link>,
    /// Namespaces.
    pub namespaces: Vec<MarkedNamespace>,
}

/// A namespace that carries our mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MarkedNamespace {
    /// The name of its file, `ctr-<machine>`.
    pub name: String,
    /// The machine it was made for.
    pub machine: String,
}
