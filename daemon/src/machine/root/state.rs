//! `/var/lib/ctr/<machine>`: a machine's own state, whose owner is the machine's first user id.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use crate::machine::leftovers::remove_tree;
use crate::model::{MachineName, UserMode};
use crate::os::{Paths, durable, failpoint};

use super::ids_in_use::{IdsInUse, has_account};
use super::{FileError, UidBase};

/// How the name of what does not have its owner yet begins.
pub const UNFINISHED: &str = ".new-";

/// The state directory could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// Somebody else owns it.
    #[error("{path} belongs to user {owner}, which is no user range of a container")]
    ForeignOwner {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// The host's user databases do not answer.
    #[error("failed to ask the host for its users and groups")]
    Accounts(#[source] nix::Error),
    /// More than 28 thousand machines.
    #[error("every user range of this host is taken")]
    NoRangeLeft,
}

impl StateError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ForeignOwner { path, .. } => Some(format!(
                "move {} away, or give it back its owner",
                path.display()
            )),
            Self::File(_) | Self::Accounts(_) | Self::NoRangeLeft => None,
        }
    }

    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let error = FileError::new(what, path);
        move |source| Self::File(error(source))
    }
}

/// A machine's state as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The first of the ids that it belongs to; `None` for the host's users.
    pub base: Option<UidBase>,
    /// It was being given from one to the other when ctrd ended.
    pub half_given: bool,
}

impl State {
    /// It belongs to whom the container is declared to run as, all of it.
    pub fn fits(self, users: UserMode) -> bool {
        !self.half_given && self.base.is_some() == (users == UserMode::Own)
    }
}

/// Reads whose a machine's state is; `None` where there is none yet.
pub fn observe_state(state: &Path, machine: &MachineName) -> Result<Option<State>, StateError> {
    let path = state.join(machine.as_str());
    let Some(owner) = owner(&path)? else {
        return Ok(None);
    };
    let base = UidBase::new(owner);
    if base.is_none() && owner != 0 {
        return Err(StateError::ForeignOwner { path, owner });
    }
    Ok(Some(State {
        base,
        half_given: self::owner(&mark(state, machine))?.is_some(),
    }))
}

/// Whose a file is; `None` where there is none.
fn owner(path: &Path) -> Result<Option<u32>, StateError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata.uid())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StateError::io("read the owner of", path)(error)),
    }
}

/// Makes a machine's state directory, owned by a user range that nobody else has.
///
/// The directory appears under its name only once it has its owner, so a crash between the two
/// leaves nothing that could be read as somebody's range. It outlives a power cut: what a guest writes
/// belongs to these ids. Callers take turns: the choice looks at
/// all the others.
pub fn claim_state(
    paths: &Paths,
    machine: &MachineName,
    users: UserMode,
) -> Result<(), StateError> {
    let state = &paths.state;
    durable::make_directory(state, 0o755)?;
    if observe_state(state, machine)?.is_some() {
        return Ok(());
    }
    let base = match users {
        UserMode::Host => None,
        UserMode::Own => Some(choose(paths, machine)?),
    };
    // A leading dot is in no machine's name, so this can be nobody's state.
    let fresh = state.join(format!("{UNFINISHED}{machine}"));
    match fs::DirBuilder::new().mode(0o700).create(&fresh) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(StateError::io("make", &fresh)(error)),
    }
    appear(&fresh, base, &state.join(machine.as_str()))
}

fn appear(fresh: &Path, base: Option<UidBase>, path: &Path) -> Result<(), StateError> {
    let owner = Some(base.map_or(0, UidBase::get));
    failpoint("state's new name made");
    chown(fresh, owner, owner).map_err(StateError::io("give an owner to", fresh))?;
    failpoint("state's new name owned");
    durable::sync(fresh)?;
    Ok(durable::rename(fresh, path)?)
}

/// Notes that a machine's state is on its way between a user range and the host's users, and returns
/// the range: the one it has, the one that an earlier beginning noted, or else a new one.
pub(super) fn begin_giving(paths: &Paths, machine: &MachineName) -> Result<UidBase, StateError> {
    let state = &paths.state;
    if let Some(base) = owner(&mark(state, machine))?.and_then(UidBase::new) {
        return Ok(base);
    }
    let base = match observe_state(state, machine)?.and_then(|it| it.base) {
        Some(base) => base,
        None => choose(paths, machine)?,
    };
    let fresh = state.join(format!("{UNFINISHED}giving-{machine}"));
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&fresh)
        .map_err(StateError::io("make", &fresh))?;
    appear(&fresh, Some(base), &mark(state, machine))?;
    Ok(base)
}

/// All of it is given: the directory itself says so, and the note goes.
pub(super) fn end_giving(
    paths: &Paths,
    machine: &MachineName,
    to: Option<UidBase>,
) -> Result<(), StateError> {
    let path = paths.machine_state(machine);
    let owner = Some(to.map_or(0, UidBase::get));
    chown(&path, owner, owner).map_err(StateError::io("give an owner to", &path))?;
    failpoint("state given");
    // No power cut keeps the end of the note and loses an owner.
    durable::sync_file_system(&path)?;
    Ok(durable::remove(&mark(&paths.state, machine))?)
}

