//! What on the host stands in the way of a group or a container.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::desired::Bridge;
use super::observed::{Interfaces, Link, ObservedGroup};
use super::step::{Place, Step};
use crate::model::MachineName;

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
    /// A guest on its way out, or to another address, still needs what a bridge of ours has.
    #[error("waits for {machine}, whose way out is still {address} on {interface}")]
    StillUsed {
        /// The address.
        address: Ipv4Addr,
        /// The bridge that has it.
        interface: String,
        /// The guest.
        machine: MachineName,
    },
}

impl Conflict {
    /// It passes by itself: what stands in the way is ours, and goes.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::StillUsed { .. })
    }

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
/// be torn from that interface. A bridge of ours is none: [`free_subnet`].
pub(super) fn check_subnet(bridge: &Bridge, host: &Interfaces) -> Result<(), Conflict> {
    let subnet = bridge.address.trunc();
    let foreign = |index: u32| host.by_index(index).filter(|link| !link.is_our_bridge());
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

/// The steps that take what a bridge needs from the other bridges of ours.
///
/// A declaration gives no two groups overlapping subnets, so an address of another bridge in this
/// subnet is from an earlier declaration: that bridge leaves, or moves to another subnet. A guest that
/// is up and goes out by that address keeps it until it has ended.
pub(super) fn free_subnet(
    bridge: &Bridge,
    observed: &ObservedGroup,
) -> Result<Vec<Step>, Conflict> {
    let subnet = bridge.address.trunc();
    let mut steps = Vec::new();
    for (index, address) in &observed.host.addresses {
        let other = observed
            .host
            .by_index(*index)
            .filter(|link| link.is_our_bridge() && !link.is_marked("bridge", &bridge.alias));
        let net = address.trunc();
        let Some(other) = other.filter(|_| net.contains(&subnet) || subnet.contains(&net)) else {
            continue;
        };
        if let Some(machine) = observed.gateways.get(&address.addr()) {
            return Err(Conflict::StillUsed {
                address: address.addr(),
                interface: other.name.clone(),
                machine: machine.clone(),
            });
        }
        steps.push(Step::RemoveAddress {
            place: Place::Host,
            interface: other.name.clone(),
            address: *address,
        });
    }
    Ok(steps)
}
