//! What on the host stands in the way of a group or a container.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::desired::Bridge;
use super::observed::{Interfaces, Link};

/// Something of somebody else's is where ours would go. Nothing is done about it: the group or
/// container fails with this sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The name belongs to an interface that is not ours.
    #[error("the name {name} belongs to {what} that ctr did not make")]
    NameTaken {
        /// The name.
        name: String,
        /// What has it.
        what: String,
    },
    /// The namespace's name belongs to one that is not ours.
    #[error("the network namespace {name} exists and ctr did not make it{marked}")]
    NamespaceTaken {
        /// Its name.
        name: String,
        /// What it carries, `, it is marked ...` or nothing.
        marked: String,
    },
    /// The host has the address elsewhere.
    #[error("the address {address} is already on the interface {interface}")]
    AddressTaken {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        interface: String,
    },
    /// Another interface leads into the subnet.
    #[error(
        "the subnet {subnet} overlaps with {destination}, which the interface {interface} leads to"
    )]
    SubnetTaken {
        /// The group's subnet.
        subnet: Ipv4Net,
        /// Where the other interface leads to.
        destination: Ipv4Net,
        /// The other interface.
        interface: String,
    },
}

impl Conflict {
    pub(super) fn name(name: &str, link: &Link) -> Self {
        Self::NameTaken {
            name: name.to_owned(),
            what: link.description(),
        }
    }
}

/// Whether a bridge's address and subnet are free on the host.
///
/// A wider route that only passes over the subnet is no conflict: the longest prefix wins, which is
/// what was declared (a VPN that takes 10.0.0.0/8, or half of everything with 0.0.0.0/1). A route
/// into the subnet, or an interface whose own subnet overlaps with it, is one: some addresses would
/// be torn from that interface.
pub(super) fn check_subnet(bridge: &Bridge, host: &Interfaces) -> Result<(), Conflict> {
    let subnet = bridge.address.trunc();
    let foreign = |index: u32| {
        host.by_index(index)
            .filter(|link| !link.is_marked("bridge", &bridge.alias))
    };
    for (index, address) in &host.addresses {
        let Some(link) = foreign(*index) else {
            continue;
        };
        if address.addr() == bridge.address.addr() {
            return Err(Conflict::AddressTaken {
                address: address.addr(),
                interface: link.name.clone(),
            });
        }
    }
    for route in &host.routes {
        let Some(link) = foreign(route.index) else {
            continue;
        };
        let overlaps = subnet.contains(&route.destination)
            || (route.connected && route.destination.contains(&subnet));
        if overlaps {
            return Err(Conflict::SubnetTaken {
                subnet,
                destination: route.destination,
                interface: link.name.clone(),
            });
        }
    }
    Ok(())
}
