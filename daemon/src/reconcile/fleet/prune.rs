//! `prune`: the data of machines that nothing declares, listed and deleted.

use std::collections::BTreeSet;
use std::sync::Arc;

use ctr_api::wire::{Leftover, Outcome, PruneReport};

use super::Fleet;
use crate::declaration::{self, LoadError};
use crate::machine::leftovers::{self, delete_leftover};
use crate::machine::root::FileError;
use crate::machine::{Active, SystemdError, unit_name};
use crate::model::MachineName;

/// Nothing could be listed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Nobody knows what is declared.
    #[error("nothing is known to be undeclared: the declaration is refused")]
    Refused(#[source] Arc<LoadError>),
    /// What is there could not be listed.
    #[error(transparent)]
    File(#[from] FileError),
    /// What runs could not be listed.
    #[error(transparent)]
    Systemd(#[from] SystemdError),
    /// The work was not finished.
    #[error("failed to finish listing what is left")]
    Interrupted,
}

impl PruneError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(_) => Some("`ctr check` with the file says what is wrong".to_owned()),
            Self::File(_) | Self::Systemd(_) | Self::Interrupted => None,
        }
    }
}

impl Fleet {
    /// The data of machines that neither the declaration in force nor the file in place has, and that do
    /// not run.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>, PruneError> {
        let mut kept = self.declared_machines()?;
        kept.extend(self.busy());
        for unit in self.host.systemd.units().await? {
            kept.extend(crate::machine::machine_of_unit(&unit));
        }
        let paths = self.shared.paths.clone();
        let found = tokio::task::spawn_blocking(move || {
            leftovers::leftovers(&paths, |machine| kept.contains(machine))
        });
        let found = found.await.map_err(|_| PruneError::Interrupted)??;
        Ok(found.into_iter().map(on_the_wire).collect())
    }

    /// Deletes what is left of these machines; each is answered for by itself.
    pub async fn prune(&self, machines: &[String]) -> Result<PruneReport, PruneError> {
        let declared = self.declared_machines()?;
        let mut report = PruneReport::default();
        for name in machines {
            match self.prune_one(name, &declared).await {
                Ok(paths) => report.deleted.extend(paths),
                Err((error, hint)) => report.failures.push(Outcome {
                    group: String::new(),
                    name: name.clone(),
                    error: Some(error),
                    hint,
                }),
            }
        }
        Ok(report)
    }

    async fn prune_one(
        &self,
        name: &str,
        declared: &BTreeSet<MachineName>,
    ) -> Result<Vec<String>, (String, Option<String>)> {
        let list = || Some("`ctr prune` lists what is left".to_owned());
        let machine: MachineName = name
            .parse()
            .map_err(|error| (format!("{name} is no machine's name: {error}"), list()))?;
        if declared.contains(&machine) {
            let hint = "take it out of the declaration and apply that first";
            return Err((format!("{machine} is declared"), Some(hint.to_owned())));
        }
        // While it is claimed no container of that name can begin.
        let Some(_claim) = self.claim(&machine) else {
            return Err((
                format!("{machine} is still in use"),
                Some("`ctr status` says what it does".to_owned()),
            ));
        };
        let unit = unit_name(&machine);
        let observed = self.host.systemd.observe(&unit).await;
        let observed = observed.map_err(|error| (crate::error_text::with_causes(&error), None))?;
        if !matches!(observed.active, Active::Inactive | Active::Failed) {
            let hint = format!("`systemctl stop {unit}`");
            return Err((format!("its unit {unit} runs"), Some(hint)));
        }
        let paths = self.shared.paths.clone();
        let of = machine.clone();
        let deleted = tokio::task::spawn_blocking(move || delete_leftover(&paths, &of))
            .await
            .map_err(|_| (PruneError::Interrupted.to_string(), None))?
            .map_err(|error| (crate::error_text::with_causes(&error), None))?;
        if deleted.is_empty() {
            return Err((format!("nothing is left of {machine}"), list()));
        }
        let lines: Vec<_> = deleted.iter().map(|it| it.display().to_string()).collect();
        tracing::info!(%machine, "deleted {}", lines.join(", "));
        Ok(lines)
    }

    /// What the declaration in force has, and what the file in place has: after `down`, or an edit that
    /// was not applied, they differ.
    fn declared_machines(&self) -> Result<BTreeSet<MachineName>, PruneError> {
        let parsed = declaration::load(&self.shared.paths.declaration)
            .map_err(|error| PruneError::Refused(Arc::new(error)))?;
        let in_force = self.in_force().model;
        let containers = parsed.model.containers().chain(in_force.containers());
        Ok(containers.map(|it| it.machine.clone()).collect())
    }
}

fn on_the_wire(leftover: leftovers::Leftover) -> Leftover {
    let leftovers::Leftover {
        machine,
        paths,
        size,
        last_used_ms,
    } = leftover;
    Leftover {
        machine: machine.to_string(),
        paths: paths.iter().map(|it| it.display().to_string()).collect(),
        size,
        last_used_ms,
    }
}
