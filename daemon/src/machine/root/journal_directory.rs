//! Where a guest's journal stands on the host, so that it outlives the guest.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use super::machine_id::machine_id;
use super::mounts::make_directory;
use super::{RootError, UidBase};
use crate::model::MachineName;
use crate::os::{Paths, failpoint};

/// Makes it where it is not there, root's until its guest starts for the first time: whoever follows
/// the log of a guest that is yet to start has it to look at.
///
/// A host without a persistent journal has none.
pub fn make_journal_directory(paths: &Paths, machine: &MachineName) -> Result<(), RootError> {
    let path = paths.journal.join(machine_id(machine));
    if path.try_exists().map_err(RootError::io("look at", &path))? {
        return Ok(());
    }
    give_journal_directory(paths, machine, None)
}

/// Makes it, the guest's root's. It is bound as it is, so the guest's root owns it; its group is the
/// host's journal's: who may read that reads this.
///
/// A host without a persistent journal has none.
pub(super) fn give_journal_directory(
    paths: &Paths,
    machine: &MachineName,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    let Some(group) = group(&paths.journal)? else {
        return Ok(());
    };
    let path = paths.journal.join(machine_id(machine));
    make_directory(&path, 0o755, None)?;
    chown(&path, Some(base.map_or(0, UidBase::get)), Some(group))
        .map_err(RootError::io("give an owner to", &path))?;
    failpoint("journal directory owned");
    let mode = fs::Permissions::from_mode(0o2755);
    fs::set_permissions(&path, mode).map_err(RootError::io("set the mode of", &path))
}

/// The group of the host's journal; none where it keeps none on its disk.
fn group(journal: &Path) -> Result<Option<u32>, RootError> {
    match fs::metadata(journal) {
        Ok(metadata) => Ok(Some(metadata.gid())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RootError::io("look at", journal)(error)),
    }
}
