//! What is taken away, and what stays of it.

use serde::{Deserialize, Serialize};

use super::Outcome;

/// What `down` took away and what it left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DownReport {
    /// What was removed, one line each.
    #[serde(default)]
    pub removed: Vec<String>,
    /// Data that stays, one path each.
    #[serde(default)]
    pub data: Vec<String>,
    /// What could not be removed.
    #[serde(default)]
    pub failures: Vec<String>,
}

/// What stays of machines that nothing declares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Leftovers {
    /// Each machine, by name.
    #[serde(default)]
    pub machines: Vec<Leftover>,
}

/// What stays of a machine that nothing declares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Leftover {
    /// The machine's name, as in `machinectl`.
    pub machine: String,
    /// Its directories and files: state, secrets that were made, the journal of its guest.
    #[serde(default)]
    pub paths: Vec<String>,
    /// About how much deleting them gives back, in bytes.
    pub size: u64,
    /// When something in them was changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_ms: Option<u64>,
}

/// What `prune` deleted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PruneReport {
    /// What was deleted, one path each.
    #[serde(default)]
    pub deleted: Vec<String>,
    /// Machines, in `name`, of which not everything could be deleted.
    #[serde(default)]
    pub failures: Vec<Outcome>,
}
