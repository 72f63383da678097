//! What can have happened to a host: crashes, other programs, people.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::firewall::{Atom, Table};
use crate::machine::{Active, Ended, Registered, Unit};
use crate::model::{Container, Group, Model, UserMode};
use crate::network::{Attachment, Bridge, LINK_GROUP, Link};
use crate::os::netns_name;
use crate::reconcile::fake_host::state;

use super::machine::Machine;

/// What happens, and to which container's side of the host.
pub(super) type Damage = (u8, Index, u8);

pub(super) fn damages() -> impl Strategy<Value = Vec<Damage>> {
    proptest::collection::vec(any::<Damage>(), 0..6)
}

/// Lets all of it happen to a host on which `model` is, or was, declared.
pub(super) fn happen(machine: &mut Machine, model: &Model, damages: &[Damage]) {
    let all: Vec<(&Group, &Container)> = model
        .groups
        .values()
        .flat_map(|group| group.containers.values().map(move |it| (group, it)))
        .collect();
    for (kind, which, more) in damages {
        if !all.is_empty() {
            let (group, container) = all[which.index(all.len())];
            one(machine, group, container, *kind, *more);
        }
    }
}

fn one(machine: &mut Machine, group: &Group, container: &Container, kind: u8, more: u8) {
    match kind % 4 {
        0 => guest(machine, container, kind / 4, more),
        1 => links(machine, group, container, kind / 4, more),
        2 => inside(machine, group, container, kind / 4, more),
        _ => tables(machine, kind / 4, more),
    }
}

/// Its unit, its mounts, its files.
fn guest(machine: &mut Machine, container: &Container, kind: u8, more: u8) {
    let name = &container.machine;
    let is_foreign = machine.seen(name).unit.is_foreign();
    let down = machine.seen(name).is_down();
    // What only a guest that is down can be left with: its guest ended while no ctrd was there.
    if !down && !is_foreign && more.is_multiple_of(2) && matches!(kind % 16, 5..=7 | 10 | 11) {
        machine.end(name, None);
    }
    let down = machine.seen(name).is_down();
    match (kind % 16, down) {
        (0 | 1, false) if !is_foreign => machine.end(name, Some(Ended::Signal(9))),
        (2, false) if !is_foreign => machine.end(name, None),
        (3, false) if !is_foreign => machine.guest(name).unit.active = Active::Activating,
        (4, false) if !is_foreign => machine.guest(name).unit.active = Active::Deactivating,
        (5, true) if !machine.seen(name).unit.loaded => {
            machine.guest(name).unit = Unit {
                active: if more.is_multiple_of(2) {
                    Active::Active
                } else {
                    Active::Inactive
                },
                loaded: true,
                ..Unit::absent()
            };
        }
        (6, true) if !is_foreign => {
            machine.guest(name).registered = Some(Registered {
                leader: 7,
                unit: crate::machine::unit_name(name),
            });
        }
        (7, true) => machine.guest(name).root_mounted = true,
        (8, _) => machine.guest(name).files = None,
        (9, _) => {
            if let Some(files) = &mut machine.guest(name).files {
                files.files[0].1.push('!');
            }
        }
        (10, true) => machine.guest(name).credentials_given = true,
        (11, true) => {
            let mut other = state(if more.is_multiple_of(2) {
                UserMode::Own
            } else {
                UserMode::Host
            });
            other.half_given = more % 4 > 1;
            machine.guest(name).state = Some(other);
        }
        (12, false) => machine.guest(name).limits.memory_max = Some(1),
        (13, false) if more.is_multiple_of(2) => machine.guest(name).bounded = false,
        (13, false) => machine.guest(name).nodes.clear(),
        (14, _) => machine.guest(name).broken = more.is_multiple_of(4),
        (15, _) => machine.guest(name).secret = (!more.is_multiple_of(4)).then_some(more),
        _ => {}
    }
}

