//! What is told of graphics processors. Pure.

use ctr_api::wire::{ContainerGpu, Gpu, GpuFinding, GpuSeverity};

use crate::gpu::check::{Finding, Severity};
use crate::gpu::meter::{GuestUse, Reading};
use crate::gpu::{self, Given};
use crate::model::ContainerId;
use crate::reconcile::fleet::Gpus;

/// Every card of the host.
pub(super) fn list(gpus: &Gpus) -> Vec<Gpu> {
    let numbered = gpus.inventory.numbered();
    numbered
        .map(|(index, gpu)| card(index, gpu, gpus))
        .collect()
}

fn card(index: u32, gpu: &gpu::Gpu, gpus: &Gpus) -> Gpu {
    let own = gpu.given();
    let used_by = gpus.given.iter().filter(|(_, given)| given.contains(&own));
    let totals = gpu.pci.and_then(|pci| gpus.reading.cards.get(&pci));
    Gpu {
        vendor: gpu.vendor.as_str().to_owned(),
        index,
        pci: gpu.pci.map(|it| it.to_string()),
        uuid: gpu.uuid.clone(),
        name: gpu.name.clone(),
        driver: gpu.driver.as_ref().map(|it| it.name.clone()),
        driver_version: gpu.driver.as_ref().and_then(|it| it.version.clone()),
        memory_total: totals.and_then(|it| it.memory_total).or(gpu.memory),
        memory_used: totals.and_then(|it| it.memory_used),
        utilisation: totals.and_then(|it| it.busy).map(percent),
        nodes: gpu
            .nodes
            .iter()
            .map(|it| it.path.display().to_string())
            .collect(),
        missing: gpu.missing.clone(),
        used_by: used_by.map(|(id, _)| id.to_string()).collect(),
    }
}

/// What one container has and uses.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Used {
    pub(super) gpus: Vec<ContainerGpu>,
    pub(super) memory: Option<u64>,
    pub(super) utilisation: Option<u32>,
}

/// What a container has been given, and what it uses of that.
pub(super) fn used(id: &ContainerId, given: &[Given], reading: &Reading) -> Used {
    let guest = reading.guests.get(id);
    let gpus: Vec<ContainerGpu> = given.iter().map(|it| one(it, guest, reading)).collect();
    let sum = |of: fn(&ContainerGpu) -> Option<u64>| {
        let known = gpus.iter().filter_map(of);
        known.reduce(u64::saturating_add)
    };
    let utilisation = sum(|it| it.utilisation.map(u64::from));
    Used {
        memory: sum(|it| it.memory),
        utilisation: utilisation.map(|it| u32::try_from(it).unwrap_or(u32::MAX)),
        gpus,
    }
}

fn one(given: &Given, guest: Option<&GuestUse>, reading: &Reading) -> ContainerGpu {
    let of_card = given.pci.zip(guest).map(|(pci, guest)| {
        let told = reading.cards.contains_key(&pci);
        // Of a card that tells what is used, silence about a container means nothing is.
        let memory = Some(0).filter(|_| told);
        match guest.cards.get(&pci) {
            Some(used) => (used.memory.or(memory), used.busy),
            None => (memory, None),
        }
    });
    let (memory, busy) = of_card.unwrap_or_default();
    ContainerGpu {
        label: given.label.clone(),
        pci: given.pci.map(|it| it.to_string()),
        name: given.name.clone(),
        memory,
        utilisation: busy.map(percent),
    }
}

pub(super) fn finding(found: Finding) -> GpuFinding {
    let Finding {
        severity,
        subject,
        what,
        hint,
    } = found;
    GpuFinding {
        severity: match severity {
            Severity::Ok => GpuSeverity::Ok,
            Severity::Hint => GpuSeverity::Hint,
            Severity::Problem => GpuSeverity::Problem,
        },
        subject,
        what,
        hint,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is 0 to 100"
)]
fn percent(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 100.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::{list, used};
    use crate::gpu::meter::{Card, FakeMeter, Guest, GuestUse, Meter as _, Reading, Use};
    use crate::gpu::{Gpu, Inventory, Node, Vendor};
    use crate::model::ContainerId;
    use crate::reconcile::fleet::Gpus;

    fn id(name: &str) -> ContainerId {
        ContainerId {
            group: "ml".parse().expect("valid"),
            name: name.parse().expect("valid"),
        }
    }

    fn nvidia(minor: u32) -> Gpu {
        Gpu {
            vendor: Vendor::Nvidia,
            pci: format!("0000:0{}:00.0", minor + 1).parse().ok(),
            uuid: None,
            name: "RTX 3050".to_owned(),
            driver: None,
            memory: Some(6 << 30),
            nodes: vec![Node {
                path: format!("/dev/nvidia{minor}").into(),
                major: 195,
                minor,
                mode: 0o666,
                group: None,
            }],
            missing: Vec::new(),
        }
    }

    fn reading() -> Reading {
        let first = "0000:01:00.0".parse().expect("valid");
        let card = Card {
            memory_total: None,
            memory_used: Some(3 << 30),
            busy: Some(0.626),
        };
        let use_of_it = Use {
            memory: Some(2 << 30),
            busy: Some(0.5),
        };
        let guest = |cards| GuestUse {
            cards,
            at_least: false,
        };
        Reading {
            cards: [(first, card)].into(),
            guests: [
                (id("a"), guest([(first, use_of_it)].into())),
                (id("b"), guest([].into())),
            ]
            .into(),
        }
    }

    #[tokio::test]
    async fn what_is_used_is_told_of_whom_was_asked_for() {
        let inventory = Inventory {
            gpus: vec![nvidia(0), nvidia(1)],
        };
        let cards: Vec<_> = inventory.gpus.iter().filter_map(|it| it.pci).collect();
        let asked = Guest {
            id: id("a"),
            control_group: "/a".to_owned(),
        };
        let reading = FakeMeter(reading()).read(&cards, &[asked]).await;
        let both: Vec<_> = inventory.gpus.iter().map(Gpu::given).collect();
        let a = used(&id("a"), &both, &reading);
        assert_eq!((a.memory, a.utilisation), (Some(2 << 30), Some(50)));
        assert_eq!(a.gpus[0].label, "nvidia0");
        assert_eq!(a.gpus[1].memory, None, "that card tells nothing");
        let b = used(&id("b"), &both, &reading);
        assert_eq!((b.memory, b.utilisation), (None, None), "nobody asked");
        let gpus = Gpus {
            reading,
            given: vec![(id("a"), vec![inventory.gpus[0].given()])],
            inventory: inventory.into(),
        };
        let cards = list(&gpus);
        assert_eq!((cards[0].index, cards[1].index), (0, 1));
        assert_eq!(
            cards[0].memory_total,
            Some(6 << 30),
            "the inventory knows it"
        );
        assert_eq!(cards[0].utilisation, Some(63));
        assert_eq!(cards[0].used_by, ["ml/a"]);
        assert!(cards[1].used_by.is_empty() && cards[1].memory_used.is_none());
    }

    #[test]
    fn a_container_that_uses_nothing_of_a_card_that_tells_uses_nothing() {
        let given = [nvidia(0).given()];
        assert_eq!(used(&id("b"), &given, &reading()).memory, Some(0));
        assert_eq!(used(&id("gone"), &given, &reading()).memory, None);
    }
}
