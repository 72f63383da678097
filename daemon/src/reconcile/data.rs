//! What stays of a container that is declared no more: its data.

use std::path::Path;

use crate::machine::credentials::generated_secrets;
use crate::machine::root::machine_id;
use crate::model::Container;
use crate::os::Paths;

/// The paths of a container's data, those that are there: its state, the secrets that were made for
/// it, the journal of its guest, and the directories of the host that are declared as data.
pub(super) fn data_of(paths: &Paths, container: &Container) -> Vec<String> {
    let state = paths.machine_state(&container.machine);
    let mut data: Vec<String> = there(&state).into_iter().collect();
    let secrets = paths.machine_secrets(&container.machine);
    let made = generated_secrets(paths);
    data.extend(
        made.into_iter()
            .filter(|it| Path::new(it).starts_with(&secrets)),
    );
    let journal = paths.journal.join(machine_id(&container.machine));
    // One that its guest never wrote to goes.
    let written = std::fs::read_dir(&journal).is_ok_and(|mut entries| entries.next().is_some());
    data.extend(written.then(|| journal.display().to_string()));
    let binds = container.binds.iter().filter(|bind| bind.data);
    data.extend(binds.filter_map(|bind| there(&bind.host)));
    data
}

fn there(path: &Path) -> Option<String> {
    path.symlink_metadata()
        .is_ok()
        .then(|| path.display().to_string())
}
