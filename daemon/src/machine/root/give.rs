//! Gives a machine's own state to users of its own, or to the host's: what a change of `users` means.
//!
//! Only what is ctr's own: the layer on a shared tree, the root of a NixOS system, the journal. Never a
//! bind, a `directory` root or a shared tree, whose owners are shifted as they are shown.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use crate::model::{Container, UserMode};
use crate::os::{Paths, durable, failpoint};

use super::host_path::{HostPathError, open_host};
use super::reown::reown;
use super::shift::Shift;
use super::state::{begin_giving, end_giving};
use super::{RootError, UidBase, drop_layer, machine_id};

/// Gives the state of a container that does not run, and whose root is not mounted, to whom it is
/// declared to run as. The state's own directory changes its owner last.
pub fn give_state(container: &Container, paths: &Paths) -> Result<(), RootError> {
    let machine = &container.machine;
    let base = begin_giving(paths, machine)?;
    failpoint("giving begun");
    let into = container.users == UserMode::Own;
    let shift = Shift { base, into };
    let state = paths.machine_state(machine);
    if container.ephemeral {
        drop_layer(&state)?;
    }
    reown(open_host(&state)?.file, &state, shift, None)?;
    failpoint("files given");
    let journal = paths.journal.join(machine_id(machine));
    match open_host(&journal) {
        Ok(opened) => {
            // What journald writes for a guest has the group of the host's journal, by the
            // directory's setgid bit: that is nobody's of the guest.
            let kept = host_journal_group(paths)?.filter(|_| into);
            reown(opened.file, &journal, shift, kept)?;
            // It may be on another file system than the note that says that it is under way.
            durable::sync_file_system(&journal)?;
        }
        Err(HostPathError::Missing { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    failpoint("journal given");
    let to: Option<UidBase> = into.then_some(base);
    Ok(end_giving(paths, machine, to)?)
}

fn host_journal_group(paths: &Paths) -> Result<Option<u32>, RootError> {
    match fs::metadata(&paths.journal) {
        Ok(metadata) => Ok(Some(metadata.gid())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RootError::io("look at", &paths.journal)(error)),
    }
}
