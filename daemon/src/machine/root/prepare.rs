//! Makes a root ready for its guest, and takes it away again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;

use crate::model::{Container, MachineName, Program, Root, UserMode};
use crate::os::Paths;

use super::binds::{attach_binds, detach_binds, try_binds};
use super::host_path::{HostPathError, Opened, open_host};
use super::inside::{directory_inside, plain_file, write_inside};
use super::journal_directory::give_journal_directory;
use super::machine_id::machine_id;
use super::mounts::{
    make_directory, mount_directory, mount_overlay, mounted, private_directory, root_copy,
    unmount_root,
};
use super::system::{forget_switch, point_at};
use super::{RootError, UidBase, drop_layer};
use crate::machine::command_line::root_directory;

/// Makes the root ready: layers and binds mounted, the machine id written. No guest of it runs:
/// whatever an earlier start mounted is made afresh.
pub fn prepare(
    container: &Container,
    paths: &Paths,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    let machine = &container.machine;
    let state = paths.machine_state(machine);
    let target = root_directory(container, paths);
    forget_switch(paths, machine)?;
    // Users of the host must not get at programs that a guest made setuid.
    private_directory_of_guest(&state)?;
    private_directory(&paths.roots())?;
    unmount_root(&paths.machine_root(machine))?;
    if container.ephemeral {
        drop_layer(&state)?;
    }
    let root = find_root(container, base)?;
    match &container.root {
        Root::Tree(_) => {
            mount_overlay(&root, &state, &target, base)?;
            first_files(container, &target, base)?;
        }
        Root::Directory(_) => mount_directory(&root, &target, base)?,
        Root::Nixos(system) => {
            nixos_root(system, &target, base)?;
            first_files(container, &target, base)?;
        }
    }
    attach_binds(container, paths, &target, base)?;
    if let Program::Boot { .. } = container.program {
        give_journal_directory(paths, machine, base)?;
    }
    Ok(())
}

/// Whether the root and the binds could be made ready, without making anything: what a start would
/// fail with.
///
/// `base` is the container's user range where it has one already.
pub fn try_prepare(
    container: &Container,
    paths: &Paths,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    let base = match container.users {
        UserMode::Host => None,
        UserMode::Own => Some(base.unwrap_or(UidBase::LOWEST)),
    };
    let root = find_root(container, base)?;
    if !matches!(container.root, Root::Nixos(_)) {
        let all = matches!(container.root, Root::Directory(_));
        root_copy(&root, base, all)?;
    }
    let target = root_directory(container, paths);
    let there = match container.root {
        Root::Tree(_) => mounted(&target).map_err(RootError::io("look at", &target))?,
        Root::Directory(_) | Root::Nixos(_) => false,
    };
    try_binds(container, there.then_some(target.as_path()), base)
}

/// Closes a machine's state to users of the host, whoever in the guest it belongs to.
fn private_directory_of_guest(state: &Path) -> Result<(), RootError> {
    fs::set_permissions(state, fs::Permissions::from_mode(0o700))
        .map_err(RootError::io("close", state))
}

/// Takes the mounts of a machine's root and binds away; its state stays, unless it is ephemeral.
pub fn release(paths: &Paths, machine: &MachineName, ephemeral: bool) -> Result<(), RootError> {
    detach_binds(paths, machine)?;
    unmount_root(&paths.machine_root(machine))?;
    if ephemeral {
        drop_layer(&paths.machine_state(machine))?;
    }
    Ok(())
}

/// Opens the declared root, or the declared system's directory, and judges it.
fn find_root(container: &Container, base: Option<UidBase>) -> Result<Opened, RootError> {
    let (path, inside) = match &container.root {
        Root::Tree(path) | Root::Directory(path) => (path, "usr"),
        Root::Nixos(path) => (path, "init"),
    };
    let root = open_host(path).map_err(|error| match error {
        HostPathError::Missing { path } => RootError::MissingRoot { path },
        other => other.into(),
    })?;
    match statat(&root.file, inside, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => {}
        Err(Errno::NOENT | Errno::NOTDIR) => {
            return Err(RootError::NoSystem {
                path: path.clone(),
                missing: inside,
            });
        }
        Err(errno) => return Err(RootError::io("look into", path)(errno.into())),
    }
    if matches!(container.root, Root::Directory(_)) && base.is_some() && root.open_to_all {
        return Err(RootError::OpenRoot { path: path.clone() });
    }
    Ok(root)
}

