//! What leaves: containers that are declared no more, orphans, and everything for `down`.

use std::collections::BTreeSet;
use std::sync::Arc;

use ctr_api::wire::{DownReport, Outcome};

use super::{Fleet, ask, outcome};
use crate::error_text::with_causes;
use crate::machine::credentials::{delivered_machines, generated_secrets, withdraw};
use crate::machine::{ALL_SLICE, Active, machine_of_unit, unit_name};
use crate::model::{ContainerId, Model};
use crate::network::{self, Attachment, Bridge};
use crate::reconcile::host::Conflict;
use crate::reconcile::host_error::HostError;
use crate::reconcile::task::Request;
use crate::reconcile::{journal_views, orphans};

impl Fleet {
    pub(super) async fn remove_undeclared(&self, model: &Model) -> Vec<Outcome> {
        let gone: Vec<ContainerId> = self
            .handles
            .borrow()
            .keys()
            .filter(|id| model.container(id).is_none())
            .cloned()
            .collect();
        self.remove(&gone).await
    }

    pub(super) async fn remove(&self, ids: &[ContainerId]) -> Vec<Outcome> {
        let handles = self.handles.borrow().clone();
        let leaving = handles.iter().filter(|(id, _)| ids.contains(id));
        let asked = ask(leaving, Request::Remove).await;
        let mut failures = Vec::new();
        for (id, answer) in asked {
            match answer.await {
                Ok(Ok(())) | Err(_) => {
                    self.handles.send_modify(|now| {
                        Arc::make_mut(now).remove(&id);
                    });
                    if let Ok(machine) = id.machine() {
                        self.host.forget(&machine);
                    }
                }
                Ok(Err(reason)) => {
                    failures.push(outcome(&id, Conflict { reason, hint: None }));
                }
            }
        }
        failures
    }

    /// Takes away what carries our mark and nothing declares.
    pub(super) async fn remove_orphans(&self, model: &Model) -> Vec<Outcome> {
        let report = self.sweep(model).await;
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

    pub(super) async fn sweep(&self, model: &Model) -> DownReport {
        let mut report = DownReport {
            removed: Vec::new(),
            data: Vec::new(),
            failures: Vec::new(),
        };
        match self.host.systemd.units().await {
            Ok(units) => {
                for machine in units.iter().filter_map(|unit| machine_of_unit(unit)) {
                    if model
                        .containers()
                        .any(|container| container.machine == machine)
                    {
                        continue;
                    }
                    match orphans::remove_machine(&self.host, &machine).await {
                        Ok(true) => report.removed.push(format!("machine {machine}")),
                        Ok(false) => {}
                        Err(error) => report.failures.push(error.sentence()),
                    }
                }
            }
            Err(error) => report.failures.push(error.to_string()),
        }
        for machine in orphans::mounted_machines(&self.host.paths) {
            if model.containers().all(|it| it.machine != machine)
                && let Err(error) = orphans::release_mounts(&self.host, &machine).await
            {
                report.failures.push(error.sentence());
            }
        }
        if let Err(error) = self.withdraw_left_credentials(model).await {
            report.failures.push(error.sentence());
        }
        let bridges: Vec<Bridge> = model.groups.values().map(Bridge::of).collect();
        let attachments: Vec<Attachment> = model
            .groups
            .values()
            .flat_map(|group| {
                group
                    .containers
                    .values()
                    .map(|it| Attachment::of(group, it))
            })
            .collect();
        let marked = match self.host.network.observe_marked().await {
            Ok(marked) => marked,
            Err(error) => {
                report.failures.push(error.to_string());
                return report;
            }
        };
        let removals = network::plan_removals(&bridges, &attachments, &marked);
        for step in removals.at_once(&marked) {
            match self.host.network.apply(&step).await {
                Ok(()) => report
                    .removed
                    .push(step.to_string().replacen("delete ", "", 1)),
                Err(error) => report.failures.push(error.to_string()),
            }
        }
        report
    }

    /// Takes away what guests were given that ended while no ctrd was there, and are declared no more.
    async fn withdraw_left_credentials(&self, model: &Model) -> Result<(), HostError> {
        for machine in delivered_machines(&self.shared.paths)? {
            let declared = model.containers().any(|it| it.machine == machine);
            let unit = self.host.systemd.observe(&unit_name(&machine)).await?;
            if !declared && matches!(unit.active, Active::Inactive | Active::Failed) {
                withdraw(&self.shared.paths.machine_credentials(&machine))?;
            }
        }
        Ok(())
    }

    /// Where data stays: the machines' state, and what is declared as data.
    pub(super) fn data(&self) -> Vec<String> {
        let model = self.in_force().model;
        let binds = model.containers().flat_map(|container| &container.binds);
        let declared = binds
            .filter(|bind| bind.data)
            .map(|bind| bind.host.display().to_string());
        let mut data: BTreeSet<String> = declared.collect();
        data.extend(orphans::state_directories(&self.shared.paths));
        data.extend(generated_secrets(&self.shared.paths));
        data.into_iter().collect()
    }

    /// Stops everything and takes away what is ours, except data.
    pub async fn down(&self) -> DownReport {
        let _turn = self.turn.lock().await;
        let all: Vec<ContainerId> = self.handles.borrow().keys().cloned().collect();
        let mut removed: Vec<String> = all.iter().map(|id| format!("container {id}")).collect();
        let failures = self.remove(&all).await;
        removed.retain(|line| {
            !failures
                .iter()
                .any(|it| *line == format!("container {}/{}", it.group, it.name))
        });
        let mut report = self.sweep(&Model::default()).await;
        removed.append(&mut report.removed);
        report.removed = removed;
        report
            .failures
            .extend(failures.into_iter().filter_map(|it| it.error));
        match self.host.remove_firewall().await {
            Ok(()) => report
                .removed
                .push("the tables inet ctr and bridge ctr".to_owned()),
            Err(error) => report.failures.push(error.sentence()),
        }
        report.data = self.data();
        // A slice that systemd made for a unit stays when the unit is gone.
        if let Err(error) = self.host.systemd.stop(ALL_SLICE).await {
            report.failures.push(error.to_string());
        }
        orphans::remove_empty_directories(&self.shared.paths);
        if let Err(error) = journal_views::remove(&self.shared.paths) {
            report.failures.push(with_causes(&error));
        }
        self.change(|now| {
            now.model = Arc::default();
            now.digest = None;
            now.troubled.clear();
        });
        report
    }
}
