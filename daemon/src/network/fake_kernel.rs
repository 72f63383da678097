//! A kernel that obeys network steps, as netlink and `/proc/sys/net` would, and refuses what they
//! refuse. It holds the host, every named namespace, and those that only a guest still stands in.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use crate::model::MachineName;

use super::{
    Attachment, Bridge, Inside, Interfaces, LINK_GROUP, Link, Marked, MarkedNamespace,
    ObservedContainer, ObservedGroup, ObservedNamespace, Place, Route, Step, Sysctl, Sysctls,
    alias,
};

/// The interfaces of one namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) links: Vec<Link>,
    pub(crate) addresses: Vec<(u32, Ipv4Net)>,
    pub(crate) default_route: Option<Route>,
    pub(crate) sysctls: BTreeMap<String, String>,
}

impl Space {
    pub(crate) fn seen(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.answers_to(name))
    }

    pub(crate) fn link(&mut self, name: &str) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.answers_to(name))
    }

    fn existing(&mut self, name: &str) -> Result<&mut Link, String> {
        self.link(name)
            .ok_or_else(|| format!("the interface {name} does not exist"))
    }

    /// As `fib_add_ifaddr()` does it: an interface that is on leads into the subnets of its
    /// addresses.
    fn interfaces(&self) -> Interfaces {
        let is_on = |index: u32| self.links.iter().any(|link| link.index == index && link.up);
        let connected = self.addresses.iter().filter(|(index, _)| is_on(*index));
        let routes = connected.map(|(index, address)| Route {
            index: *index,
            destination: address.trunc(),
            connected: true,
            gateway: None,
        });
        Interfaces {
            links: self.links.clone(),
            addresses: self.addresses.clone(),
            routes: routes.chain(self.default_route.clone()).collect(),
        }
    }

    /// A route goes with the last address that its gateway is reached by, and with its link.
    fn drop_lost_route(&mut self) {
        let reached = self.default_route.as_ref().is_some_and(|route| {
            let on = self.links.iter().any(|it| it.index == route.index && it.up);
            let near = self.addresses.iter().any(|(index, address)| {
                *index == route.index && route.gateway.is_some_and(|it| address.contains(&it))
            });
            on && near
        });
        if !reached {
            self.default_route = None;
        }
    }

    /// As `__inet_del_ifa()` does it where `promote_secondaries` is off: with the first address of a
    /// subnet go the later ones of it.
    pub(crate) fn remove_address(&mut self, index: u32, address: Ipv4Net) {
        let same = |other: &Ipv4Net| other.trunc() == address.trunc();
        let first = self
            .addresses
            .iter()
            .find(|(at, other)| *at == index && same(other))
            .is_some_and(|(_, other)| *other == address);
        self.addresses
            .retain(|(at, other)| *at != index || *other != address && !(first && same(other)));
        self.drop_lost_route();
    }

    fn add_address(&mut self, index: u32, address: Ipv4Net) {
        if !self.addresses.contains(&(index, address)) {
            self.addresses.push((index, address));
        }
    }

    pub(crate) fn set_down(&mut self, name: &str) {
        if let Some(link) = self.link(name) {
            link.up = false;
        }
        self.drop_lost_route();
    }

    fn forget(&mut self, index: u32) {
        let name = self.links.iter().find(|it| it.index == index);
        let part = name.map(|it| format!("/conf/{}/", it.name));
        self.links.retain(|link| link.index != index);
        self.addresses.retain(|(at, _)| *at != index);
        self.sysctls
            .retain(|key, _| part.as_ref().is_none_or(|part| !key.contains(part)));
        for link in &mut self.links {
            link.controller = link.controller.filter(|it| *it != index);
        }
        self.drop_lost_route();
    }
}

/// A whole kernel's network.
#[derive(Debug, Clone)]
pub(crate) struct FakeKernel {
    pub(crate) host: Space,
    /// By the name of their file.
    pub(crate) namespaces: BTreeMap<String, Space>,
    /// Namespaces whose name is gone and that a guest stands in, by the name they had.
    pub(crate) nameless: BTreeMap<String, Space>,
    /// The namespaces that a process stands in.
    pub(crate) lived_in: BTreeSet<String>,
    index: u32,
}

impl FakeKernel {
    /// A host with nothing but its `lo` and an uplink.
    pub(crate) fn new() -> Self {
        let mut kernel = Self {
            host: Space::default(),
            namespaces: BTreeMap::new(),
            nameless: BTreeMap::new(),
            lived_in: BTreeSet::new(),
            index: 0,
        };
        kernel.host = Space {
            links: vec![kernel.link("lo", None), kernel.link("ens3", None)],
            addresses: vec![(2, "192.0.2.2/24".parse().expect("an address"))],
            sysctls: BTreeMap::from([("ipv4/ip_forward".to_owned(), "0".to_owned())]),
            default_route: None,
        };
        kernel
    }

