//! What travels on the bus, and what `ctr --json` prints: plain serde types.
//!
//! Times are milliseconds since the Unix epoch (`…_ms`), sizes are bytes. An optional value that is
//! not known is absent.

use serde::{Deserialize, Serialize};

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
