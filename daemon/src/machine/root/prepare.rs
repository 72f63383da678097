//! Makes a root ready for its guest, and takes it away again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;

use crate::gpu::Delivery;
use crate::model::{Container, MachineName, Program, Root, UserMode};
use crate::os::{Paths, failpoint};

use super::binds::{attach_binds, binds_attached, detach_binds, try_binds};
use super::driver_files::{attach_driver_files, detach_driver_files, try_driver_files};
use super::host_path::{HostPathError, Opened, open_host};
use super::inside::{directory_inside, plain_file, write_inside};
use super::journal_directory::give_journal_directory;
use super::machine_id::machine_id;
use super::mounts::{
    LOWER, lower_of, make_directory, mount_directory, mount_overlay, mounted, private_directory,
    root_copy, unmount_root,
};
use super::nodes::{make_nodes, remove_nodes};
use super::system::{forget_switch, point_at};
use super::{RootError, UidBase, drop_layer};
use crate::machine::command_line::root_directory;

/// Makes the root ready: layers and binds mounted, the machine id written, its devices and what comes with
/// them made. No guest of it runs:
/// whatever an earlier start mounted is made afresh.
pub fn prepare(
    container: &Container,
    paths: &Paths,
    base: Option<UidBase>,
    delivery: &Delivery,
) -> Result<(), RootError> {
    let machine = &container.machine;
    let state = paths.machine_state(machine);
    let target = root_directory(container, paths);
    forget_switch(paths, machine)?;
    // Users of the host must not get at programs that a guest made setuid.
    private_directory_of_guest(&state)?;
    failpoint("state closed");
    private_directory(&paths.roots())?;
    unmount_root(&paths.machine_root(machine))?;
    renew_ephemeral(container, paths)?;
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
    failpoint("root made");
    attach_binds(container, paths, &target, base)?;
    failpoint("binds made");
    remove_nodes(paths, machine)?;
    make_nodes(container, paths, base, &delivery.nodes)?;
    attach_driver_files(paths, machine, &delivery.mounts)?;
    failpoint("devices made");
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
    delivery: &Delivery,
) -> Result<(), RootError> {
    try_driver_files(&delivery.mounts)?;
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

/// Takes the mounts of a machine's root, binds and devices away, and a layer that goes with its guest; other
/// state stays.
pub fn release(paths: &Paths, machine: &MachineName) -> Result<(), RootError> {
    detach_binds(paths, machine)?;
    detach_driver_files(paths, machine)?;
    remove_nodes(paths, machine)?;
    unmount_root(&paths.machine_root(machine))?;
    drop_ephemeral(paths, machine)
}

/// Whether there is something that [`release`] takes away, whole or half-made.
pub fn root_left(paths: &Paths, machine: &MachineName) -> io::Result<bool> {
    let root = paths.machine_root(machine);
    Ok(fs::exists(&root)?
        || fs::exists(lower_of(&root))?
        || fs::exists(paths.machine_ephemeral(machine))?
        || fs::exists(paths.machine_nodes(machine))?
        || fs::exists(paths.machine_driver_files(machine))?
        || binds_attached(paths, machine)?)
}

/// The machines of which something is left that [`release`] takes away.
pub fn machines_with_roots(paths: &Paths) -> BTreeSet<MachineName> {
    [
        paths.roots(),
        paths.binds(),
        paths.ephemeral(),
        paths.nodes(),
        paths.driver_files(),
    ]
    .iter()
    .filter_map(|directory| fs::read_dir(directory).ok())
    .flat_map(Iterator::flatten)
    .filter_map(|entry| {
        let name = entry.file_name();
        let name = name.to_str()?;
        let lower = name.strip_suffix(LOWER).and_then(|it| it.strip_suffix('.'));
        lower.unwrap_or(name).parse().ok()
    })
    .collect()
}

/// An ephemeral guest begins with an empty layer, which goes with it. A note of that stands from before
/// anything is in the layer until it is dropped: no crash makes data of it, and a guest that is
/// declared to keep its layer from now on does not begin with this one.
fn renew_ephemeral(container: &Container, paths: &Paths) -> Result<(), RootError> {
    let machine = &container.machine;
    if !container.ephemeral {
        return drop_ephemeral(paths, machine);
    }
    private_directory(&paths.ephemeral())?;
    let note = paths.machine_ephemeral(machine);
    fs::write(&note, "").map_err(RootError::io("write", &note))?;
    failpoint("ephemeral noted");
    Ok(drop_layer(&paths.machine_state(machine))?)
}

fn drop_ephemeral(paths: &Paths, machine: &MachineName) -> Result<(), RootError> {
    let note = paths.machine_ephemeral(machine);
    if !fs::exists(&note).map_err(RootError::io("look at", &note))? {
        return Ok(());
    }
    drop_layer(&paths.machine_state(machine))?;
    fs::remove_file(&note).map_err(RootError::io("remove", &note))
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
    use super::{machines_with_roots, nixos_root, release, renew_ephemeral, root_left};
    use crate::machine::test_container;
    use crate::os::Paths;
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
    fn a_layer_that_goes_with_its_guest_goes_whatever_is_declared_by_then() {
        let place = tempfile::tempdir().expect("a directory");
        let paths = Paths {
            run: place.path().join("run"),
            state: place.path().join("state"),
            ..Paths::default()
        };
        let mut container = test_container("web");
        let machine = container.machine.clone();
        let layer = paths.machine_state(&machine).join("upper");
        let written = || {
            std::fs::create_dir_all(&layer).expect("made");
            std::fs::write(layer.join("file"), "").expect("written");
        };
        assert!(!root_left(&paths, &machine).expect("looked at"));
        container.ephemeral = true;
        written();
        renew_ephemeral(&container, &paths).expect("renewed");
        assert!(!layer.exists(), "it begins with an empty one");
        assert!(root_left(&paths, &machine).expect("looked at"));
        assert!(machines_with_roots(&paths).contains(&machine));
        written();
        release(&paths, &machine).expect("released");
        assert!(!layer.exists() && !root_left(&paths, &machine).expect("looked at"));
        // Declared to keep it meanwhile, and the guest ended while no ctrd was there.
        renew_ephemeral(&container, &paths).expect("renewed");
        written();
        container.ephemeral = false;
        renew_ephemeral(&container, &paths).expect("renewed");
        assert!(!layer.exists());
        // The control: a layer that was always kept.
        written();
        renew_ephemeral(&container, &paths).expect("kept");
        release(&paths, &machine).expect("released");
        assert!(layer.exists());
    }

    #[test]
    fn what_is_left_of_a_half_made_root_is_found_by_its_machine() {
        let place = tempfile::tempdir().expect("a directory");
        let paths = Paths {
            run: place.path().join("run"),
            ..Paths::default()
        };
        let lower = paths.roots().join("lab-web.lower");
        std::fs::create_dir_all(lower).expect("made");
        std::fs::write(paths.roots().join(".#lab-web.lck"), "").expect("nspawn's own");
        let machine = "lab-web".parse().expect("valid");
        assert!(root_left(&paths, &machine).expect("looked at"));
        assert!(machines_with_roots(&paths).into_iter().eq([machine]));
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