/// The host's side of the network.
fn links(machine: &mut Machine, group: &Group, container: &Container, kind: u8, more: u8) {
    let kernel = &mut machine.kernel;
    let (bridge, attachment) = (Bridge::of(group), Attachment::of(group, container));
    let name = if more.is_multiple_of(2) {
        bridge.name.as_str()
    } else {
        attachment.veth.as_str()
    };
    let is_bridge = more.is_multiple_of(2);
    let link = kernel.host.link(name).cloned();
    match (kind % 12, link) {
        (0 | 1, Some(link)) => kernel.delete(&crate::network::Place::Host, &link),
        (2, Some(_)) => kernel.host.set_down(name),
        (3, Some(link)) => {
            for address in machine.kernel.host.addresses.clone() {
                if address.0 == link.index {
                    machine.kernel.host.remove_address(link.index, address.1);
                }
            }
        }
        // Before those that are there, so that the kernel takes it for the first of its subnet.
        (4, Some(link)) if is_bridge => {
            let [a, b, c, _] = group.host_address.octets();
            let other = ipnet::Ipv4Net::new_assert([a, b, c, 77].into(), group.subnet.prefix_len());
            kernel.host.addresses.insert(0, (link.index, other));
        }
        (5, Some(_)) => kernel.host.link(name).expect("there").alias = None,
        (6, Some(_)) => kernel.host.link(name).expect("there").altnames.clear(),
        (7, Some(_)) if !is_bridge => {
            let link = kernel.host.link(name).expect("there");
            link.hairpin = more > 100;
            link.controller = link.controller.filter(|_| more > 150);
        }
        (8, _) => {
            let mut switches = kernel.host.sysctls.values_mut();
            if let Some(value) = switches.nth(usize::from(more) % 4) {
                *value = if value == "0" { "1" } else { "0" }.to_owned();
            }
        }
        // Somebody else's, by our name.
        (9, old) => {
            if let Some(old) = old {
                kernel.delete(&crate::network::Place::Host, &old);
            }
            let link = kernel.link(name, Some("dummy"));
            kernel.host.links.push(link);
        }
        // Half made: in the group of ours, and nothing more.
        (10, None) => {
            let link = kernel.link(name, Some(if is_bridge { "bridge" } else { "veth" }));
            kernel.host.links.push(Link {
                group: LINK_GROUP,
                ..link
            });
            let switches = bridge.sysctls().into_iter().filter(|_| is_bridge);
            let switches = switches.map(|it| (it.key, "0".to_owned()));
            kernel.host.sysctls.extend(switches);
        }
        // Somebody else's uplink into the same subnet.
        (11, _) if more.is_multiple_of(8) => {
            let [a, b, c, _] = group.host_address.octets();
            let other = ipnet::Ipv4Net::new_assert([a, b, c, 99].into(), 26);
            kernel.host.addresses.push((2, other));
        }
        _ => {}
    }
}

/// The guest's side of it.
fn inside(machine: &mut Machine, group: &Group, container: &Container, kind: u8, more: u8) {
    let lived_in = !machine.seen(&container.machine).is_down();
    let kernel = &mut machine.kernel;
    let attachment = Attachment::of(group, container);
    let namespace = netns_name(&container.machine);
    let place = crate::network::Place::Namespace(namespace.clone());
    let Some(space) = kernel.namespaces.get_mut(&namespace) else {
        if kind.is_multiple_of(2) && !lived_in {
            let _ = kernel.obey(&crate::network::Step::CreateNamespace {
                namespace,
                alias: if more.is_multiple_of(2) {
                    "theirs".to_owned()
                } else {
                    attachment.alias
                },
            });
        }
        return;
    };
    let eth0 = space.link("eth0").cloned();
    match (kind % 8, eth0) {
        (0, Some(link)) => kernel.delete(&place, &link),
        (1, Some(_)) => space.set_down(if more.is_multiple_of(2) { "eth0" } else { "lo" }),
        (2, Some(link)) => space.remove_address(link.index, attachment.address),
        (3, Some(link)) => {
            let [a, b, c, _] = container.address.octets();
            let other = ipnet::Ipv4Net::new_assert([a, b, c, 88].into(), 24);
            space.addresses.insert(0, (link.index, other));
        }
        (4, _) => space.default_route = None,
        (5, _) => {
            if let Some(value) = space.sysctls.values_mut().next() {
                "7".clone_into(value);
            }
        }
        (6, Some(_)) => space.link("eth0").expect("there").mac = None,
        (7, _) => kernel.unname(&namespace),
        _ => {}
    }
}

/// The firewall, and what ctrd remembers of it.
fn tables(machine: &mut Machine, kind: u8, more: u8) {
    let table = Table::ALL[usize::from(more) % 2];
    match kind % 8 {
        0 => machine.tables.observed = crate::firewall::Observed::default(),
        1 if table == Table::Inet => machine.tables.observed.inet = None,
        1 => machine.tables.observed.bridge = None,
        // ctrd was killed.
        7 => machine.open.clear(),
        _ => {}
    }
    let Some(found) = machine.tables.table(table) else {
        return;
    };
    let some = found.elements.iter().nth(usize::from(more) / 2).cloned();
    match (kind % 8, some) {
        (2, Some(element)) => {
            found.elements.remove(&element);
        }
        // Leading elsewhere, or the bridge of nobody.
        (3, Some(mut element)) => {
            found.elements.remove(&element);
            match &mut element.value {
                Some(Atom::Port(port)) => *port += 1,
                Some(_) => {}
                None => element.key[0] = Atom::Interface("theirs".to_owned()),
            }
            found.elements.insert(element);
        }
        (4, _) => "edited".clone_into(&mut found.listing),
        (5, _) => found.marks.clear(),
        (6, _) => found.foreign.push("ctr_bridges 1-2".to_owned()),
        _ => {}
    }
}
