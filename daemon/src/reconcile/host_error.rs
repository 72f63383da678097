//! Why something on the host could not be read or done.

use crate::error_text::with_causes;
use crate::gpu::InventoryError;
use crate::machine::credentials::CredentialError;
use crate::machine::root::{RootError, StateError};
use crate::machine::{BoundsError, LiveNodeError, SystemdError};
use crate::{firewall, network};

use super::host::Conflict;
use super::real_host::SwitchError;

/// A read or a step that failed.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// systemd or machined.
    #[error(transparent)]
    Systemd(#[from] SystemdError),
    /// The root.
    #[error(transparent)]
    Root(#[from] RootError),
    /// The state directory.
    #[error(transparent)]
    State(#[from] StateError),
    /// The credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// The network could not be read.
    #[error(transparent)]
    Observe(#[from] network::ObserveError),
    /// The network could not be changed.
    #[error(transparent)]
    Apply(#[from] network::ApplyError),
    /// The firewall.
    #[error(transparent)]
    Firewall(#[from] firewall::FirewallError),
    /// Something that is not ours is in the way.
    #[error("{}", .0.reason)]
    Conflict(Conflict),
    /// Something of ours that is on its way out is in the way.
    #[error("{0}")]
    Passing(String),
    /// The bounds of the guest's users.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// The host's graphics processors could not be looked at.
    #[error(transparent)]
    Gpu(#[from] InventoryError),
    /// A running guest's devices could not be looked at or changed.
    #[error(transparent)]
    LiveNode(#[from] LiveNodeError),
    /// The guest did not switch to another system.
    #[error(transparent)]
    Switch(#[from] SwitchError),
    /// The host's name servers could not be read.
    #[error("failed to read the host's name servers")]
    NameServers(#[source] std::io::Error),
    /// A task of the runtime did not come back.
    #[error("failed to finish {0}")]
    Interrupted(&'static str),
}

impl HostError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Root(error) => error.hint(),
            Self::Bounds(error) => error.hint(),
            Self::Credentials(error) => error.hint(),
            Self::Conflict(conflict) => conflict.hint.clone(),
            Self::State(error) => error.hint(),
            Self::Gpu(error) => error.hint().map(str::to_owned),
            Self::Switch(_) => Some(
                "`journalctl -u ctrd` has all that it said; `ctr apply` tries again".to_owned(),
            ),
            Self::Systemd(_)
            | Self::LiveNode(_)
            | Self::Observe(_)
            | Self::Apply(_)
            | Self::Firewall(_)
            | Self::NameServers(_)
            | Self::Passing(_)
            | Self::Interrupted(_) => None,
        }
    }

    /// What stands in the way of a group.
    pub(super) fn of_group(conflict: network::Conflict) -> Self {
        if conflict.passes() {
            Self::Passing(conflict.to_string())
        } else {
            Self::Conflict(conflict.into())
        }
    }

    /// The error and its causes, in one line.
    pub fn sentence(&self) -> String {
        with_causes(self)
    }
}
