//! The packets of what is declared, at each place where somebody may drop them.

use std::collections::BTreeSet;

use super::packet::{Addresses, Hook, Link, Packet, State};
use crate::model::{
    Container, ContainerName, Group, GroupName, InterfaceName, Model, Port, Protocol, Reach,
};

/// What has to be known of the host besides its rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The link group of every interface of ours.
    pub link_group: u32,
    /// The way to the internet; `None` where there is no default route.
    pub uplink: Option<Uplink>,
    /// The bridges whose frames pass the tables for IPv4 as well (`br_netfilter`).
    pub filtered_bridges: BTreeSet<InterfaceName>,
}

/// The interface of the host's default route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uplink {
    /// Its name.
    pub name: String,
    /// Its link group.
    pub group: u32,
}

/// Traffic that is declared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Traffic {
    /// From guests to the internet, by TCP: who lets ping through lets nobody work.
    Internet,
    /// Between guests of the group, by TCP.
    Group,
    /// From guests to a port of the host. It is declared for both protocols, and used by one most often.
    HostPort(u16, Protocol),
    /// From guests to a port of a container of another group.
    Reach(GroupName, ContainerName, Protocol, u16),
    /// From elsewhere to a published port.
    Published(ContainerName, Protocol, u16),
    /// From the host itself to a published port.
    PublishedToHost(ContainerName, Protocol, u16),
}

/// The packets of some traffic of a group, in the order of their ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Journey {
    pub(super) group: GroupName,
    pub(super) traffic: Traffic,
    pub(super) packets: Vec<Packet>,
}

/// Everything that is declared.
pub(super) fn journeys(model: &Model, facts: &Facts) -> Vec<Journey> {
    let mut journeys = Vec::new();
    for group in model.groups.values() {
        let ways = Ways { group, facts };
        let mut add = |traffic, packets: Vec<Packet>| {
            let group = group.name.clone();
            journeys.push(Journey {
                group,
                traffic,
                packets,
            });
        };
        if group.containers.is_empty() {
            continue;
        }
        if let Some(uplink) = &facts.uplink {
            add(Traffic::Internet, ways.internet(uplink));
        }
        add(Traffic::Group, ways.within());
        for &port in &group.host_ports {
            for protocol in [Protocol::Tcp, Protocol::Udp] {
                let traffic = Traffic::HostPort(port, protocol);
                add(traffic, ways.to_host(protocol, port));
            }
        }
        for (target, container, port) in group.reach.iter().flat_map(|it| reached(model, it)) {
            let traffic = Traffic::Reach(
                target.name.clone(),
                container.id.name.clone(),
                port.protocol,
                port.port,
            );
            add(traffic, ways.reach(target, container, port));
        }
        for container in group.containers.values() {
            for port in &container.ports {
                let Some(publish) = &port.publish else {
                    continue;
                };
                let what = |make: fn(ContainerName, Protocol, u16) -> Traffic| {
                    make(container.id.name.clone(), port.protocol, publish.host_port)
                };
                let for_host_alone = publish.address.is_some_and(|it| it.is_loopback());
                if let Some(uplink) = facts.uplink.as_ref().filter(|_| !for_host_alone) {
                    let packets = ways.published(container, port, uplink);
                    add(what(Traffic::Published), packets);
                }
                let packets = ways.published_to_host(container, port);
                add(what(Traffic::PublishedToHost), packets);
            }
        }
    }
    journeys
}

fn reached<'a>(model: &'a Model, reach: &Reach) -> Vec<(&'a Group, &'a Container, &'a Port)> {
    let (group, only) = match reach {
        Reach::Group(name) => (name, None),
        Reach::Container(id) => (&id.group, Some(&id.name)),
    };
    let Some(group) = model.groups.get(group) else {
        return Vec::new();
    };
    let containers = group
        .containers
        .values()
        .filter(|it| only.is_none_or(|name| it.id.name == *name));
    containers
        .flat_map(|container| container.ports.iter().map(move |it| (group, container, it)))
        .collect()
}

/// The ways of one group's packets.
struct Ways<'a> {
    group: &'a Group,
    facts: &'a Facts,
}

