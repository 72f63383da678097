//! Subnets and the addresses in them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Declared, DeclaredGroup, elements};
use crate::declaration::collect::Collector;
use crate::declaration::place::{At, Place};
use crate::declaration::value::{Subnet, usable};

pub(super) fn check(declared: &Declared<'_>, problems: &mut Collector) {
    overlaps(declared, problems);
    for group in &declared.groups {
        host_address(group, problems);
    }
    containers(declared, problems);
    nameservers(declared, problems);
}

/// Two subnets that overlap are one within the other, so it is enough to compare each with the
/// widest that begins before it.
fn overlaps(declared: &Declared<'_>, problems: &mut Collector) {
    let mut subnets: Vec<(DeclaredGroup<'_>, &At<Subnet>)> = declared
        .groups
        .iter()
        .filter_map(|group| Some((*group, group.group.subnet.as_ref()?)))
        .collect();
    subnets.sort_by_key(|(_, subnet)| (subnet.value.0.network(), subnet.value.0.prefix_len()));
    let mut widest: Option<(DeclaredGroup<'_>, &At<Subnet>)> = None;
    for (group, subnet) in subnets {
        let Some((other_group, other)) =
            widest.filter(|(_, other)| other.value.0.contains(&subnet.value.0))
        else {
            widest = Some((group, subnet));
            continue;
        };
        // The one further down in the file is the one to change.
        let (first, second) = if other.place.span.start < subnet.place.span.start {
            ((other_group, other), (group, subnet))
        } else {
            ((group, subnet), (other_group, other))
        };
        let message = format!(
            "the subnets of {} and {} overlap: {} and {}",
            first.0.name.value, second.0.name.value, first.1.value.0, second.1.value.0
        );
        problems
            .error(&second.1.place, message)
            .hint("give each group a subnet of its own")
            .related(&first.1.place, "the other subnet");
    }
}

fn host_address(group: &DeclaredGroup<'_>, problems: &mut Collector) {
    let (Some(subnet), Some(address)) = (&group.group.subnet, &group.group.host_address) else {
        return;
    };
    in_subnet(address.value, &address.place, group, subnet, problems);
}

/// Whether an interface in the group's subnet can have the address; records where it cannot.
fn in_subnet(
    address: Ipv4Addr,
    place: &Place,
    group: &DeclaredGroup<'_>,
    subnet: &At<Subnet>,
    problems: &mut Collector,
) -> bool {
    let net: Ipv4Net = subnet.value.0;
    let name = &group.name.value;
    let message = if !net.contains(&address) {
        format!("{address} is not in the subnet of {name}, {net}")
    } else if address == net.network() {
        format!("{address} is the subnet {net} itself, not an address in it")
    } else if address == net.broadcast() {
        format!("{address} is the broadcast address of {net}")
    } else {
        return true;
    };
    let (first, last) = usable(net);
    problems
        .error(place, message)
        .hint(format!("use an address from {first} to {last}"))
        .related(&subnet.place, format!("the subnet of {name}"));
    false
}

fn containers(declared: &Declared<'_>, problems: &mut Collector) {
    let mut seen: BTreeMap<Ipv4Addr, (&Place, String)> = BTreeMap::new();
    for container in &declared.containers {
        let Some(address) = &container.container.address else {
            continue;
        };
        let group = &container.group;
        if let Some(subnet) = &group.group.subnet
            && !in_subnet(address.value, &address.place, group, subnet, problems)
        {
            continue;
        }
        let host = group
            .group
            .host_address
            .as_ref()
            .filter(|host| host.value == address.value);
        if let Some(host) = host {
            let message = format!(
                "{} is the host's own address in {}, so {} cannot have it",
                address.value, group.name.value, container.id
            );
            problems
                .error(&address.place, message)
                .hint("choose another address of the subnet")
                .related(&host.place, "the host's address");
        } else if let Some((place, first)) = seen.get(&address.value) {
            let message = format!(
                "{first} and {} both have the address {}",
                container.id, address.value
            );
            problems
                .error(&address.place, message)
                .hint("choose another address of the subnet")
                .related(place, format!("the address of {first}"));
        } else {
            seen.insert(address.value, (&address.place, container.id.to_string()));
        }
    }
}

/// A guest asks these from its own namespace.
fn nameservers(declared: &Declared<'_>, problems: &mut Collector) {
    let Some(servers) = &declared.document.nameservers else {
        return;
    };
    if servers.value.is_empty() {
        problems
            .error(
                &servers.place,
                "an empty list leaves the guests without a name server",
            )
            .hint("name one, or leave `nameservers` out to follow the host's");
    }
    for server in elements(Some(servers)) {
        let address = server.value;
        if address.is_loopback() {
            problems
                .error(
                    &server.place,
                    format!("{address} is the guest itself, not the host"),
                )
                .hint("name a server that guests can reach, or leave `nameservers` out");
        } else if address.is_unspecified() || address.is_broadcast() || address.is_multicast() {
            problems
                .error(
                    &server.place,
                    format!("{address} is not the address of one server"),
                )
                .hint("name a server that guests can reach, or leave `nameservers` out");
        }
    }
}
