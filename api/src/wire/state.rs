//! The state of a container.

use serde::{Deserialize, Serialize};

/// What a container does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not running and not asked to.
    Stopped,
    /// Something it needs is not there yet; `reason` says what.
    Waiting,
    /// On its way to ready.
    Starting,
    /// Ready, and not probed.
    Running,
    /// Ready, and its health probe succeeds.
    Healthy,
    /// It runs, and its health probe fails; `reason` says how.
    Unhealthy,
    /// On its way to stopped.
    Stopping,
    /// It should run and does not; `reason` says why.
    Failed,
}

impl State {
    /// Every one of them.
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Waiting,
        Self::Starting,
        Self::Running,
        Self::Healthy,
        Self::Unhealthy,
        Self::Stopping,
        Self::Failed,
    ];

    /// It is as it should be: what comes after it may start.
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::Running | Self::Healthy)
    }

    /// Its guest runs and has been ready.
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Healthy | Self::Unhealthy)
    }

    /// The word that people see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
        }
    }
}
