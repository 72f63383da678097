//! Ports: declared once, published where nobody else is.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::{Declared, DeclaredContainer, elements};
use crate::declaration::collect::Collector;
use crate::declaration::file::{Port, Publish};
use crate::declaration::place::{At, Place};
use crate::model::Protocol;

/// The protocol of a port: the declared one or the default.
pub(crate) fn protocol_of(port: &Port) -> Protocol {
    port.protocol
        .as_ref()
        .map_or(Protocol::Tcp, |protocol| protocol.value)
}

pub(super) fn check(declared: &Declared<'_>, problems: &mut Collector) {
    for group in &declared.groups {
        let mut seen = BTreeSet::new();
        for port in elements(group.group.host_ports.as_ref()) {
            if !seen.insert(port.value) {
                problems
                    .error(
                        &port.place,
                        format!("the host port {} is listed twice", port.value.0),
                    )
                    .hint("remove one");
            }
        }
    }
    let mut published = Published::default();
    for container in &declared.containers {
        let mut seen: BTreeMap<(u16, Protocol), &Place> = BTreeMap::new();
        for port in elements(container.container.ports.as_ref()) {
            once(container, port, &mut seen, problems);
            if let Some(publish) = &port.value.publish {
                publish_address(declared, publish, problems);
                published.add(container, protocol_of(&port.value), publish, problems);
            }
        }
    }
}

fn once<'a>(
    container: &DeclaredContainer<'_>,
    port: &'a At<Port>,
    seen: &mut BTreeMap<(u16, Protocol), &'a Place>,
    problems: &mut Collector,
) {
    let Some(number) = &port.value.port else {
        return;
    };
    let protocol = protocol_of(&port.value);
    if let Some(first) = seen.get(&(number.value.0, protocol)) {
        let message = format!(
            "{} declares the {} port {} twice",
            container.id,
            protocol.as_str(),
            number.value.0
        );
        problems
            .error(&number.place, message)
            .hint("remove one, or give one of them another protocol")
            .related(first, "the first");
    } else {
        seen.insert((number.value.0, protocol), &number.place);
    }
}

/// A published port is on an address of the host.
fn publish_address(declared: &Declared<'_>, publish: &At<Publish>, problems: &mut Collector) {
    let Some(address) = &publish.value.address else {
        return;
    };
    let value = address.value;
    if value.is_unspecified() {
        problems
            .error(
                &address.place,
                format!("{value} stands for every address of the host"),
            )
            .hint("leave `address` out: without it the port is published on every address");
        return;
    }
    if value.is_multicast() || value.is_broadcast() {
        problems
            .error(
                &address.place,
                format!("{value} is not an address of the host"),
            )
            .hint("write \"127.0.0.1\" or another address of the host, or leave `address` out");
        return;
    }
    for group in &declared.groups {
        let (Some(subnet), Some(host)) = (&group.group.subnet, &group.group.host_address) else {
            continue;
        };
        if subnet.value.0.contains(&value) && host.value != value {
            let message = format!(
                "{value} is in the subnet of {}, where the host's address is {}",
                group.name.value, host.value
            );
            problems
                .error(&address.place, message)
                .hint(format!("write \"{}\", or leave `address` out", host.value))
                .related(&host.place, "the host's address");
        }
    }
}

/// What is published so far: by protocol and port, then by address, where `None` is every one.
#[derive(Default)]
struct Published<'a>(BTreeMap<(Protocol, u16), ByAddress<'a>>);

/// Who publishes a port on which address.
type ByAddress<'a> = BTreeMap<Option<Ipv4Addr>, (&'a Place, String)>;

impl<'a> Published<'a> {
    fn add(
        &mut self,
        container: &DeclaredContainer<'_>,
        protocol: Protocol,
        publish: &'a At<Publish>,
        problems: &mut Collector,
    ) {
        let Some(host_port) = &publish.value.host_port else {
            return;
        };
        let address = publish.value.address.as_ref().map(|address| address.value);
        let others = self.0.entry((protocol, host_port.value.0)).or_default();
        let clash = match address {
            None => others.values().next(),
            Some(_) => others.get(&address).or_else(|| others.get(&None)),
        };
        let Some((place, first)) = clash else {
            others.insert(address, (&host_port.place, container.id.to_string()));
            return;
        };
        let message = format!(
            "the {} port {} of the host is published twice: by {first} and by {}",
            protocol.as_str(),
            host_port.value.0,
            container.id
        );
        let hint = if others.contains_key(&address) {
            "choose another host-port"
        } else {
            "choose another host-port: one without an address is on every address of the host"
        };
        problems
            .error(&host_port.place, message)
            .hint(hint)
            .related(place, "the first");
    }
}
