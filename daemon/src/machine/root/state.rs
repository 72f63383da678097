//! `/var/lib/ctr/<machine>`: a machine's own state, whose owner is the machine's first user id.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};

use crate::model::{MachineName, UserMode};

use super::{FileError, UidBase};

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
    /// It was made for the other mode.
    #[error("{path} belongs to {found}, and the container is declared with users = {declared}")]
    OtherMode {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// What was declared.
        declared: &'static str,
    },
    /// More than 28 thousand machines.
    #[error("every user range of this host is taken")]
    NoRangeLeft,
}

impl StateError {
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let error = FileError::new(what, path);
        move |source| Self::File(error(source))
    }
}

/// Whose a machine's state is: `None` where there is none yet, `Some(None)` the host's users.
pub fn observe_state(path: &Path, users: UserMode) -> Result<Option<Option<UidBase>>, StateError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::io("read the owner of", path)(error)),
    };
    let owner = metadata.uid();
    match (users, owner) {
        (UserMode::Host, 0) => Ok(Some(None)),
        (UserMode::Host, _) => Err(StateError::OtherMode {
            path: path.to_owned(),
            found: format!("the user range at {owner}"),
            declared: "\"host\"",
        }),
        (UserMode::Own, 0) => Err(StateError::OtherMode {
            path: path.to_owned(),
            found: "the host's root".to_owned(),
            declared: "\"own\"",
        }),
        (UserMode::Own, _) => match UidBase::new(owner) {
            Some(base) => Ok(Some(Some(base))),
            None => Err(StateError::ForeignOwner {
                path: path.to_owned(),
                owner,
            }),
        },
    }
}

/// Makes a machine's state directory, owned by a user range that no other machine has.
///
/// The directory appears under its name only once it has its owner, so a crash between the two
/// leaves nothing that could be read as somebody's range. Callers take turns: the choice looks at
/// all the others.
pub fn claim_state(
    state: &Path,
    machine: &MachineName,
    users: UserMode,
) -> Result<Option<UidBase>, StateError> {
    fs::create_dir_all(state).map_err(StateError::io("make", state))?;
    let path = state.join(machine.as_str());
    if let Some(found) = observe_state(&path, users)? {
        return Ok(found);
    }
    let base = match users {
        UserMode::Host => None,
        UserMode::Own => {
            Some(UidBase::choose(machine, &taken(state)?).ok_or(StateError::NoRangeLeft)?)
        }
    };
    // A leading dot is in no machine's name, so this can be nobody's state.
    let fresh = state.join(format!(".new-{machine}"));
    match fs::DirBuilder::new().mode(0o755).create(&fresh) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(StateError::io("make", &fresh)(error)),
    }
    let owner = base.map(UidBase::get);
    chown(&fresh, owner, owner).map_err(StateError::io("give an owner to", &fresh))?;
    fs::rename(&fresh, &path).map_err(StateError::io("name", &path))?;
    Ok(base)
}

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
        let path = state.join(part);
        match fs::remove_dir_all(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StateError::io("remove", &path)(error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{claim_state, observe_state};
    use crate::model::UserMode;

    #[test]
    fn what_was_claimed_is_found_again_and_the_other_mode_is_refused() {
        // Giving away a directory needs root, as ctrd has it.
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        let directory = tempfile::tempdir().expect("a directory");
        let machine = "ml-ollama".parse().expect("valid");
        let base = claim_state(directory.path(), &machine, UserMode::Own).expect("claimed");
        let path = directory.path().join("ml-ollama");
        assert_eq!(
            observe_state(&path, UserMode::Own).expect("read"),
            Some(base)
        );
        assert!(observe_state(&path, UserMode::Host).is_err());
        let other = "ml-jupyter".parse().expect("valid");
        let second = claim_state(directory.path(), &other, UserMode::Own).expect("claimed");
        assert_ne!(base, second);
    }

    #[test]
    fn a_crash_between_making_and_owning_is_mended() {
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join(".new-ml-ollama")).expect("left behind");
        let machine = "ml-ollama".parse().expect("valid");
        assert!(
            claim_state(directory.path(), &machine, UserMode::Own)
                .expect("claimed")
                .is_some()
        );
    }
}
