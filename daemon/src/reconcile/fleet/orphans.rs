//! What carries our mark and nothing declares, and no task is at: what an earlier ctrd left.

use std::collections::BTreeSet;

use ctr_api::wire::{DownReport, Outcome};

use super::Fleet;
use crate::machine::machine_of_unit;
use crate::model::MachineName;
use crate::network;
use crate::os::failpoint;
use crate::reconcile::{orphans, slices};

impl Fleet {
    /// Takes it away.
    pub(super) async fn remove_orphans(&self) -> Vec<Outcome> {
        let report = self.sweep().await;
        report
            .failures
            .into_iter()
            .map(|error| Outcome {
                group: String::new(),
                name: "orphan".to_owned(),
                error: Some(error),
                hint: None,
            })
            .collect()
    }

    /// Takes it away, and says what. A declaration may be taken into force meanwhile: each machine is
    /// claimed before it is touched, and the network goes in a turn.
    pub(super) async fn sweep(&self) -> DownReport {
        let mut report = DownReport {
            removed: Vec::new(),
            data: Vec::new(),
            failures: Vec::new(),
        };
        // Nearly all are; who is not is claimed, which looks again.
        let model = self.in_force().model;
        let declared: BTreeSet<&MachineName> = model.containers().map(|it| &it.machine).collect();
        match self.host.systemd.units().await {
            Ok(units) => {
                let machines = units.iter().filter_map(|unit| machine_of_unit(unit));
                for machine in machines.filter(|it| !declared.contains(it)) {
                    let Some(_claim) = self.claim(&machine) else {
                        continue;
                    };
                    match orphans::remove_machine(&self.host, &machine).await {
                        Ok(true) => report.removed.push(format!("machine {machine}")),
                        Ok(false) => {}
                        Err(error) => report.failures.push(error.sentence()),
                    }
                }
            }
            Err(error) => report.failures.push(error.to_string()),
        }
        let left = orphans::left_machines(&self.host.paths);
        for machine in left.into_iter().filter(|it| !declared.contains(it)) {
            let Some(_claim) = self.claim(&machine) else {
                continue;
            };
            if let Err(error) = orphans::remove_left(&self.host, &machine).await {
                report.failures.push(error.sentence());
            }
        }
        failpoint("left machines removed");
        self.sweep_network(&mut report).await;
        report
    }

    async fn sweep_network(&self, report: &mut DownReport) {
        let _turn = self.turn.lock().await;
        let model = self.in_force().model;
        let marked = match self.host.network.observe_marked().await {
            Ok(marked) => marked,
            Err(error) => return report.failures.push(error.to_string()),
        };
        let mut removals = network::plan_removals(&model, &marked);
        // Who is still on its way out takes its own away, and its group's bridge stays until then.
        let busy = self.busy();
        let leaving = self.leaving();
        removals
            .containers
            .retain(|it| busy.iter().all(|machine| machine.as_str() != it.name));
        removals
            .groups
            .retain(|it| leaving.iter().all(|(id, _)| id.group.as_str() != it.name));
        for step in removals.at_once(&marked) {
            match self.host.network.apply(&step).await {
                Ok(()) => report
                    .removed
                    .push(step.to_string().replacen("delete ", "", 1)),
                Err(error) => report.failures.push(error.to_string()),
            }
        }
        if let Err(error) = slices::remove_left(&self.host, &model).await {
            report.failures.push(error.to_string());
        }
    }
}
