//! What the model asks of the firewall: elements.

use std::collections::BTreeSet;

use super::element::{Atom, Element, Set};
use crate::model::{Container, Group, InterfaceName, Model, Port, Protocol, Reach};

/// Every element that should stand in the tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Desired {
    /// The elements.
    pub elements: BTreeSet<Element>,
}

impl Desired {
    /// All that a model asks. `mac` gives the link-layer address of a container's interface.
    pub fn of(model: &Model, mac: impl Fn(&Container) -> [u8; 6]) -> Self {
        let mut elements = BTreeSet::new();
        for group in model.groups.values() {
            elements.extend(group_elements(model, group));
            for container in group.containers.values() {
                elements.extend(container_elements(group, container, mac(container)));
            }
        }
        Self { elements }
    }
}

impl Extend<Element> for Desired {
    fn extend<T: IntoIterator<Item = Element>>(&mut self, elements: T) {
        self.elements.extend(elements);
    }
}

/// What a group asks: its bridge and subnet, what its guests may use of the host, and what they may
/// reach in other groups (the ports those declare, and no others).
pub fn group_elements(model: &Model, group: &Group) -> Vec<Element> {
    let bridge = interface(&group.bridge);
    let mut elements = vec![
        Element::new(Set::Bridges, [bridge.clone()]),
        Element::new(Set::Within, [bridge.clone(), bridge.clone()]),
        Element::new(Set::Subnets, [Atom::Net(group.subnet.trunc())]),
        Element::new(
            Set::Gateways,
            [bridge.clone(), Atom::Address(group.host_address)],
        ),
    ];
    for &port in &group.host_ports {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let key = [bridge.clone(), Atom::Protocol(protocol), Atom::Port(port)];
            elements.push(Element::new(Set::HostPorts, key));
        }
    }
    for reach in &group.reach {
        for target in reached(model, reach) {
            elements.extend(target.ports.iter().map(|port| {
                let key = [
                    bridge.clone(),
                    Atom::Address(target.address),
                    Atom::Protocol(port.protocol),
                    Atom::Port(port.port),
                ];
                Element::new(Set::Reach, key)
            }));
        }
    }
    elements
}

fn reached<'a>(model: &'a Model, reach: &Reach) -> Vec<&'a Container> {
    match reach {
        Reach::Group(name) => model
            .groups
            .get(name)
            .map(|group| group.containers.values().collect()),
        Reach::Container(id) => model.container(id).map(|container| vec![container]),
    }
    .unwrap_or_default()
}

/// What a container asks: its place in its group, the one pair of addresses that may come out of its
/// veth, and its published ports.
pub fn container_elements(group: &Group, container: &Container, mac: [u8; 6]) -> Vec<Element> {
    let veth = interface(&InterfaceName::veth(&container.machine));
    let address = Atom::Address(container.address);
    let mut elements = vec![
        Element::new(Set::Members, [interface(&group.bridge), address.clone()]),
        Element::new(Set::Veths, [veth.clone()]),
        Element::new(Set::Guests, [veth, Atom::Ether(mac), address.clone()]),
    ];
    for port in &container.ports {
        elements.extend(published(port, &address));
    }
    elements
}

/// The two elements of a published port: one map leads to the guest's address, one to its port.
fn published(port: &Port, address: &Atom) -> Vec<Element> {
    let Some(publish) = &port.publish else {
        return Vec::new();
    };
    let (protocol, host_port) = (Atom::Protocol(port.protocol), Atom::Port(publish.host_port));
    let (sets, key) = match publish.address {
        None => (
            [Set::PublishAddress, Set::PublishPort],
            vec![protocol, host_port],
        ),
        Some(at) => (
            [Set::PublishAtAddress, Set::PublishAtPort],
            vec![protocol, Atom::Address(at), host_port],
        ),
    };
    let [to_address, to_port] = sets.map(|set| Element::new(set, key.clone()));
    vec![
        to_address.leading_to(address.clone()),
        to_port.leading_to(Atom::Port(port.port)),
    ]
}

fn interface(name: &InterfaceName) -> Atom {
    Atom::Interface(name.to_string())
}