/// A nearly empty root: the system's own activation fills it, from the store.
fn nixos_root(system: &Path, root: &Path, base: Option<UidBase>) -> Result<(), RootError> {
    make_directory(root, 0o755, base)?;
    // nspawn refuses a tree without /usr; the rest is where it mounts, and what an activation
    // expects to be there.
    for directory in [
        "usr",
        "etc",
        "nix",
        "nix/store",
        "nix/var",
        "nix/var/nix",
        "nix/var/nix/profiles",
        "var",
        "var/log",
        "root",
        "tmp",
    ] {
        directory_inside(root, directory, base)?;
    }
    point_at(system, root)
}

/// A guest's journal stands on the host's disk, and the default would be a tenth of that for each
/// (journald.conf(5)). It comes first by its name, so that what the tree itself says about it counts.
const JOURNALD: &str = "# Written by ctrd: the journal of one guest among many.\n\
                        [Journal]\n\
                        SystemMaxUse=256M\n\
                        RuntimeMaxUse=32M\n\
                        RateLimitIntervalSec=30s\n\
                        RateLimitBurst=10000\n";

/// What must stand in a root before its init runs.
fn first_files(container: &Container, root: &Path, base: Option<UidBase>) -> Result<(), RootError> {
    // nspawn binds over these; a link that the guest has put there would be followed inside the
    // guest only, but a plain file says what is meant.
    for name in ["etc/hosts", "etc/resolv.conf"] {
        plain_file(root, name, base)?;
    }
    if let Program::Boot { .. } = container.program {
        let id = machine_id(&container.machine);
        write_inside(root, "etc/machine-id", &format!("{id}\n"), base)?;
        if let Root::Tree(_) = container.root {
            // The tree's own name is that of every guest on it.
            let name = format!("{}\n", container.machine);
            write_inside(root, "etc/hostname", &name, base)?;
            // systemd.preset(5): a shared tree's packages enable nothing in a guest by themselves.
            for directory in ["etc/systemd", "etc/systemd/system-preset"] {
                directory_inside(root, directory, base)?;
            }
            let preset = "# Written by ctrd: `enable` in the declaration says what runs.\n\
                          disable *\n";
            write_inside(
                root,
                "etc/systemd/system-preset/00-ctr.preset",
                preset,
                base,
            )?;
            directory_inside(root, "etc/systemd/journald.conf.d", base)?;
            let path = "etc/systemd/journald.conf.d/00-ctr.conf";
            write_inside(root, path, JOURNALD, base)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::nixos_root;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    #[test]
    fn a_link_that_a_guest_left_in_its_root_leads_nowhere_outside() {
        let system = Path::new("/nix/store/abc-nixos-system-web");
        for place in [
            "usr",
            "etc",
            "nix",
            "nix/store",
            "nix/var",
            "nix/var/nix",
            "nix/var/nix/profiles",
            "nix/var/nix/profiles/system",
            "nix/var/nix/profiles/.system.new",
            "var",
            "var/log",
            "root",
            "tmp",
        ] {
            let outside = tempfile::tempdir().expect("a directory");
            let state = tempfile::tempdir().expect("a directory");
            let root = state.path().join("root");
            nixos_root(system, &root, None).expect("made");
            let link = root.join(place);
            match std::fs::symlink_metadata(&link) {
                Ok(found) if found.is_dir() => std::fs::remove_dir_all(&link).expect("removed"),
                Ok(_) => std::fs::remove_file(&link).expect("removed"),
                Err(_) => {}
            }
            symlink(outside.path(), &link).expect("a link");
            // Whether it is mended or refused is the guest's own matter.
            let _ = nixos_root(system, &root, None);
            let left = std::fs::read_dir(outside.path()).expect("listed").count();
            assert_eq!(left, 0, "something was made through a link at {place}");
        }
    }

    #[test]
    fn the_profile_leads_to_the_declared_system_whatever_stood_there() {
        let state = tempfile::tempdir().expect("a directory");
        let root = state.path().join("root");
        for system in ["/nix/store/a", "/nix/store/b"] {
            nixos_root(Path::new(system), &root, None).expect("made");
            let profile = root.join("nix/var/nix/profiles/system");
            assert_eq!(
                std::fs::read_link(profile).expect("a link"),
                Path::new(system)
            );
        }
    }
}
