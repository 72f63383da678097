//! What a virtual machine is made of, as the booting process tells it to the machine's keeper.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Everything the keeper needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The lab's own directory on the machine, in memory: agent's socket, console, log.
    pub(crate) run_directory: PathBuf,
    /// The machine's own disks, on the machine's disk.
    pub(crate) disks: PathBuf,
    /// The image's root disk, which is copied.
    pub(crate) root: PathBuf,
    /// The disk with the guests' tree, which is only read.
    pub(crate) guests: PathBuf,
    /// The kernel.
    pub(crate) kernel: PathBuf,
    /// The initrd.
    pub(crate) initrd: PathBuf,
    /// Laid over the root before systemd starts.
    pub(crate) files: Vec<crate::spec::File>,
    /// It has a graphics processor.
    pub(crate) gpu: bool,
}

impl Spec {
    /// The socket that the agent's serial port ends at.
    pub(crate) fn agent(&self) -> PathBuf {
        self.run_directory.join("agent")
    }

    /// The socket that the machine's root disk is served at.
    pub(crate) fn root_disk(&self) -> PathBuf {
        self.run_directory.join("disk")
    }

    /// What the kernel and systemd write to the machine's console.
    pub(crate) fn console(&self) -> PathBuf {
        self.run_directory.join("console")
    }

    /// The image of the disk that the machine has as its root.
    pub(crate) fn own_root(&self) -> PathBuf {
        self.disks.join("root.img")
    }

    /// The disk with what is laid over the root.
    pub(crate) fn own_files(&self) -> PathBuf {
        self.disks.join("files.img")
    }
}
