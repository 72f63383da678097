//! What a guest has of files: its state, its root, what it is given.

use std::io;
use std::sync::Arc;

use crate::error_text::with_causes;
use crate::machine::root::{claim_state, give_state, prepare, release, write_given};
use crate::reconcile::host::{Wanted, given_files};
use crate::reconcile::host_error::HostError;
use crate::reconcile::journal_views;

use super::{RealHost, blocking, lock, look_error};

impl RealHost {
    pub(super) async fn claim_state(&self, wanted: &Wanted) -> Result<(), HostError> {
        let container = wanted.container();
        let (machine, users) = (container.machine.clone(), container.users);
        let (paths, claim) = (self.paths.clone(), self.claim.clone());
        blocking("making the state directory", move || {
            let _turn = lock(&claim);
            claim_state(&paths, &machine, users)?;
            Ok(())
        })
        .await
    }

    pub(super) async fn give_state(&self, wanted: &Wanted) -> Result<(), HostError> {
        let container = wanted.container().clone();
        let (paths, claim) = (self.paths.clone(), self.claim.clone());
        blocking("giving the state to its users", move || {
            let _turn = lock(&claim);
            Ok(give_state(&container, &paths)?)
        })
        .await
    }

    pub(super) async fn prepare_root(&self, wanted: &Wanted) -> Result<(), HostError> {
        let base = self.base(wanted)?;
        let (container, paths) = (wanted.container().clone(), self.paths.clone());
        let offer = self.offer(&container).await?;
        let delivery = offer.map_or_else(Arc::default, |offer| Arc::new(offer.delivery.clone()));
        self.gpus.bring(&container.machine, delivery.clone());
        blocking("making the root ready", move || {
            Ok(prepare(&container, &paths, base, &delivery)?)
        })
        .await?;
        // The host may keep a journal on its disk since this was declared. No guest waits for its log.
        if let Err(error) = journal_views::put(&self.paths, [wanted.container()]) {
            tracing::error!(container = %wanted.id, "{}", with_causes(&error));
        }
        Ok(())
    }

    pub(super) async fn release_root(&self, wanted: &Wanted) -> Result<(), HostError> {
        let container = wanted.container();
        let machine = container.machine.clone();
        let paths = self.paths.clone();
        blocking("releasing the root", move || Ok(release(&paths, &machine)?)).await
    }

    pub(super) fn write_files(&self, wanted: &Wanted) -> Result<(), HostError> {
        let given = given_files(wanted, &self.nameservers(wanted)?);
        let files = self.paths.machine_files(&wanted.container().machine);
        write_given(&files, &given, self.base(wanted)?)?;
        Ok(())
    }

    pub(super) fn remove_files(&self, wanted: &Wanted) -> Result<(), HostError> {
        let files = self.paths.machine_files(&wanted.container().machine);
        match std::fs::remove_dir_all(&files) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(look_error(&files, error)),
            _ => Ok(()),
        }
    }
}
