//! One change of the network, complete in itself.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::Serialize;

use super::desired::{Attachment, Bridge, Sysctl};

/// Whose interfaces and switches a step changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The host's.
    Host,
    /// A named namespace's, `ctr-<machine>`.
    Namespace(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str(""),
            Self::Namespace(name) => write!(f, " in {name}"),
        }
    }
}

/// One change. Every step may be repeated: what it makes may be there already, what it removes may
/// be gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Set a switch.
    SetSysctl {
        /// Where.
        place: Place,
        /// Which, to what.
        sysctl: Sysctl,
    },
    /// Make a bridge with everything that belongs to it, and switch it on.
    CreateBridge(Bridge),
    /// Put our mark on a link of the host that was left without.
    SetAlias {
        /// The link.
        interface: String,
        /// The mark.
        alias: String,
    },
    /// Give a link of the host a name that people can read.
    AddAltname {
        /// The link.
        interface: String,
        /// The name.
        altname: String,
    },
    /// Give an interface an address.
    AddAddress {
        /// Where.
        place: Place,
        /// The interface.
        interface: String,
        /// The address.
        address: Ipv4Net,
    },
    /// Take an address from an interface.
    RemoveAddress {
        /// Where.
        place: Place,
        /// The interface.
        interface: String,
        /// The address.
        address: Ipv4Net,
    },
    /// Switch an interface on.
    SetUp {
        /// Where.
        place: Place,
        /// The interface.
        interface: String,
    },
    /// Make a namespace: marked, its switches set, its `lo` on, then named.
    CreateNamespace {
        /// Its name, `ctr-<machine>`.
        namespace: String,
        /// Its mark, `ctr:<machine>`.
        alias: String,
    },
    /// Give its name back to the namespace of a guest that runs.
    BindNamespace {
        /// Its name, `ctr-<machine>`.
        namespace: String,
        /// The mark it carries, `ctr:<machine>`.
        alias: String,
        /// A process of the host that stands in it: systemd-nspawn's own, which no guest can move.
        process: u32,
    },
    /// Make the veth between a bridge and a namespace, with everything on both ends.
    Connect(Attachment),
    /// Make a veth's end a port of its bridge.
    SetPort {
        /// The host's end.
        veth: String,
        /// The bridge.
        bridge: String,
    },
    /// Lead everything unknown out of a namespace by way of its gateway.
    SetDefaultRoute {
        /// The namespace.
        namespace: String,
        /// The gateway.
        gateway: Ipv4Addr,
    },
    /// Delete an interface that carries our mark.
    DeleteLink {
        /// Where.
        place: Place,
        /// The interface.
        interface: String,
        /// The mark it must still carry; `None` only inside a namespace, which is ours as a whole.
        alias: Option<String>,
    },
    /// Delete every link of the host that carries a mark of ours, all in one go.
    DeleteAllLinks {
        /// Their names.
        interfaces: Vec<String>,
    },
    /// Take the name away from a namespace; it goes when no process stands in it any more.
    DeleteNamespace {
        /// Its name, `ctr-<machine>`.
        namespace: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetSysctl { place, sysctl } => write!(f, "set {sysctl}{place}"),
            Self::CreateBridge(bridge) => {
                write!(f, "create bridge {} {}", bridge.name, bridge.address)
            }
            Self::SetAlias { interface, alias } => write!(f, "mark {interface} as {alias}"),
            Self::AddAltname { interface, altname } => {
                write!(f, "name {interface} {altname} as well")
            }
            Self::AddAddress {
                place,
                interface,
                address,
            } => {
                write!(f, "add address {address} to {interface}{place}")
            }
            Self::RemoveAddress {
                place,
                interface,
                address,
            } => {
                write!(f, "remove address {address} from {interface}{place}")
            }
            Self::SetUp { place, interface } => write!(f, "switch {interface} on{place}"),
            Self::CreateNamespace { namespace, .. } => {
                write!(f, "create network namespace {namespace}")
            }
            Self::BindNamespace {
                namespace, process, ..
            } => {
                write!(
                    f,
                    "give the network namespace of process {process} its name {namespace} back"
                )
            }
            Self::Connect(attachment) => write!(
                f,
                "connect {} to {} as {}",
                attachment.namespace, attachment.bridge, attachment.address
            ),
            Self::SetPort { veth, bridge } => write!(f, "put {veth} into {bridge}"),
            Self::SetDefaultRoute { namespace, gateway } => {
                write!(f, "route out by {gateway} in {namespace}")
            }
            Self::DeleteLink {
                place, interface, ..
            } => {
                write!(f, "delete interface {interface}{place}")
            }
            Self::DeleteAllLinks { interfaces } => {
                write!(f, "delete interfaces {}", interfaces.join(", "))
            }
            Self::DeleteNamespace { namespace } => {
                write!(f, "delete network namespace {namespace}")
            }
        }
    }
}
