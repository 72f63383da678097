//! What guests that are up have of the network: their addresses, and the gateways they go out by.
//!
//! A declaration may give an address to another container, or a subnet to another group, while the guest
//! that has it is still on its way out. Two guests with one address would answer for each other, and one
//! whose gateway is taken away could not say goodbye to anybody. So who comes waits for who goes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;

use crate::model::MachineName;
use crate::network::Attached;

/// Who has what, as it was seen last.
#[derive(Debug, Default)]
pub(super) struct Occupied {
    attached: HashMap<MachineName, Attached>,
    addresses: BTreeMap<Ipv4Addr, BTreeSet<MachineName>>,
    gateways: BTreeMap<Ipv4Addr, BTreeSet<MachineName>>,
    waiting: BTreeSet<MachineName>,
}

impl Occupied {
    /// A machine was seen: with what its guest has, or without a guest. Answers with those that waited
    /// and should look again.
    pub(super) fn see(
        &mut self,
        machine: &MachineName,
        now: Option<Attached>,
    ) -> BTreeSet<MachineName> {
        if self.attached.get(machine) == now.as_ref() {
            return BTreeSet::new();
        }
        if let Some(before) = self.attached.remove(machine) {
            for address in &before.addresses {
                leave(&mut self.addresses, *address, machine);
            }
            if let Some(gateway) = before.gateway {
                leave(&mut self.gateways, gateway, machine);
            }
        }
        if let Some(now) = now {
            for address in &now.addresses {
                self.addresses
                    .entry(*address)
                    .or_default()
                    .insert(machine.clone());
            }
            if let Some(gateway) = now.gateway {
                self.gateways
                    .entry(gateway)
                    .or_default()
                    .insert(machine.clone());
            }
            self.attached.insert(machine.clone(), now);
        }
        std::mem::take(&mut self.waiting)
    }

    /// A machine waits for another. It is told once.
    pub(super) fn wait(&mut self, machine: &MachineName) {
        self.waiting.insert(machine.clone());
    }

    /// Another machine whose guest has an address.
    pub(super) fn other_at(
        &self,
        address: Ipv4Addr,
        machine: &MachineName,
    ) -> Option<&MachineName> {
        self.addresses
            .get(&address)?
            .iter()
            .find(|it| *it != machine)
    }

    /// The gateways that guests go out by, each with one of them.
    pub(super) fn gateways(&self) -> BTreeMap<Ipv4Addr, MachineName> {
        let first = |(address, machines): (&Ipv4Addr, &BTreeSet<MachineName>)| {
            Some((*address, machines.first()?.clone()))
        };
        self.gateways.iter().filter_map(first).collect()
    }

    /// The guest of a machine is up, and not at this address.
    pub(super) fn is_elsewhere(&self, machine: &MachineName, address: Ipv4Addr) -> bool {
        self.attached
            .get(machine)
            .is_some_and(|it| !it.addresses.is_empty() && !it.addresses.contains(&address))
    }
}

fn leave(
    places: &mut BTreeMap<Ipv4Addr, BTreeSet<MachineName>>,
    address: Ipv4Addr,
    machine: &MachineName,
) {
    if let Some(machines) = places.get_mut(&address) {
        machines.remove(machine);
        if machines.is_empty() {
            places.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::Occupied;
    use crate::model::MachineName;
    use crate::network::Attached;

    fn machine(name: &str) -> MachineName {
        name.parse().expect("valid")
    }

    fn at(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 3, last)
    }

    fn attached(last: u8) -> Attached {
        Attached {
            addresses: vec![at(last)],
            gateway: Some(at(1)),
        }
    }

    #[test]
    fn who_waits_hears_of_the_end_of_another_once() {
        let (one, two) = (machine("lab-one"), machine("lab-two"));
        let mut occupied = Occupied::default();
        occupied.see(&one, Some(attached(11)));
        assert_eq!(occupied.other_at(at(11), &two), Some(&one));
        assert_eq!(occupied.other_at(at(11), &one), None, "its own");
        assert!(occupied.is_elsewhere(&one, at(12)));
        assert!(!occupied.is_elsewhere(&one, at(11)));
        occupied.wait(&two);
        assert!(
            occupied.see(&one, Some(attached(11))).is_empty(),
            "nothing new"
        );
        assert!(occupied.see(&one, None).contains(&two));
        assert_eq!(occupied.other_at(at(11), &two), None);
        assert!(occupied.gateways().is_empty());
        assert!(
            occupied.see(&one, Some(attached(11))).is_empty(),
            "told once"
        );
    }

    #[test]
    fn a_gateway_is_in_use_until_its_last_guest_has_ended() {
        let (one, two) = (machine("lab-one"), machine("lab-two"));
        let mut occupied = Occupied::default();
        occupied.see(&one, Some(attached(11)));
        occupied.see(&two, Some(attached(12)));
        occupied.see(&one, None);
        assert_eq!(occupied.gateways().get(&at(1)), Some(&two));
        occupied.see(&two, None);
        assert!(occupied.gateways().is_empty());
    }
}
