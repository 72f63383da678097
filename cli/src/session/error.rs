//! Why a session did not run, or did not run to its end.

use std::io;

use ctr_api::DictError;
use ctr_api::session::STATUS_FAILED;
use thiserror::Error;

/// A session that was not one.
#[derive(Debug, Error)]
pub(crate) enum SessionError {
    /// This side of it could not be made.
    #[error("failed to set up the session")]
    Setup(#[source] io::Error),
    /// The request could not be written.
    #[error("failed to write the request")]
    Request(#[source] DictError),
    /// `ctrd` refused it.
    #[error(transparent)]
    Open(#[from] ctr_api::Error),
    /// The container refused it.
    #[error("{message}")]
    Refused {
        /// What `ctr` exits with.
        status: u8,
        /// What went wrong.
        message: String,
        /// What can be done about it.
        hint: Option<String>,
    },
    /// Nobody is there any more who could tell how it ended.
    #[error("the container stopped while the session ran")]
    Lost,
}

impl SessionError {
    /// What `ctr` exits with.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Refused { status, .. } => *status,
            _ => STATUS_FAILED,
        }
    }

    /// What can be done about it.
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::Refused { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }
}