/// Stands while a machine's state is given from one to the other; its owner is the range.
fn mark(state: &Path, machine: &MachineName) -> PathBuf {
    state.join(format!(".giving-{machine}"))
}

fn choose(paths: &Paths, machine: &MachineName) -> Result<UidBase, StateError> {
    let taken = taken(&paths.state)?;
    let in_use = IdsInUse::read(paths)?;
    for base in UidBase::candidates(machine) {
        let free = !taken.contains(&base) && !in_use.overlaps(base);
        if free && !has_account(base).map_err(StateError::Accounts)? {
            return Ok(base);
        }
    }
    Err(StateError::NoRangeLeft)
}

/// The ranges of all machines of ours, those that are being given among them.
fn taken(state: &Path) -> Result<Vec<UidBase>, StateError> {
    let entries = fs::read_dir(state).map_err(StateError::io("list", state))?;
    let mut taken = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StateError::io("list", state))?;
        let metadata = entry
            .metadata()
            .map_err(StateError::io("read the owner of", &entry.path()))?;
        taken.extend(UidBase::new(metadata.uid()));
    }
    Ok(taken)
}

/// Drops a machine's writable layer: what `ephemeral = true` means.
pub fn drop_layer(state: &Path) -> Result<(), StateError> {
    for part in ["upper", "work", "root"] {
        remove_tree(&state.join(part))?;
        failpoint("part of the layer dropped");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{State, begin_giving, claim_state, end_giving, observe_state};
    use crate::machine::root::UidBase;
    use crate::model::{MachineName, UserMode};
    use crate::os::Paths;

    fn paths(directory: &tempfile::TempDir) -> Paths {
        // Giving away a directory needs root, as ctrd has it.
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        Paths {
            state: directory.path().join("state"),
            subordinate_ids: vec![directory.path().join("subuid")],
            nspawn_uids: directory.path().join("nspawn-uid"),
            ..Paths::default()
        }
    }

    fn machine(name: &str) -> MachineName {
        name.parse().expect("valid")
    }

    fn claimed(paths: &Paths, name: &str, users: UserMode) -> State {
        claim_state(paths, &machine(name), users).expect("claimed");
        observe_state(&paths.state, &machine(name))
            .expect("read")
            .expect("there")
    }

    #[test]
    fn what_was_claimed_is_found_again_and_nobody_else_gets_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = paths(&directory);
        let first = claimed(&paths, "ml-ollama", UserMode::Own);
        assert!(first.fits(UserMode::Own) && !first.fits(UserMode::Host));
        assert_eq!(claimed(&paths, "ml-ollama", UserMode::Host), first);
        assert_ne!(
            claimed(&paths, "ml-jupyter", UserMode::Own).base,
            first.base
        );
    }

    #[test]
    fn a_range_that_others_have_is_not_claimed() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = paths(&directory);
        let base = claimed(&paths, "ml-ollama", UserMode::Own)
            .base
            .expect("own");
        let again = || {
            std::fs::remove_dir(paths.machine_state(&machine("ml-ollama"))).expect("removed");
            claimed(&paths, "ml-ollama", UserMode::Own)
                .base
                .expect("own")
        };
        assert_eq!(again(), base, "the same at every start");
        let line = format!("alice:{}:65536\n", base.get() - 1);
        std::fs::write(directory.path().join("subuid"), line).expect("written");
        let second = again();
        assert_ne!(second, base);
        let locks = directory.path().join("nspawn-uid");
        std::fs::create_dir(&locks).expect("made");
        std::fs::write(locks.join(second.get().to_string()), "").expect("locked");
        let third = again();
        assert!(third != base && third != second);
    }

    #[test]
    fn a_crash_between_making_and_owning_is_mended() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = paths(&directory);
        std::fs::create_dir_all(paths.state.join(".new-ml-ollama")).expect("left behind");
        assert!(claimed(&paths, "ml-ollama", UserMode::Own).base.is_some());
    }

    #[test]
    fn the_range_of_a_giving_that_did_not_end_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = paths(&directory);
        let machine = machine("ml-ollama");
        claimed(&paths, "ml-ollama", UserMode::Host);
        let base = begin_giving(&paths, &machine).expect("begun");
        let now = || {
            observe_state(&paths.state, &machine)
                .expect("read")
                .expect("there")
        };
        assert!(!now().fits(UserMode::Host) && !now().fits(UserMode::Own));
        std::fs::write(
            directory.path().join("subuid"),
            format!("alice:{}:1\n", base.get()),
        )
        .expect("written");
        assert_eq!(begin_giving(&paths, &machine).expect("begun again"), base);
        end_giving(&paths, &machine, UidBase::new(base.get())).expect("ended");
        assert!(now().fits(UserMode::Own));
        assert_eq!(begin_giving(&paths, &machine).expect("back"), base);
        end_giving(&paths, &machine, None).expect("ended");
        assert!(now().fits(UserMode::Host));
    }
}
