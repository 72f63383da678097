//! One container.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::{
    Capability, ContainerId, ContainerName, CredentialId, CredentialSource, GpuRequest, Health,
    MachineName,
};

/// One declared container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Container {
    /// Group and name.
    pub id: ContainerId,
    /// The machine name, unique on the host.
    pub machine: MachineName,
    /// What it is for.
    pub description: String,
    /// Other names it answers to within its group.
    pub aliases: Vec<ContainerName>,
    /// Its address in the group's subnet.
    pub address: Ipv4Addr,
    /// Start it with the host.
    pub autostart: bool,
    /// What it lacks in order to start, in words for people; it is not started meanwhile.
    pub missing: Option<Missing>,
    /// Where its files come from.
    pub root: Root,
    /// What runs in it.
    pub program: Program,
    /// The ports it serves.
    pub ports: Vec<Port>,
    /// Directories of the host that it sees.
    pub binds: Vec<Bind>,
    /// Small files put into it, by the path in the guest.
    pub files: BTreeMap<PathBuf, FileContent>,
    /// Secrets that it is given, by name.
    pub credentials: BTreeMap<CredentialId, CredentialSource>,
    /// Containers that are ready before it starts.
    pub after: Vec<ContainerId>,
    /// Commands that people run in it, by name.
    pub actions: BTreeMap<String, ActionCommand>,
    /// How long it may take from its start to ready.
    pub start_timeout: Duration,
    /// Bounds on what it uses.
    pub limits: Limits,
    /// What happens when it ends by itself.
    pub restart: Restart,
    /// How to find out whether it works.
    pub health: Option<Health>,
    /// Graphics processors that it is given.
    pub gpu: Option<GpuRequest>,
    /// Its own state is dropped when it stops.
    pub ephemeral: bool,
    /// Whose users it runs as.
    pub users: UserMode,
    /// What it may besides what its kind of guest gets.
    pub capabilities: BTreeSet<Capability>,
}

/// What somebody has still to decide before a container can start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// In a few words: `no model`.
    pub what: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}

/// Where a container's files come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Root {
    /// A base tree that many containers share, read-only, with a private writable layer on it.
    Tree(PathBuf),
    /// A tree of its own, written in place.
    Directory(PathBuf),
    /// A NixOS system in the store: a nearly empty root with the store read-only.
    Nixos(PathBuf),
}

/// What runs in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// The root's own init.
    Boot {
        /// Units pulled in besides its default target.
        enable: Vec<String>,
        /// Variables set for its init, in the order of their names.
        environment: BTreeMap<String, String>,
    },
    /// One process.
    Command {
        /// Its words; the first is an absolute path in the guest.
        command: Vec<String>,
        /// The user of the guest that runs it, by name or number.
        user: Option<String>,
        /// Variables set for it.
        environment: BTreeMap<String, String>,
        /// Where it starts.
        working_directory: Option<PathBuf>,
    },
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
}

impl Protocol {
    /// As nftables and people write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A port that a container serves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Port {
    /// The port number, 1 to 65535.
    pub port: u16,
    /// Its protocol.
    pub protocol: Protocol,
    /// The scheme for people, `http`.
    pub url: Option<String>,
    /// The credential whose text belongs into the address for people.
    pub token: Option<CredentialId>,
    /// Where the host offers it.
    pub publish: Option<Publish>,
}

/// A port of the host that leads to a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Publish {
    /// The port on the host.
    pub host_port: u16,
    /// The address of the host; `None` is every address of it.
    pub address: Option<Ipv4Addr>,
}

/// A directory (or file) of the host that a container sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bind {
    /// The path on the host.
    pub host: PathBuf,
    /// The path in the guest.
    pub guest: PathBuf,
    /// The guest cannot write to it.
    pub read_only: bool,
    /// Make the directory on the host where it is missing.
    pub create: bool,
    /// It holds data that a person would miss.
    pub data: bool,
    /// The user of the guest that its files belong to, by name or number; root where none is named.
    pub owner: Option<String>,
    /// The user of the host that its files belong to, by name or number; where none is named,
    /// whoever owns it.
    pub host_owner: Option<String>,
}

/// A small file put into a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileContent {
    /// Its text.
    pub text: String,
    /// Its mode, `0o644`.
    pub mode: u32,
}

/// A command that people run in a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionCommand {
    /// Its words; words of the caller are appended.
    pub command: Vec<String>,
    /// The user of the guest that runs it.
    pub user: Option<String>,
    /// It wants a terminal.
    pub terminal: bool,
}

/// Bounds on what a container uses; `None` is no bound.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Limits {
    /// Bytes of memory.
    pub memory_max: Option<u64>,
    /// Bytes of memory above which it is slowed down.
    pub memory_high: Option<u64>,
    /// Processors, in thousandths.
    pub milli_cpus: Option<u64>,
    /// Share of the processors under contention, 1 to 10000.
    pub cpu_weight: Option<u64>,
    /// Processes and threads.
    pub tasks_max: Option<u64>,
}

/// What happens when a container ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restart {
    /// When it is started again.
    pub policy: RestartPolicy,
    /// The pause before the first restart.
    pub delay: Duration,
    /// The longest pause.
    pub max_delay: Duration,
    /// A run of this length ends a row of failures.
    pub window: Duration,
    /// A container that turns unhealthy has failed.
    pub on_unhealthy: bool,
}

/// When a container that ended by itself is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// Never.
    Never,
    /// When it failed: a status other than 0, a signal, a time-out, or its init asked for a reboot.
    OnFailure,
    /// Whenever it ended.
    Always,
}

/// Whose users a container runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserMode {
    /// A range of its own, so that its root is nobody on the host.
    Own,
    /// The host's: its root is the host's root.
    Host,
}
