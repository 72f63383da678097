//! Where each container's lines are read, kept with the declaration.

use std::ffi::OsStr;
use std::fs;

use ctr_api::journal::host_id;

use crate::journal::{
    Journals, Speaker, ViewError, Views, desired_views, prune_views, put_views, remove_views,
};
use crate::machine::root::{RootError, machine_id, make_journal_directory};
use crate::model::{Container, Model, Program};
use crate::os::{Paths, failpoint};

/// The views could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The host's machine id.
    #[error("failed to read the host's machine id from /etc/machine-id")]
    HostId(#[source] std::io::Error),
    /// The directory of a guest's journal.
    #[error(transparent)]
    Journal(#[from] RootError),
    /// A view.
    #[error(transparent)]
    View(#[from] ViewError),
}

/// Makes the views that these containers are in, with their links, and takes nothing away.
pub(super) fn put<'a>(
    paths: &Paths,
    containers: impl IntoIterator<Item = &'a Container>,
) -> Result<(), KeepError> {
    make(paths, containers).map(drop)
}

fn make<'a>(
    paths: &Paths,
    containers: impl IntoIterator<Item = &'a Container>,
) -> Result<Views, KeepError> {
    let mut speakers = Vec::new();
    for container in containers {
        if let Program::Boot { .. } = container.program {
            make_journal_directory(paths, &container.machine)?;
        }
        speakers.push(speaker(container));
    }
    let views = desired(paths, &speakers)?;
    put_views(&views)?;
    Ok(views)
}

/// Makes the views those of a declaration, and no others.
pub(super) fn keep(paths: &Paths, model: &Model) -> Result<(), KeepError> {
    let views = make(paths, model.containers())?;
    prune(paths, &views)
}

/// Takes all of them away, for `down`.
pub(super) fn remove(paths: &Paths) -> Result<(), KeepError> {
    prune(paths, &Views::new())?;
    remove_views(&paths.journal_views)?;
    Ok(())
}

fn speaker(container: &Container) -> Speaker {
    Speaker {
        group: container.id.group.clone(),
        machine: container.machine.clone(),
        machine_id: machine_id(&container.machine),
    }
}

fn desired(paths: &Paths, speakers: &[Speaker]) -> Result<Views, KeepError> {
    let host_id = host_id().map_err(KeepError::HostId)?;
    let journals = Journals {
        host_id: &host_id,
        persistent: &paths.journal,
        volatile: &paths.volatile_journal,
    };
    Ok(desired_views(&paths.journal_views, journals, speakers))
}

/// A directory that was made for a guest that never wrote to it goes too; a journal stays.
fn prune(paths: &Paths, views: &Views) -> Result<(), KeepError> {
    let host_id = host_id().map_err(KeepError::HostId)?;
    for journal in prune_views(&paths.journal_views, views)? {
        let of_a_guest = journal.parent() == Some(&paths.journal)
            && journal.file_name() != Some(OsStr::new(&host_id));
        if of_a_guest {
            // One that is not empty stays, which is what is wanted.
            let _ = fs::remove_dir(&journal);
            failpoint("empty journal removed");
        }
    }
    Ok(())
}
