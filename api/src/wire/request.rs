//! What is asked of containers.

use serde::{Deserialize, Serialize};

/// What is asked of several containers at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Run.
    Start,
    /// Be stopped, and stay declared.
    Stop,
    /// Stop, and run again.
    Restart,
}

/// The options of the manager's `Request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainersRequest {
    /// What is asked of each.
    pub verb: Verb,
}

/// What came of a request to several containers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestReport {
    /// Those that could not be asked.
    #[serde(default)]
    pub failures: Vec<Outcome>,
}

/// How one container fared in a request that named several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The group it is in.
    pub group: String,
    /// Its name within the group.
    pub name: String,
    /// What went wrong, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What `enter`, `exec` and `run` ask for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionRequest {
    /// The words of the command; empty for the user's login shell.
    #[serde(default)]
    pub command: Vec<String>,
    /// The user of the guest; `root` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Variables set in the guest, `NAME=value`.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Make a terminal of the guest for it.
    #[serde(default)]
    pub terminal: bool,
    /// The terminal's height in rows.
    #[serde(default)]
    pub rows: u16,
    /// The terminal's width in columns.
    #[serde(default)]
    pub columns: u16,
}
