//! What `status` says of the host and its groups.

use serde::{Deserialize, Serialize};

use super::{ContainerStatus, Problem, State};

/// Everything `ctrd` knows, in one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostStatus {
    /// The version of the running daemon.
    pub version: String,
    /// The declaration it works from.
    pub declaration: DeclarationStatus,
    /// Every declared group, by name.
    pub groups: Vec<GroupStatus>,
    /// Why not all rules of other firewalls could be read; what they stop is then not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
    /// Where metrics are served; absent where the declaration names no place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsStatus>,
    /// What is declared no more and on its way out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<Leaving>,
}

/// The declared endpoint for Prometheus.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsStatus {
    /// Its place: `/run/ctr-metrics.sock`, `http://127.0.0.1:9950/metrics`.
    pub address: String,
    /// Why nothing is served there now, if so. It is tried again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A container that is declared no more and not gone yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leaving {
    /// The group it was in.
    pub group: String,
    /// The name it had there.
    pub name: String,
    /// What it does now.
    pub state: State,
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When a step of its removal that failed is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_ms: Option<u64>,
}

/// Which declaration is in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeclarationStatus {
    /// The file that was read.
    pub path: String,
    /// When it was read, in milliseconds since the epoch.
    pub loaded_ms: u64,
    /// The file on disk is no longer what was read: `ctr plan` says what it would do.
    pub differs: bool,
    /// Why the last attempt to read it was refused. The declaration before it stays in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// One group and its containers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// The group's name, `ml`.
    pub name: String,
    /// Its subnet, `192.168.200.0/24`.
    pub subnet: String,
    /// The host's address in it.
    pub host_address: String,
    /// The name of its bridge.
    pub bridge: String,
    /// Why the group's network cannot be made, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_ms: Option<u64>,
    /// What firewalls of other programs stop of the group's declared traffic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<Obstacle>,
    /// Its containers, in the order of their addresses.
    pub containers: Vec<ContainerStatus>,
}

/// A rule of another program's firewall that stops traffic which is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// Who stops what, by which rule, in one sentence.
    pub message: String,
    /// What it stops: `from guests to the internet`.
    pub stops: Vec<String>,
    /// Whose rule it is: `Docker`.
    pub owner: String,
    /// The rule: `table ip filter, chain FORWARD, policy drop`.
    pub rule: String,
    /// Commands for root that let it through at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// What to do, in one sentence, and what makes it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// It stops something of all containers of the group.
    pub all: bool,
    /// The containers whose published ports it stops.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<String>,
}
