//! From what is desired and what is observed to the steps between them.

use super::conflict::{Conflict, check_subnet, free_subnet};
use super::desired::{Attachment, Bridge, Sysctl};
use super::observed::{Inside, Link, ObservedContainer, ObservedGroup, ObservedNamespace, Sysctls};
use super::step::{Place, Step};

/// The steps that make a group's bridge what it should be; none when it is.
pub fn plan_group(desired: &Bridge, observed: &ObservedGroup) -> Result<Vec<Step>, Conflict> {
    let mut steps = Vec::new();
    set_sysctls(
        &mut steps,
        &Place::Host,
        [Sysctl::forwarding()],
        &observed.sysctls,
    );
    let name = desired.name.as_str();
    let Some(link) = observed.host.link(name) else {
        check_subnet(desired, &observed.host)?;
        steps.extend(free_subnet(desired, observed)?);
        steps.push(Step::CreateBridge(desired.clone()));
        return Ok(steps);
    };
    if link.name != name || !link.is_marked("bridge", &desired.alias) {
        return Err(Conflict::name(name, link));
    }
    let addresses: Vec<_> = observed.host.addresses_of(link.index).collect();
    if !addresses.contains(&desired.address) {
        check_subnet(desired, &observed.host)?;
        steps.extend(free_subnet(desired, observed)?);
    }
    set_alias(&mut steps, link, &desired.alias);
    set_sysctls(
        &mut steps,
        &Place::Host,
        desired.sysctls(),
        &observed.sysctls,
    );
    if let Some(altname) = &desired.altname {
        add_altname(&mut steps, link, altname, observed.host.link(altname));
    }
    // A guest that is to move with its group goes out by the old address until it has ended.
    let idle: Vec<_> = addresses
        .into_iter()
        .filter(|it| *it == desired.address || !observed.gateways.contains_key(&it.addr()))
        .collect();
    set_addresses(&mut steps, &Place::Host, name, desired.address, &idle);
    if !link.up {
        steps.push(Step::SetUp {
            place: Place::Host,
            interface: name.to_owned(),
        });
    }
    Ok(steps)
}

/// The steps that make a container's attachment what it should be; none when it is.
///
/// The group's bridge comes first: its plan has been applied when these steps are.
pub fn plan_container(
    desired: &Attachment,
    observed: &ObservedContainer,
) -> Result<Vec<Step>, Conflict> {
    let place = Place::Namespace(desired.namespace.clone());
    let veth = desired.veth.as_str();
    if let Some(link) = &observed.veth
        && (link.name != veth || !link.is_marked("veth", &desired.alias))
    {
        return Err(Conflict::name(veth, link));
    }
    let mut steps = Vec::new();
    let inside = match &observed.namespace {
        ObservedNamespace::Foreign { alias } => {
            return Err(Conflict::NamespaceTaken {
                name: desired.namespace.clone(),
                marked: alias
                    .as_ref()
                    .map_or_else(String::new, |alias| format!(", it is marked `{alias}`")),
            });
        }
        ObservedNamespace::Absent => {
            steps.push(Step::CreateNamespace {
                namespace: desired.namespace.clone(),
                alias: desired.alias.clone(),
            });
            None
        }
        ObservedNamespace::Ours(inside) => {
            set_sysctls(
                &mut steps,
                &place,
                Sysctl::of_a_namespace(),
                &inside.sysctls,
            );
            if inside.interfaces.link("lo").is_some_and(|lo| !lo.up) {
                steps.push(Step::SetUp {
                    place: place.clone(),
                    interface: "lo".to_owned(),
                });
            }
            Some(inside)
        }
    };
    let eth0 = inside.and_then(|inside| inside.interfaces.link(Attachment::INSIDE));
    match (&observed.veth, eth0, inside) {
        (Some(link), Some(eth0), Some(inside))
            if eth0.peer == Some(link.index) && eth0.mac == Some(desired.mac) =>
        {
            repair(&mut steps, desired, observed, link, eth0, inside);
        }
        (link, eth0, _) => {
            if link.is_some() {
                steps.push(delete_link(veth, &desired.alias));
            } else if eth0.is_some() {
                steps.push(Step::DeleteLink {
                    place,
                    interface: Attachment::INSIDE.to_owned(),
                    alias: None,
                });
            }
            steps.push(Step::Connect(desired.clone()));
        }
    }
    Ok(steps)
}

