//! What a declaration would do, and what was done.

use serde::{Deserialize, Serialize};

use super::Outcome;

/// What applying a declaration does to one container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing changes.
    Nothing,
    /// Changed without a stop: a guest that runs has it at once or when it next matters, one that
    /// does not run with its next start.
    Live,
    /// A running guest switches to another system from inside.
    Switch,
    /// Stopped and started again.
    Restart,
    /// Started.
    Start,
    /// Stopped; it stays declared.
    Stop,
    /// Stopped and taken away, except its data.
    Remove,
}

impl Action {
    /// The word that people see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Live => "live",
            Self::Switch => "switch",
            Self::Restart => "restart",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Remove => "remove",
        }
    }
}

/// What a declaration would do, or did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanView {
    /// Changes to the host's own side: bridges and firewall, one line each.
    #[serde(default)]
    pub host: Vec<String>,
    /// Every container concerned, those with nothing to do included.
    #[serde(default)]
    pub containers: Vec<ContainerPlan>,
    /// Warnings of the declaration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// What a declaration would do to one container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerPlan {
    /// The group it is in.
    pub group: String,
    /// Its name within the group.
    pub name: String,
    /// What happens to it.
    pub action: Action,
    /// The keys of the declaration that changed.
    #[serde(default)]
    pub changed: Vec<String>,
    /// Why, in one sentence. With no action: what stands in the way of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The steps, in order.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Where the data is that stays, when it is removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<String>,
}

/// What `apply` did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplyReport {
    /// What there was to do.
    pub plan: PlanView,
    /// Containers and groups that could not be brought there.
    #[serde(default)]
    pub failures: Vec<Outcome>,
    /// Containers that were to start and wait for something. They start by themselves when it is there.
    #[serde(default)]
    pub waiting: Vec<Waiting>,
}

/// A container that waits, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The group it is in.
    pub group: String,
    /// Its name within the group.
    pub name: String,
    /// What it waits for, in the words of its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The declaration is refused.
    Error,
    /// The declaration is taken, and somebody should know.
    Warning,
}

/// One thing that is wrong with a declaration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Whether the declaration is refused for it.
    pub severity: Severity,
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The dotted key, `groups.ml.containers.ollama.address`.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The whole problem as a terminal shows it, with the offending text underlined, without colour.
    pub rendered: String,
}
