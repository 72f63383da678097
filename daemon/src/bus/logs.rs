//! `OpenJournal`, of one container and of several.

use std::sync::Arc;

use ctr_api::journal::JournalRequest;
use ctr_api::{Dict, Error, from_dict};
use zbus::OwnedFd;
use zbus::message::Header;

use crate::error_text::with_causes;
use crate::journal::{arguments, read};
use crate::machine::root::machine_id;
use crate::machine::unit_name;
use crate::model::ContainerId;
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
        let containers = self.declared(ids)?;
        let words = arguments(&request, &containers)
            .map_err(|error| Error::BadRequest(error.to_string()))?;
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

    fn declared(&self, ids: &[ContainerId]) -> Result<Vec<(String, String)>, Error> {
        let model = self.fleet.in_force().model;
        let find = |id: &ContainerId| match model.container(id) {
            Some(it) => Ok((unit_name(&it.machine), machine_id(&it.machine))),
            None => Err(Error::NoSuchContainer(format!("{id} is not declared"))),
        };
        ids.iter().map(find).collect()
    }
}
