//! What comes of specifications.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::gpu::{Mount, Node};

/// What a container is given for the devices that it names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edits {
    /// Device nodes, in the order of their paths; no two have one path.
    pub nodes: Vec<Node>,
    /// Files and directories of the host, in the order of their paths in the guest; no two have one path.
    pub mounts: Vec<Mount>,
    /// Symbolic links in the guest, in the order of their paths; no two have one path.
    pub links: Vec<Link>,
    /// Folders of the guest with libraries, in the order that they were named in.
    pub library_folders: Vec<PathBuf>,
    /// Variables.
    pub environment: BTreeMap<String, String>,
    /// What is not done, each a sentence that names the file.
    pub unapplied: Vec<String>,
}

/// A symbolic link in a guest, which replaces what stands there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// Where it is: an absolute path without `..`. It may be below `/dev`, such as
    /// `/dev/dri/by-path/pci-0000:01:00.0-card`.
    pub path: PathBuf,
    /// What it says. It is resolved by the guest alone, so it may say anything.
    pub target: PathBuf,
}
