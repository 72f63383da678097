//! `down`: nothing is declared any more, until the next apply.

use std::sync::Arc;

use ctr_api::wire::DownReport;

use super::Fleet;
use crate::error_text::with_causes;
use crate::machine::ALL_SLICE;
use crate::model::{ContainerId, Model};
use crate::os::failpoint;
use crate::reconcile::{journal_views, orphans};

impl Fleet {
    /// Stops everything and takes away what is ours, except data.
    pub async fn down(&self) -> DownReport {
        let nothing = Arc::new(Model::default());
        let (before, leaving, still_kept) = {
            let _turn = self.turn.lock().await;
            let before = self.in_force().model;
            self.change(|now| {
                now.model = nothing.clone();
                now.digest = None;
                now.next_try_ms = None;
            });
            self.host.declare_no_group();
            let still_kept = self.forget_declaration();
            (before, self.ask_to_leave(&nothing).await, still_kept)
        };
        let all: Vec<ContainerId> = leaving.iter().map(|(id, _)| id.clone()).collect();
        let mut removed: Vec<String> = all.iter().map(|id| format!("container {id}")).collect();
        let failures = self.until_gone(leaving).await;
        failpoint("everything stopped");
        removed.retain(|line| {
            !failures
                .iter()
                .any(|it| *line == format!("container {}/{}", it.group, it.name))
        });
        let mut report = self.sweep().await;
        removed.append(&mut report.removed);
        report.removed = removed;
        report
            .failures
            .extend(failures.into_iter().filter_map(|it| it.error));
        report.failures.extend(still_kept);
        report.data = self.data(&before);
        failpoint("everything swept");
        self.last_things(&nothing, &mut report).await;
        report
    }

    /// What all containers share goes, where nothing was declared again meanwhile.
    async fn last_things(&self, nothing: &Arc<Model>, report: &mut DownReport) {
        let _turn = self.turn.lock().await;
        if !Arc::ptr_eq(nothing, &self.in_force().model) {
            report.failures.push(
                "a declaration was applied while everything was being taken down, and holds"
                    .to_owned(),
            );
            return;
        }
        match self.host.remove_firewall().await {
            Ok(()) => report
                .removed
                .push("the tables inet ctr and bridge ctr".to_owned()),
            Err(error) => report.failures.push(error.sentence()),
        }
        // A slice that systemd made for a unit stays when the unit is gone.
        if let Err(error) = self.host.systemd.stop(ALL_SLICE).await {
            report.failures.push(error.to_string());
        }
        orphans::remove_empty_directories(&self.shared.paths);
        failpoint("directories of ctr removed");
        if let Err(error) = journal_views::remove(&self.shared.paths) {
            report.failures.push(with_causes(&error));
        }
    }
}
