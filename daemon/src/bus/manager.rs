//! `org.kernelcore.Containers1.Manager`.

use std::sync::Arc;

use ctr_api::wire::{ContainersRequest, Leftovers, RequestReport};
use ctr_api::{Dict, Error, from_dict, to_dict};
use serde::Serialize;
use zbus::message::Header;
use zbus::{OwnedFd, interface};

use crate::declaration;
use crate::error_text::with_causes;
use crate::model::ContainerId;
use crate::reconcile::HostError;
use crate::reconcile::fleet::{Fleet, PruneError};

use super::authority::Authority;
use super::bounds::Kind;
use super::convert::{host_status, refusal};
use super::credentials::credentials_of_all;
use super::gpus;
use super::guard::id;
use super::logs::Logs;
use super::stream;

/// The manager's object.
#[derive(Debug)]
pub(super) struct Manager {
    fleet: Arc<Fleet>,
    logs: Arc<Logs>,
    authority: Arc<Authority>,
}

impl Manager {
    pub(super) fn new(fleet: Arc<Fleet>, logs: Arc<Logs>, authority: Arc<Authority>) -> Self {
        Self {
            fleet,
            logs,
            authority,
        }
    }
}

#[interface(name = "org.kernelcore.Containers1.Manager")]
impl Manager {
    async fn status(&self) -> Result<Dict, Error> {
        let credentials = credentials_of_all(&self.fleet).await;
        let gpu_use = self.fleet.gpu_use().await;
        dict(&host_status(&self.fleet, credentials, &gpu_use))
    }

    async fn list_gpus(&self) -> Result<Vec<Dict>, Error> {
        let gpus = self.fleet.gpus().await.map_err(|e| not_looked_at(&e))?;
        gpus::list(&gpus).iter().map(dict).collect()
    }

    async fn check_gpus(&self) -> Result<Vec<Dict>, Error> {
        let findings = self.fleet.check_gpus().await;
        let findings = findings.map_err(|e| not_looked_at(&e))?.into_iter();
        findings.map(|it| dict(&gpus::finding(it))).collect()
    }

    async fn plan(&self, name: &str, bytes: Vec<u8>) -> Result<Dict, Error> {
        let parsed = if bytes.is_empty() {
            self.fleet
                .read()
                .map_err(|error| Error::BadDeclaration(refusal(&error)))?
        } else {
            declaration::parse(name, &bytes)
                .map_err(|problems| Error::BadDeclaration(problems.to_string()))?
        };
        let warnings = parsed.warnings.to_wire();
        let mut plan = self.fleet.plan(parsed).await;
        plan.problems = warnings;
        dict(&plan)
    }

    async fn apply(&self) -> Result<Dict, Error> {
        let (mut report, warnings) = self
            .fleet
            .apply()
            .await
            .map_err(|error| Error::BadDeclaration(refusal(&error)))?;
        report.plan.problems = warnings.to_wire();
        dict(&report)
    }

    async fn down(&self) -> Result<Dict, Error> {
        dict(&self.fleet.down().await)
    }

    async fn leftovers(&self) -> Result<Dict, Error> {
        let machines = self.fleet.leftovers().await.map_err(|e| not_pruned(&e))?;
        dict(&Leftovers { machines })
    }

    async fn prune(&self, machines: Vec<String>) -> Result<Dict, Error> {
        let report = self.fleet.prune(&machines).await;
        dict(&report.map_err(|e| not_pruned(&e))?)
    }

    async fn request(
        &self,
        containers: Vec<(String, String)>,
        options: Dict,
    ) -> Result<Dict, Error> {
        let ids = ids(&containers)?;
        let request: ContainersRequest =
            from_dict(&options).map_err(|error| Error::BadRequest(error.to_string()))?;
        let failures = self.fleet.request(&ids, request.verb).await;
        dict(&RequestReport { failures })
    }

    async fn open_events(&self, #[zbus(header)] header: Header<'_>) -> Result<OwnedFd, Error> {
        let user = self.authority.user(&header).await?;
        let held = self.authority.take(Kind::Events, user)?;
        let stream = stream::open(self.fleet.follow(), held)
            .map_err(|error| Error::Failed(format!("failed to make a pipe: {error}")))?;
        Ok(stream.into())
    }

    async fn open_journal(
        &self,
        containers: Vec<(String, String)>,
        options: Dict,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(OwnedFd, OwnedFd), Error> {
        let ids = ids(&containers)?;
        self.logs.open(&header, &ids, &options).await
    }

    #[zbus(property(emits_changed_signal = "const"))]
    #[expect(clippy::unused_self, reason = "a property belongs to its object")]
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

fn ids(containers: &[(String, String)]) -> Result<Vec<ContainerId>, Error> {
    let ids = containers.iter().map(|(group, name)| id(group, name));
    ids.collect()
}

fn not_pruned(error: &PruneError) -> Error {
    let sentence = with_causes(error);
    Error::Failed(match error.hint() {
        Some(hint) => format!("{sentence}\nhint: {hint}"),
        None => sentence,
    })
}

fn not_looked_at(error: &HostError) -> Error {
    let sentence = with_causes(error);
    Error::Failed(match error.hint() {
        Some(hint) => format!("{sentence}\nhint: {hint}"),
        None => sentence,
    })
}

/// A wire type as a dictionary.
pub(super) fn dict<T: Serialize>(value: &T) -> Result<Dict, Error> {
    to_dict(value).map_err(|error| Error::Failed(error.to_string()))
}
