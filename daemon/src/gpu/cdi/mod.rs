//! Devices as specifications of the Container Device Interface have them.
//!
//! A vendor's tool writes what a container needs for a device into `/etc/cdi` or `/run/cdi`: device
//! nodes, files of the driver, variables, and programs that an OCI runtime would run
//! (<https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md>). What is known to come
//! of those programs is part of the [`Edits`]; what is not done is said in [`Edits::unapplied`].
//!
//! ```text
//! files --read--> Spec --choose--> the device --rules, nodes, hooks--> gather --> Edits
//! ```
//!
//! `read` and `host` look at the host, the rest decides. A specification is root's word, and read as one
//! that may have been made by mistake, or under another's hand: within bounds, and with nothing in it
//! that a guest must not have.

#[cfg(test)]
mod cases;
mod choose;
mod edits;
mod error;
mod gather;
mod hooks;
mod host;
mod library;
mod nodes;
mod read;
mod rules;
mod spec;

use std::path::Path;

pub use edits::{Edits, Link};
pub use error::CdiError;
pub use library::extra_library_folders;
pub use read::{FILES_MAX, SIZE_MAX};

use crate::gpu::Inventory;
use crate::model::CdiName;
use crate::os::Paths;
use gather::Surroundings;
use host::RealHost;

/// What a container is given for the devices that it names. Whether a device node is there, and which
/// numbers it has, is what the inventory says, else `/dev`.
pub fn edits(paths: &Paths, inventory: &Inventory, names: &[CdiName]) -> Result<Edits, CdiError> {
    let files = read::specifications(&paths.cdi);
    let host = RealHost::new(paths, inventory);
    gather::devices(&files, names, surroundings(paths, &host, &private(paths)))
}

/// What a container with any device of a kind, `nvidia.com/gpu`, is given, without device nodes; `None`
/// where the host has no specification of that kind.
pub fn userspace(
    paths: &Paths,
    inventory: &Inventory,
    kind: &str,
) -> Result<Option<Edits>, CdiError> {
    let files = read::specifications(&paths.cdi);
    let host = RealHost::new(paths, inventory);
    gather::userspace(&files, kind, surroundings(paths, &host, &private(paths)))
}

fn surroundings<'a>(
    paths: &'a Paths,
    host: &'a RealHost<'a>,
    private: &'a [&'a Path],
) -> Surroundings<'a> {
    Surroundings {
        host,
        looked_in: &paths.cdi,
        private,
    }
}

/// What is ctrd's own: secrets, and the state of other guests.
fn private(paths: &Paths) -> [&Path; 2] {
    [&paths.state, &paths.run]
}