    pub(crate) fn link(&mut self, name: &str, kind: Option<&str>) -> Link {
        self.index += 1;
        Link {
            index: self.index,
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            up: kind.is_none(),
            ..Link::default()
        }
    }

    /// Everything that is not ours and that no step may change.
    pub(crate) fn foreign(&self) -> (Vec<Link>, Vec<(String, Space)>) {
        let links = self.host.links.iter().filter(|link| !is_ours(link));
        let spaces = self
            .namespaces
            .iter()
            .filter(|(name, space)| mark(space) != Some(expected_mark(name)));
        (
            links.cloned().collect(),
            spaces
                .map(|(name, space)| (name.clone(), space.clone()))
                .collect(),
        )
    }

    pub(crate) fn observe_group(&self, bridge: &Bridge) -> ObservedGroup {
        let wanted = bridge.sysctls().into_iter().chain([Sysctl::forwarding()]);
        ObservedGroup {
            host: self.host.interfaces(),
            sysctls: read(&self.host, wanted),
            gateways: self.gateways(),
        }
    }

    /// What guests that are up go out by.
    fn gateways(&self) -> BTreeMap<std::net::Ipv4Addr, MachineName> {
        let spaces = self.namespaces.iter().chain(&self.nameless);
        let lived_in = spaces.filter(|(name, _)| self.lived_in.contains(*name));
        lived_in
            .filter_map(|(name, space)| {
                let gateway = space.default_route.as_ref()?.gateway?;
                Some((gateway, name.trim_start_matches("ctr-").parse().ok()?))
            })
            .collect()
    }

    pub(crate) fn observe_container(&self, attachment: &Attachment) -> ObservedContainer {
        let link = |name: &str| self.host.seen(name).cloned();
        ObservedContainer {
            veth: link(attachment.veth.as_str()),
            altname: link(&attachment.altname),
            bridge: link(attachment.bridge.as_str()),
            namespace: match self.namespaces.get(&attachment.namespace) {
                None => ObservedNamespace::Absent,
                Some(space) if mark(space).as_ref() == Some(&attachment.alias) => {
                    ObservedNamespace::Ours(Inside {
                        interfaces: space.interfaces(),
                        sysctls: read(space, Sysctl::of_a_namespace()),
                    })
                }
                Some(space) => ObservedNamespace::Foreign { alias: mark(space) },
            },
        }
    }

    pub(crate) fn observe_marked(&self) -> Marked {
        let links = self.host.links.iter().filter(|link| is_ours(link));
        let namespaces = self
            .namespaces
            .iter()
            .filter(|(name, space)| mark(space) == Some(expected_mark(name)));
        Marked {
            links: links.cloned().collect(),
            namespaces: namespaces
                .map(|(name, _)| MarkedNamespace {
                    name: name.clone(),
                    machine: name.trim_start_matches("ctr-").to_owned(),
                })
                .collect(),
        }
    }

    fn space(&mut self, place: &Place) -> Result<&mut Space, String> {
        match place {
            Place::Host => Ok(&mut self.host),
            Place::Namespace(name) => self
                .namespaces
                .get_mut(name)
                .ok_or_else(|| format!("the network namespace {name} does not exist")),
        }
    }

