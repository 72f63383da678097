//! Which NixOS system a guest boots, and which one it has switched to while it runs.
//!
//! What a running unit was started with cannot be changed on it, so a switch is noted beside the
//! files of the guest, in /run: it is true for as long as the guest runs, and forgotten when its
//! root is made ready for another start. The guest is not asked: it could answer anything, and its
//! own link to the system (`/run/current-system`) leads to the new one before the switch is over.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::machine::command_line::{NIXOS_PROFILE, root_directory};
use crate::model::{Container, MachineName, Root};
use crate::os::Paths;

use super::RootError;
use super::inside::link_inside;

/// Makes the declared system the one that the guest boots, also while it runs.
pub fn point_profile(container: &Container, paths: &Paths) -> Result<(), RootError> {
    match &container.root {
        Root::Nixos(system) => point_at(system, &root_directory(container, paths)),
        Root::Tree(_) | Root::Directory(_) => Ok(()),
    }
}

/// Leads the stable path inside a root to a system.
pub(super) fn point_at(system: &Path, root: &Path) -> Result<(), RootError> {
    link_inside(root, NIXOS_PROFILE.trim_start_matches('/'), system)
}

fn note(paths: &Paths, machine: &MachineName) -> PathBuf {
    paths.machine_files(machine).join("switched-to")
}

/// The system that a guest has switched to since its root was made ready; `None` where it runs what
/// it was started with.
pub fn switched_to(paths: &Paths, machine: &MachineName) -> Result<Option<PathBuf>, RootError> {
    let path = note(paths, machine);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(PathBuf::from(OsStr::from_bytes(&bytes)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RootError::io("read", &path)(error)),
    }
}

/// Notes that the running guest has switched, whole or not at all.
pub fn note_switch(paths: &Paths, machine: &MachineName, system: &Path) -> Result<(), RootError> {
    let path = note(paths, machine);
    let fresh = path.with_extension("new");
    fs::write(&fresh, system.as_os_str().as_bytes())
        .and_then(|()| fs::rename(&fresh, &path))
        .map_err(RootError::io("write", &path))
}

/// Forgets it: the guest that had switched is gone.
pub(super) fn forget_switch(paths: &Paths, machine: &MachineName) -> Result<(), RootError> {
    let path = note(paths, machine);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RootError::io("remove", &path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{forget_switch, note_switch, switched_to};
    use crate::os::Paths;
    use std::path::Path;

    #[test]
    fn a_switch_is_known_until_it_is_forgotten() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = Paths {
            run: directory.path().to_owned(),
            ..Paths::default()
        };
        let machine = "lab-nix".parse().expect("a name");
        let now = || switched_to(&paths, &machine).expect("read");
        assert_eq!(now(), None);
        std::fs::create_dir_all(paths.machine_files(&machine)).expect("a directory");
        for system in ["/nix/store/a long one", "/nix/store/b"] {
            note_switch(&paths, &machine, Path::new(system)).expect("noted");
            assert_eq!(now().as_deref(), Some(Path::new(system)));
        }
        forget_switch(&paths, &machine).expect("forgotten");
        forget_switch(&paths, &machine).expect("forgotten twice");
        assert_eq!(now(), None);
    }
}
