//! A process of the guest.

use ctr_api::ContainerProxy;
use ctr_api::wire::SessionRequest;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// This build has no sessions.
    #[error("sessions are not built into this ctr")]
    NotBuiltIn,
}

/// Runs the request and answers with the command's own exit status.
#[allow(clippy::unused_async, reason = "a session waits for its command")]
pub(crate) async fn run(
    _container: &ContainerProxy<'_>,
    _request: SessionRequest,
) -> Result<u8, Error> {
    Err(Error::NotBuiltIn)
}
