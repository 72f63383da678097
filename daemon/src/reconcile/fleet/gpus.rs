//! The host's graphics processors, and what containers use of them, looked at when somebody asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use ctr_api::wire::State;

use crate::gpu::check::{Facts, Finding, Lacking, Undone, check};
use crate::gpu::meter::{Guest, Reading};
use crate::gpu::{Given, Inventory};
use crate::model::{ContainerId, PciAddress};
use crate::reconcile::Status;
use crate::reconcile::host_error::HostError;

use super::Fleet;

/// What is there, and what is used of it.
#[derive(Debug)]
pub struct Gpus {
    /// What is there.
    pub inventory: Arc<Inventory>,
    /// What is used of it.
    pub reading: Arc<Reading>,
    /// Which containers have been given which.
    pub given: Vec<(ContainerId, Vec<Given>)>,
}

impl Fleet {
    /// What is there, what is used of it, and who has it.
    pub async fn gpus(&self) -> Result<Gpus, HostError> {
        let inventory = self.host.inventory().await?;
        let statuses = self.statuses();
        let cards: Vec<_> = inventory.gpus.iter().filter_map(|gpu| gpu.pci).collect();
        let reading = self.meter.read(&cards, &guests(&statuses)).await;
        let given = statuses
            .into_iter()
            .filter_map(|(id, status)| (!status.gpus.is_empty()).then_some((id, status.gpus)));
        Ok(Gpus {
            inventory,
            reading,
            given: given.collect(),
        })
    }

    /// What containers use of what they have been given. Where none has a graphics processor nothing is looked at.
    pub async fn gpu_use(&self) -> Arc<Reading> {
        let statuses = self.statuses();
        let guests = guests(&statuses);
        let running = statuses
            .iter()
            .filter(|(id, _)| guests.iter().any(|it| it.id == *id));
        let given = running.flat_map(|(_, status)| &status.gpus);
        let cards: BTreeSet<PciAddress> = given.filter_map(|given| given.pci).collect();
        let cards: Vec<PciAddress> = cards.into_iter().collect();
        self.meter.read(&cards, &guests).await
    }

    /// What is as it should be with them, and what is not.
    pub async fn check_gpus(&self) -> Result<Vec<Finding>, HostError> {
        let inventory = self.host.inventory().await?;
        let (looked, paths) = (inventory.clone(), self.shared.paths.clone());
        let facts = tokio::task::spawn_blocking(move || Facts::of_host(&paths, &looked));
        let mut facts = facts.await.unwrap_or_default();
        for (id, status) in self.statuses() {
            let runs = status.state.is_up();
            // One that is stopped lacks nothing.
            let looks = runs || status.state == State::Waiting;
            if let Some(lack) = status.lack.filter(|_| looks) {
                let id = id.clone();
                facts.lacking.push(Lacking { id, lack, runs });
            }
            if !status.undone.is_empty() {
                let sentences = status.undone;
                facts.undone.push(Undone { id, sentences });
            }
        }
        Ok(check(&inventory, &facts))
    }

    fn statuses(&self) -> Vec<(ContainerId, Status)> {
        let handles = self.handles().borrow().clone();
        let statuses = handles.iter();
        statuses
            .map(|(id, handle)| (id.clone(), handle.status.borrow().clone()))
            .collect()
    }
}

/// The running containers that have a graphics processor.
fn guests(statuses: &[(ContainerId, Status)]) -> Vec<Guest> {
    let has = |status: &Status| {
        !status.gpus.is_empty() && status.leader.is_some() && !status.control_group.is_empty()
    };
    let with = statuses.iter().filter(|(_, status)| has(status));
    with.map(|(id, status)| Guest {
        id: id.clone(),
        control_group: status.control_group.clone(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::guests;
    use crate::gpu::Given;
    use crate::model::ContainerId;
    use crate::reconcile::Status;

    #[test]
    fn only_running_containers_with_a_graphics_processor_are_looked_at() {
        let status = |given: bool, leader: Option<u32>| Status {
            gpus: Vec::from_iter(given.then(|| Given {
                pci: None,
                label: "renderD128".to_owned(),
                name: "Card".to_owned(),
            })),
            leader,
            control_group: "/machine.slice/ctr-x.service".to_owned(),
            ..Status::unknown()
        };
        let named = |name: &str, status| {
            let id = ContainerId {
                group: "ml".parse().expect("valid"),
                name: name.parse().expect("valid"),
            };
            (id, status)
        };
        let found = guests(&[
            named("with", status(true, Some(7))),
            named("without", status(false, Some(8))),
            named("stopped", status(true, None)),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].id.name.as_str(), "with");
    }
}