    /// Does one step, as `network::Network::apply` would.
    ///
    /// # Panics
    /// Where the step would change what is not ours.
    pub(crate) fn obey(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::SetSysctl { place, sysctl } => set(self.space(place)?, sysctl),
            Step::CreateBridge(bridge) => self.create_bridge(bridge),
            Step::SetAlias { interface, alias } => {
                let link = self.host.existing(interface)?;
                assert!(is_ours(link), "somebody else's: {step}");
                link.alias = Some(alias.clone());
                Ok(())
            }
            Step::AddAltname { interface, altname } => self.add_altname(interface, altname),
            Step::AddAddress {
                place,
                interface,
                address,
            } => {
                let space = self.space(place)?;
                let link = space.existing(interface)?;
                assert!(*place != Place::Host || is_ours(link), "foreign: {step}");
                let index = link.index;
                space.add_address(index, *address);
                Ok(())
            }
            Step::RemoveAddress {
                place,
                interface,
                address,
            } => {
                let space = self.space(place)?;
                let link = space.existing(interface)?;
                assert!(*place != Place::Host || is_ours(link), "foreign: {step}");
                let index = link.index;
                space.remove_address(index, *address);
                Ok(())
            }
            Step::SetUp { place, interface } => {
                let link = self.space(place)?.existing(interface)?;
                assert!(*place != Place::Host || is_ours(link), "foreign: {step}");
                link.up = true;
                Ok(())
            }
            Step::CreateNamespace { namespace, alias } => self.create_namespace(namespace, alias),
            Step::BindNamespace {
                namespace, alias, ..
            } => self.name_again(namespace, alias),
            Step::Connect(attachment) => self.connect(attachment),
            Step::SetPort { veth, bridge } => {
                let controller = self.host.existing(bridge)?.index;
                let link = self.host.existing(veth)?;
                assert!(is_ours(link), "somebody else's: {step}");
                link.controller = Some(controller);
                link.hairpin = true;
                Ok(())
            }
            Step::SetDefaultRoute { namespace, gateway } => {
                let space = self.space(&Place::Namespace(namespace.clone()))?;
                set_route(space, *gateway)
            }
            Step::DeleteLink {
                place,
                interface,
                alias,
            } => {
                let space = self.space(place)?;
                let Some(link) = space.link(interface) else {
                    return Ok(());
                };
                if let Some(alias) = alias
                    && !(link.is_marked("veth", alias) || link.is_marked("bridge", alias))
                {
                    return Err(format!("{interface} is not ours"));
                }
                let link = link.clone();
                self.delete(place, &link);
                Ok(())
            }
            Step::DeleteAllLinks { interfaces } => {
                for name in interfaces {
                    let link = self.host.link(name).cloned();
                    if let Some(link) = link.filter(is_ours) {
                        self.delete(&Place::Host, &link);
                    }
                }
                Ok(())
            }
            Step::DeleteNamespace { namespace } => {
                self.unname(namespace);
                Ok(())
            }
        }
    }

    /// Takes the name from a namespace, which goes with it unless a guest stands in it.
    pub(crate) fn unname(&mut self, name: &str) {
        let Some(space) = self.namespaces.remove(name) else {
            return;
        };
        if self.lived_in.contains(name) {
            self.nameless.insert(name.to_owned(), space);
        } else {
            self.end(&space);
        }
    }

    /// Gives its name back to a namespace that a guest stands in.
    fn name_again(&mut self, name: &str, alias: &str) -> Result<(), String> {
        let ours =
            |space: &Space| space.seen("lo").and_then(|lo| lo.alias.as_deref()) == Some(alias);
        if !self.nameless.get(name).is_some_and(ours) {
            return Err(format!("no guest stands in what was {name}"));
        }
        self.namespaces.extend(self.nameless.remove_entry(name));
        Ok(())
    }

    /// The last process in a namespace is gone.
    pub(crate) fn leave(&mut self, name: &str) {
        self.lived_in.remove(name);
        if let Some(space) = self.nameless.remove(name) {
            self.end(&space);
        }
    }

    fn end(&mut self, space: &Space) {
        for peer in space.links.iter().filter_map(|link| link.peer) {
            self.host.forget(peer);
        }
    }

    /// Deletes a link; a veth goes with its other end.
    pub(crate) fn delete(&mut self, place: &Place, link: &Link) {
        if let Ok(space) = self.space(place) {
            space.forget(link.index);
        }
        if let Some(peer) = link.peer {
            let spaces = self.namespaces.values_mut();
            for space in spaces
                .chain(self.nameless.values_mut())
                .chain([&mut self.host])
            {
                space.forget(peer);
            }
        }
    }

    fn add_altname(&mut self, interface: &str, altname: &str) -> Result<(), String> {
        let taken = self.host.link(altname).map(|link| link.index);
        let link = self.host.existing(interface)?;
        assert!(is_ours(link), "{interface} is somebody else's");
        match taken {
            None => link.altnames.push(altname.to_owned()),
            Some(index) if index == link.index => {}
            Some(_) => return Err(format!("the name {altname} is taken")),
        }
        Ok(())
    }

    fn create_bridge(&mut self, bridge: &Bridge) -> Result<(), String> {
        let name = bridge.name.as_str();
        if self.host.link(name).is_none() {
            let link = self.link(name, Some("bridge"));
            self.host.links.push(Link {
                group: LINK_GROUP,
                mac: Some(bridge.mac),
                ..link
            });
            let fresh = [
                (format!("ipv6/conf/{name}/accept_ra"), "1"),
                (format!("ipv6/conf/{name}/disable_ipv6"), "0"),
                (format!("ipv4/conf/{name}/route_localnet"), "0"),
            ];
            let fresh = fresh.map(|(key, value)| (key, value.to_owned()));
            self.host.sysctls.extend(fresh);
        }
        let link = self.host.existing(name)?;
        if !link.is_marked("bridge", &bridge.alias) {
            return Err(format!("{name} is not ours"));
        }
        link.alias = Some(bridge.alias.clone());
        let index = link.index;
        for sysctl in bridge.sysctls() {
            set(&mut self.host, &sysctl)?;
        }
        if let Some(altname) = &bridge.altname {
            // The real one takes "exists already" for success.
            let _ = self.add_altname(name, altname);
        }
        self.host.add_address(index, bridge.address);
        self.host.existing(name)?.up = true;
        Ok(())
    }

    fn create_namespace(&mut self, name: &str, alias: &str) -> Result<(), String> {
        if let Some(space) = self.namespaces.get(name) {
            return match mark(space) {
                Some(mark) if mark == alias => Ok(()),
                _ => Err(format!("{name} is a namespace that ctr did not make")),
            };
        }
        let mut lo = self.link("lo", None);
        lo.alias = Some(alias.to_owned());
        let sysctls = Sysctl::of_a_namespace();
        let space = Space {
            links: vec![lo],
            sysctls: sysctls.into_iter().map(|it| (it.key, it.value)).collect(),
            ..Space::default()
        };
        self.namespaces.insert(name.to_owned(), space);
        Ok(())
    }

    fn connect(&mut self, attachment: &Attachment) -> Result<(), String> {
        let place = Place::Namespace(attachment.namespace.clone());
        self.space(&place)?;
        let bridge = self.host.existing(attachment.bridge.as_str())?.index;
        let veth = attachment.veth.as_str();
        // What is left of an earlier one is in the way, and goes.
        if let Some(old) = self.host.link(veth).cloned() {
            if !old.is_marked("veth", &attachment.alias) {
                return Err(format!("{veth} is not ours"));
            }
            self.delete(&Place::Host, &old);
        }
        if let Some(old) = self.space(&place)?.link(Attachment::INSIDE).cloned() {
            self.delete(&place, &old);
        }
        let (outer, inner) = (
            self.link(veth, Some("veth")),
            self.link(Attachment::INSIDE, Some("veth")),
        );
        let eth0 = Link {
            mac: Some(attachment.mac),
            peer: Some(outer.index),
            up: true,
            ..inner
        };
        let index = eth0.index;
        self.host.links.push(Link {
            alias: Some(attachment.alias.clone()),
            group: LINK_GROUP,
            controller: Some(bridge),
            peer: Some(index),
            hairpin: true,
            up: true,
            mac: Some(attachment.veth_mac),
            ..outer
        });
        let _ = self.add_altname(veth, &attachment.altname);
        let space = self.space(&place)?;
        space.links.push(eth0);
        space.add_address(index, attachment.address);
        set_route(space, attachment.gateway)
    }
}

