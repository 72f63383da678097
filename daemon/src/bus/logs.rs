//! `OpenJournal`, of one container and of several.

use std::sync::Arc;

use ctr_api::journal::{JournalRequest, Source, host_id, selection, view};
use ctr_api::{Dict, Error, from_dict};
use zbus::OwnedFd;
use zbus::message::Header;

use crate::error_text::with_causes;
use crate::journal::{arguments, read};
use crate::machine::root::machine_id;
use crate::machine::unit_name;
use crate::model::{Container, ContainerId};
use crate::os::Paths;
use crate::reconcile::fleet::Fleet;

use super::authority::Authority;
use super::bounds::Kind;

/// The one who opens journals.
#[derive(Debug)]
pub(super) struct Logs {
    fleet: Arc<Fleet>,
    authority: Arc<Authority>,
}

impl Logs {
    pub(super) fn new(fleet: Arc<Fleet>, authority: Arc<Authority>) -> Self {
        Self { fleet, authority }
    }

    /// Opens what these containers say, in the order of time: the reading ends of the lines and of
    /// what `journalctl` has to complain about. That the caller may is decided before.
    pub(super) async fn open(
        &self,
        header: &Header<'_>,
        ids: &[ContainerId],
        options: &Dict,
    ) -> Result<(OwnedFd, OwnedFd), Error> {
        let request: JournalRequest =
            from_dict(options).map_err(|error| Error::BadRequest(with_causes(&error)))?;
        let mut words =
            arguments(&request).map_err(|error| Error::BadRequest(error.to_string()))?;
        words.extend(self.selection(ids)?);
        let user = self.authority.user(header).await?;
        let held = self.authority.take(Kind::Journal, user)?;
        let program = Paths::program("journalctl")
            .ok_or_else(|| Error::Failed("journalctl is not installed".to_owned()))?;
        let (reading, output, complaints) =
            read(&program, &words).map_err(|error| Error::Failed(with_causes(&error)))?;
        tokio::spawn(async move {
            reading.end().await;
            drop(held);
        });
        Ok((output.into(), complaints.into()))
    }

    /// The words of `journalctl` for what these containers say.
    fn selection(&self, ids: &[ContainerId]) -> Result<Vec<String>, Error> {
        let model = self.fleet.in_force().model;
        let find = |id: &ContainerId| {
            model
                .container(id)
                .ok_or_else(|| Error::NoSuchContainer(format!("{id} is not declared")))
        };
        let containers: Vec<&Container> = ids.iter().map(find).collect::<Result<_, _>>()?;
        let failed = |error: &dyn std::error::Error| Error::Failed(with_causes(error));
        self.fleet
            .put_journal_views(&containers)
            .map_err(|error| failed(&error))?;
        let host_id = host_id().map_err(|error| failed(&error))?;
        let names: Vec<(String, String)> = containers
            .iter()
            .map(|it| (machine_id(&it.machine), unit_name(&it.machine)))
            .collect();
        let sources: Vec<Source<'_>> = containers
            .iter()
            .zip(&names)
            .map(|(container, (machine_id, unit))| Source {
                group: container.id.group.as_str(),
                machine: container.machine.as_str(),
                machine_id,
                unit,
            })
            .collect();
        let view = view(&self.fleet.paths().journal_views, &sources).ok_or_else(|| {
            Error::BadRequest(
                "the containers are of several groups, whose guests could write lines in each                  other's names: ask for one group at a time"
                    .to_owned(),
            )
        })?;
        Ok(selection(&view, &host_id, &sources))
    }
}
