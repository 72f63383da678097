//! A container's credentials on the real host: read, made, given.

use std::sync::Arc;

use crate::machine::credentials::{
    self, CredentialError, Credentials, Refusal, Taken, deliver, make_secret,
};
use crate::machine::root::UidBase;
use crate::machine::root_directory;
use crate::model::{Container, CredentialId};
use crate::os::Paths;

use super::host::{Conflict, Wanted};
use super::host_error::HostError;

/// Reads the credentials of a container.
pub(super) async fn take(paths: &Arc<Paths>, container: &Container) -> Credentials {
    if container.credentials.is_empty() {
        return Credentials::default();
    }
    let ids: Vec<_> = container.credentials.keys().cloned().collect();
    let (container, paths) = (container.clone(), paths.clone());
    // A file can be on a disk that takes its time.
    let read = tokio::task::spawn_blocking(move || credentials::take(&container, &paths));
    read.await.unwrap_or_else(|_| unread(ids))
}

/// Makes those that are to be made.
pub(super) fn make(paths: &Paths, wanted: &Wanted) -> Result<(), CredentialError> {
    for (id, taken) in wanted.credentials.iter() {
        if *taken == Taken::Unmade {
            make_secret(paths, &wanted.container().machine, id)?;
        }
    }
    Ok(())
}

/// Writes them where the guest reads them.
pub(super) fn give(paths: &Paths, wanted: &Wanted, base: Option<UidBase>) -> Result<(), HostError> {
    if !wanted.credentials.all_ready() {
        return Err(HostError::Conflict(unready(&wanted.credentials)));
    }
    let container = wanted.container();
    deliver(
        &paths.machine_credentials(&container.machine),
        container,
        &wanted.credentials,
        &root_directory(container, paths),
        base,
    )?;
    Ok(())
}

/// Credentials whose reading was cut short.
fn unread(ids: Vec<CredentialId>) -> Credentials {
    let refusal = Refusal {
        reason: HostError::Interrupted("reading the credentials").sentence(),
        hint: None,
    };
    ids.into_iter()
        .map(|id| (id, Taken::Refused(refusal.clone())))
        .collect()
}

/// Why credentials that were ready a moment ago are not.
fn unready(credentials: &Credentials) -> Conflict {
    credentials.refusal().map_or_else(
        || Conflict {
            reason: "a secret that was made is gone again".to_owned(),
            hint: None,
        },
        Conflict::from,
    )
}