fn set_route(space: &mut Space, gateway: std::net::Ipv4Addr) -> Result<(), String> {
    let near = space.addresses.iter().find(|(index, address)| {
        let on = space.links.iter().any(|it| it.index == *index && it.up);
        on && address.contains(&gateway)
    });
    let Some((index, _)) = near else {
        return Err("the network is unreachable".to_owned());
    };
    space.default_route = Some(Route {
        index: *index,
        destination: Ipv4Net::default(),
        connected: false,
        gateway: Some(gateway),
    });
    Ok(())
}

fn set(space: &mut Space, sysctl: &Sysctl) -> Result<(), String> {
    match space.sysctls.get_mut(&sysctl.key) {
        Some(value) => value.clone_from(&sysctl.value),
        None => return Err(format!("net/{} does not exist", sysctl.key)),
    }
    Ok(())
}

fn read(space: &Space, sysctls: impl IntoIterator<Item = Sysctl>) -> Sysctls {
    let read = |sysctl: Sysctl| {
        let value = space.sysctls.get(&sysctl.key).cloned();
        (sysctl.key, value)
    };
    sysctls.into_iter().map(read).collect()
}

fn mark(space: &Space) -> Option<String> {
    let mut links = space.links.iter();
    links.find(|link| link.name == "lo")?.alias.clone()
}

fn expected_mark(namespace: &str) -> String {
    alias(namespace.trim_start_matches("ctr-"))
}

/// A link that carries some mark of ours.
pub(crate) fn is_ours(link: &Link) -> bool {
    matches!(link.kind.as_deref(), Some("bridge" | "veth"))
        && match &link.alias {
            Some(alias) => alias.starts_with("ctr:"),
            None => link.group == LINK_GROUP,
        }
}
