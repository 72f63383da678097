//! What `status` says of a container.

use serde::{Deserialize, Serialize};

use super::{ContainerGpu, Obstacle, State};

/// One container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerStatus {
    /// The group it is in.
    pub group: String,
    /// Its name within the group.
    pub name: String,
    /// Other names it answers to in its group.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The machine name, as in `machinectl`.
    pub machine: String,
    /// Its machine id, by which its journal is found on the host.
    #[serde(default)]
    pub machine_id: String,
    /// What the declaration says it is for.
    #[serde(default)]
    pub description: String,
    /// Its address.
    pub address: String,
    /// The ports it serves.
    #[serde(default)]
    pub ports: Vec<PortStatus>,
    /// It is started with the host.
    pub autostart: bool,
    /// What it does now.
    pub state: State,
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The containers that it waits for: `dev/postgres`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    /// What its declaration says that it lacks in order to start: `no model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// What is not there of the graphics processors that it asks for, in a few words: `gpu (nvidia-uvm)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
    /// Since when it is in this state.
    pub since_ms: u64,
    /// When the next try of a failed step is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_ms: Option<u64>,
    /// How many tries in a row have failed, where one is to come.
    #[serde(default)]
    pub failed_tries: u32,
    /// How often it was restarted since it was last started by hand or at boot.
    pub restarts: u32,
    /// How its last run ended: `exit status 1`, `killed by SIGKILL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<String>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit_ms: Option<u64>,
    /// Its health probe and what that has found; absent where none is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthStatus>,
    /// Since when its unit is ready; absent while it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_since_ms: Option<u64>,
    /// How long the start of this run took until it was ready, in microseconds; absent while it is not, and
    /// where `ctrd` was not there to see its probe's first success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_usec: Option<u64>,
    /// Its systemd unit on the host.
    pub unit: String,
    /// The process id of the guest's first process, on the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<u32>,
    /// What it uses now, where the kernel tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The graphics processors that it has been given, and what it uses of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<ContainerGpu>,
    /// Its memory on all of them, in bytes, where the drivers tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_memory: Option<u64>,
    /// How busy it kept them, in percent of one, where the drivers tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_utilisation: Option<u32>,
    /// What bounds it.
    #[serde(default)]
    pub limits: Limits,
    /// Its root, in one line: `tree /var/lib/machines/debian`.
    pub root: String,
    /// Whose users it runs as: `own (524288..589823)` or `host`.
    pub users: String,
    /// Directories of the host that it sees: `/host/path -> /guest/path`.
    #[serde(default)]
    pub binds: Vec<String>,
    /// The secrets that it is given, without their content.
    #[serde(default)]
    pub credentials: Vec<CredentialStatus>,
    /// The names of its declared actions.
    #[serde(default)]
    pub actions: Vec<ActionStatus>,
    /// What firewalls of other programs stop of its declared traffic, or of its whole group's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<Obstacle>,
}

/// A declared health probe, and what it has found in this run of the guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthStatus {
    /// What is tried: `http 8080/health`, `tcp 5432`, `command pg_isready`.
    pub probe: String,
    /// The last result, in the probe's own words: `status 503`, `refused`, `no answer in 2s`. Absent before
    /// the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Whether that result is a success.
    #[serde(default)]
    pub success: bool,
    /// Since when that is the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// How many probes in a row have failed, counted up to `failures`.
    #[serde(default)]
    pub failed: u32,
    /// How many in a row make it unhealthy.
    #[serde(default)]
    pub failures: u32,
}

/// A secret that a container is given, without its content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialStatus {
    /// Its name.
    pub id: String,
    /// The file of the host that holds it; absent for one that `ctrd` made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The file does not say any more what is in force: `ctr plan` says what that would do.
    #[serde(default)]
    pub changed: bool,
    /// Why it cannot be given now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A declared command that `ctr … run` starts in the guest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionStatus {
    /// Its name.
    pub name: String,
    /// Its command; words of the caller are appended.
    pub command: Vec<String>,
    /// The user of the guest that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// It wants a terminal.
    pub terminal: bool,
}

/// A port that a container serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortStatus {
    /// The port number.
    pub port: u16,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The scheme of its address for people, `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The credential whose text belongs into that address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Where it is published on the host: `*:18080` or `127.0.0.1:18080`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

/// What a container uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time since it started, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_usec: Option<u64>,
    /// Memory in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u64>,
    /// How many of its processes the kernel has killed for memory since it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_kills: Option<u64>,
}

/// What bounds a container: what holds of its unit where it has one, else what is declared. A bound
/// that is absent is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most memory, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_max: Option<u64>,
    /// Memory in bytes above which it is slowed down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_high: Option<u64>,
    /// Processors, in thousandths of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milli_cpus: Option<u64>,
    /// Its share of the processors under contention, 1 to 10000; 100 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_weight: Option<u64>,
    /// The most processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks_max: Option<u64>,
    /// Those that a drop-in of an administrator sets for its unit, and not the declaration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<OverriddenLimit>,
}

/// A limit that a drop-in of an administrator sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverriddenLimit {
    /// Its key in the declaration: `memory-max`.
    pub key: String,
    /// The file: `/etc/systemd/system/ctr-ml-ollama.service.d/override.conf`.
    pub path: String,
}