/// Like [`plan_container`], of a container whose guest runs: `process` is systemd-nspawn, which stands
/// in its namespace, or 0 where that is not known. A namespace lives as long as the guest in it,
/// whatever happens to its name, so the name is given back and no other one is made.
pub fn plan_running_container(
    desired: &Attachment,
    observed: &ObservedContainer,
    process: u32,
) -> Result<Vec<Step>, Conflict> {
    if process != 0 && observed.namespace == ObservedNamespace::Absent {
        // What is in it is known when it has its name.
        return Ok(vec![Step::BindNamespace {
            namespace: desired.namespace.clone(),
            alias: desired.alias.clone(),
            process,
        }]);
    }
    plan_container(desired, observed)
}

/// The steps between a veth whose two ends are in their places and the one that is desired.
fn repair(
    steps: &mut Vec<Step>,
    desired: &Attachment,
    observed: &ObservedContainer,
    veth: &Link,
    eth0: &Link,
    inside: &Inside,
) {
    let place = Place::Namespace(desired.namespace.clone());
    set_alias(steps, veth, &desired.alias);
    add_altname(steps, veth, &desired.altname, observed.altname.as_ref());
    let bridge = observed.bridge.as_ref().map(|bridge| bridge.index);
    if bridge.is_none() || veth.controller != bridge || !veth.hairpin {
        steps.push(Step::SetPort {
            veth: desired.veth.to_string(),
            bridge: desired.bridge.to_string(),
        });
    }
    if !veth.up {
        steps.push(Step::SetUp {
            place: Place::Host,
            interface: desired.veth.to_string(),
        });
    }
    let addresses: Vec<_> = inside.interfaces.addresses_of(eth0.index).collect();
    set_addresses(
        steps,
        &place,
        Attachment::INSIDE,
        desired.address,
        &addresses,
    );
    if !eth0.up {
        steps.push(Step::SetUp {
            place,
            interface: Attachment::INSIDE.to_owned(),
        });
    }
    let routed =
        inside.interfaces.routes.iter().any(|route| {
            route.destination.prefix_len() == 0 && route.gateway == Some(desired.gateway)
        });
    // Without its address or switched off, eth0 has lost its routes by the time the steps before
    // this one are done.
    if !routed || !eth0.up || !addresses.contains(&desired.address) {
        steps.push(Step::SetDefaultRoute {
            namespace: desired.namespace.clone(),
            gateway: desired.gateway,
        });
    }
}

/// Deletes a link of the host that carries a mark of ours.
pub(super) fn delete_link(interface: &str, alias: &str) -> Step {
    Step::DeleteLink {
        place: Place::Host,
        interface: interface.to_owned(),
        alias: Some(alias.to_owned()),
    }
}

fn set_alias(steps: &mut Vec<Step>, link: &Link, alias: &str) {
    if link.alias.as_deref() != Some(alias) {
        steps.push(Step::SetAlias {
            interface: link.name.clone(),
            alias: alias.to_owned(),
        });
    }
}

/// Plans a readable name, unless somebody (the link itself or another) has it already.
fn add_altname(steps: &mut Vec<Step>, link: &Link, altname: &str, holder: Option<&Link>) {
    if holder.is_none() {
        steps.push(Step::AddAltname {
            interface: link.name.clone(),
            altname: altname.to_owned(),
        });
    }
}

fn set_addresses(
    steps: &mut Vec<Step>,
    place: &Place,
    interface: &str,
    desired: ipnet::Ipv4Net,
    observed: &[ipnet::Ipv4Net],
) {
    let interface = interface.to_owned();
    for &address in observed.iter().filter(|&&address| address != desired) {
        steps.push(Step::RemoveAddress {
            place: place.clone(),
            interface: interface.clone(),
            address,
        });
    }
    if !observed.contains(&desired) {
        steps.push(Step::AddAddress {
            place: place.clone(),
            interface,
            address: desired,
        });
    }
}

/// Plans the switches that differ. One that this kernel does not have (IPv6 built without) needs
/// no setting.
fn set_sysctls(
    steps: &mut Vec<Step>,
    place: &Place,
    desired: impl IntoIterator<Item = Sysctl>,
    observed: &Sysctls,
) {
    for sysctl in desired {
        let found = observed.get(&sysctl.key).and_then(Option::as_ref);
        if found.is_some_and(|value| *value != sysctl.value) {
            steps.push(Step::SetSysctl {
                place: place.clone(),
                sysctl,
            });
        }
    }
}
