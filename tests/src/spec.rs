//! What a host is made of, as the booting process tells it to the keeper.

use std::path::PathBuf;

use ctr_hardware::Machine;
use serde::{Deserialize, Serialize};

/// Everything the keeper and the host's first process need to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The lab's own directory on the machine: mount point, readiness socket, log.
    pub(crate) run_directory: PathBuf,
    /// The lab's corner of the cgroup2 hierarchy.
    pub(crate) cgroup: PathBuf,
    /// The Debian tree below the host's own writable layer.
    pub(crate) base: PathBuf,
    /// The host's name.
    pub(crate) hostname: String,
    /// Written into the host's tree before it boots.
    pub(crate) files: Vec<File>,
    /// The devices and drivers that its ctrd finds instead of its own.
    pub(crate) hardware: Option<Machine>,
    /// The keeper's PID on the machine; the keeper fills it in.
    pub(crate) keeper: u32,
}

/// One file of the host's own layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct File {
    /// Where, below the host's root.
    pub(crate) path: PathBuf,
    /// What it is.
    pub(crate) content: Content,
}

/// Where a file's bytes come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Content {
    /// Written here.
    Text(String),
    /// Copied from the machine, with its mode.
    CopyOf(PathBuf),
    /// A symbolic link to this.
    Link(String),
}

/// The keeper's one answer: the host's first process, by its PID on the machine.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Started {
    /// PID 1 of the host.
    pub(crate) leader: u32,
}