impl Ways<'_> {
    fn bridge(&self, group: &Group) -> Link {
        Link {
            name: group.bridge.to_string(),
            group: self.facts.link_group,
            kind: Some("bridge"),
        }
    }

    fn subnet(&self) -> Addresses {
        Addresses::Within(self.group.subnet.trunc())
    }

    fn internet(&self, uplink: &Uplink) -> Vec<Packet> {
        let out = Way {
            input: Some(self.bridge(self.group)),
            output: Some(link(uplink)),
            source: self.subnet(),
            destination: Addresses::Internet,
            protocol: Some(Protocol::Tcp),
            ..Way::default()
        };
        // What comes back is for the host's own address before conntrack has led it to the guest.
        let back = out.back();
        let mut packets = out.routed(State::New);
        packets.extend(back.at(&[Hook::Forward, Hook::Postrouting], State::Established));
        packets
    }

    fn within(&self) -> Vec<Packet> {
        let mut names = self.group.containers.values();
        let (Some(one), Some(other)) = (names.next(), names.next()) else {
            return Vec::new();
        };
        let way = |input, output| Way {
            input: Some(input),
            output: Some(output),
            source: self.subnet(),
            destination: self.subnet(),
            protocol: Some(Protocol::Tcp),
            ..Way::default()
        };
        let veth = |container: &Container| Link {
            name: InterfaceName::veth(&container.machine).to_string(),
            group: self.facts.link_group,
            kind: None,
        };
        let mut packets = Vec::new();
        for mut frame in way(veth(one), veth(other)).routed(State::New) {
            frame.frame = true;
            packets.push(frame);
        }
        if self.facts.filtered_bridges.contains(&self.group.bridge) {
            let bridge = self.bridge(self.group);
            let way = way(bridge.clone(), bridge);
            packets.extend(way.routed(State::New));
            packets.extend(way.routed(State::Established));
        }
        packets
    }

    fn to_host(&self, protocol: Protocol, port: u16) -> Vec<Packet> {
        let way = Way {
            input: Some(self.bridge(self.group)),
            source: self.subnet(),
            destination: Addresses::one(self.group.host_address),
            protocol: Some(protocol),
            destination_port: Some(port),
            ..Way::default()
        };
        let back = way.back();
        let mut packets = way.at(&[Hook::Prerouting, Hook::Input], State::New);
        packets.extend(back.at(&[Hook::Output, Hook::Postrouting], State::Established));
        packets
    }

    fn reach(&self, target: &Group, container: &Container, port: &Port) -> Vec<Packet> {
        let way = Way {
            input: Some(self.bridge(self.group)),
            output: Some(self.bridge(target)),
            source: self.subnet(),
            destination: Addresses::one(container.address),
            protocol: Some(port.protocol),
            destination_port: Some(port.port),
            ..Way::default()
        };
        let back = way.back();
        let mut packets = way.routed(State::New);
        packets.extend(back.routed(State::Established));
        packets
    }

    fn published(&self, container: &Container, port: &Port, uplink: &Uplink) -> Vec<Packet> {
        let arriving = Way {
            input: Some(link(uplink)),
            source: Addresses::Outside,
            destination: Addresses::Host,
            protocol: Some(port.protocol),
            ..Way::default()
        };
        let led = Way {
            output: Some(self.bridge(self.group)),
            destination: Addresses::one(container.address),
            destination_port: Some(port.port),
            led: true,
            ..arriving.clone()
        };
        let back = led.back();
        let mut packets = arriving.at(&[Hook::Prerouting], State::New);
        packets.extend(led.at(&[Hook::Forward, Hook::Postrouting], State::New));
        packets.extend(back.routed(State::Established));
        packets
    }

    fn published_to_host(&self, container: &Container, port: &Port) -> Vec<Packet> {
        let way = Way {
            output: Some(self.bridge(self.group)),
            source: Addresses::Host,
            destination: Addresses::one(container.address),
            protocol: Some(port.protocol),
            destination_port: Some(port.port),
            led: true,
            ..Way::default()
        };
        let back = way.back();
        let mut packets = way.at(&[Hook::Output, Hook::Postrouting], State::New);
        packets.extend(back.at(&[Hook::Prerouting, Hook::Input], State::Established));
        packets
    }
}

fn link(uplink: &Uplink) -> Link {
    Link {
        name: uplink.name.clone(),
        group: uplink.group,
        kind: None,
    }
}

/// A packet on its way, without the place where it is.
#[derive(Debug, Clone)]
struct Way {
    input: Option<Link>,
    output: Option<Link>,
    source: Addresses,
    destination: Addresses,
    protocol: Option<Protocol>,
    source_port: Option<u16>,
    destination_port: Option<u16>,
    led: bool,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            input: None,
            output: None,
            source: Addresses::Host,
            destination: Addresses::Host,
            protocol: None,
            source_port: None,
            destination_port: None,
            led: false,
        }
    }
}

impl Way {
    /// The answers.
    fn back(&self) -> Self {
        Self {
            input: self.output.clone(),
            output: self.input.clone(),
            source: self.destination,
            destination: self.source,
            protocol: self.protocol,
            source_port: self.destination_port,
            destination_port: self.source_port,
            led: self.led,
        }
    }

    fn routed(&self, state: State) -> Vec<Packet> {
        let hooks = [Hook::Prerouting, Hook::Forward, Hook::Postrouting];
        self.at(&hooks, state)
    }

    fn at(&self, hooks: &[Hook], state: State) -> Vec<Packet> {
        let at = |&hook: &Hook| Packet {
            hook,
            frame: false,
            input: self.input.clone().filter(|_| hook != Hook::Output),
            output: self
                .output
                .clone()
                .filter(|_| !matches!(hook, Hook::Prerouting | Hook::Input)),
            source: self.source,
            destination: self.destination,
            protocol: self.protocol,
            source_port: self.source_port,
            destination_port: self.destination_port,
            state,
            led: self.led,
        };
        hooks.iter().map(at).collect()
    }
}
