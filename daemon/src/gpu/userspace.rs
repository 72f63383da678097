//! What comes with NVIDIA's processors besides their nodes: programs in a guest need the driver's own
//! libraries, of the very version of the kernel's module.
//!
//! They look at the module in sysfs as well (without `/sys/module/nvidia/initstate` they say that the
//! operating system blocks the GPU). A guest of ours has all of that: systemd-nspawn mounts sysfs whole, and
//! read-only, where the network is the unit's (`mount_all()` in its nspawn-mount.c), and only with a network
//! of its own a part without modules.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cdi::{Edits, extra_library_folders};
use super::delivery::Mount;
use super::desired::{Refusal, Userspace};
use super::links::shown;
use super::{InventoryError, Node};
use crate::os::Paths;

/// Where a NixOS system's programs look for the driver's libraries.
const OPENGL_DRIVER: &str = "/run/opengl-driver";
const NIX_STORE: &str = "/nix/store";
const NVIDIA_SMI: &str = "/usr/bin/nvidia-smi";

/// The driver's libraries of a NixOS host, and the programs that come with it; `None` on any other.
/// `has_store`: the guest has the store already, in which all that is there leads.
pub(super) fn of_nixos(
    paths: &Paths,
    has_store: bool,
) -> Result<Option<Userspace>, InventoryError> {
    let Some(driver) = resolved(&paths.opengl_driver)? else {
        return Ok(None);
    };
    let mut mounts = vec![Mount {
        guest: OPENGL_DRIVER.into(),
        host: driver,
        no_exec: false,
    }];
    // It is no part of that directory: it is in the driver's output `bin`.
    mounts.extend(resolved(&paths.nvidia_smi)?.map(|host| Mount {
        guest: NVIDIA_SMI.into(),
        host,
        no_exec: false,
    }));
    if !has_store && Path::new(NIX_STORE).is_dir() {
        mounts.push(Mount {
            guest: NIX_STORE.into(),
            host: NIX_STORE.into(),
            no_exec: false,
        });
    }
    Ok(Some(Userspace {
        mounts,
        ..Userspace::default()
    }))
}

/// What a specification of the Container Device Interface gives, but for its nodes, which come back beside
/// it.
pub(super) fn of_cdi(edits: Edits) -> (Vec<Node>, Userspace) {
    let Edits {
        mut nodes,
        mut mounts,
        links,
        library_folders,
        environment,
        mut unapplied,
    } = edits;
    let shown = shown(&links, &nodes, &mounts);
    nodes.extend(shown.nodes);
    nodes.sort();
    // A link to a node never takes the place of another.
    nodes.dedup_by(|second, first| second.path == first.path);
    mounts.extend(shown.mounts);
    let (mounts, impossible) = with_places(&mounts);
    unapplied.extend(impossible.iter().map(|path| {
        format!(
            "{} would stand in a directory of the host that the guest cannot write to",
            path.display()
        )
    }));
    let nowhere = shown.leading_nowhere.iter();
    unapplied.extend(nowhere.map(|path| {
        format!(
            "the link {} leads to nothing that the guest is given",
            path.display()
        )
    }));
    let userspace = Userspace {
        mounts,
        environment,
        library_folders: extra_library_folders(&library_folders),
        unapplied,
    };
    (nodes, userspace)
}

/// The mounts whose places can be, and those of which none can: within another mount, which is read-only,
/// nothing can be made to mount over.
fn with_places(mounts: &[Mount]) -> (Vec<Mount>, Vec<PathBuf>) {
    let (can, cannot): (Vec<Mount>, Vec<Mount>) = mounts.iter().cloned().partition(|mount| {
        let above = mounts
            .iter()
            .filter(|it| it.guest != mount.guest && mount.guest.starts_with(&it.guest));
        let mut places = above.filter_map(|above| {
            let below = mount.guest.strip_prefix(&above.guest).ok()?;
            Some(above.host.join(below))
        });
        places.all(|place| fs::symlink_metadata(place).is_ok())
    });
    (can, cannot.into_iter().map(|it| it.guest).collect())
}

/// Where a path leads, if anywhere. Links of the host's system are root's own.
fn resolved(path: &Path) -> Result<Option<PathBuf>, InventoryError> {
    match fs::canonicalize(path) {
        Ok(path) => Ok(Some(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(InventoryError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// The version of the driver that mounts bring libraries of, by the names of their files; those in a
/// directory count too.
pub(super) fn library_version(mounts: &[Mount]) -> Option<(String, PathBuf)> {
    mounts.iter().find_map(|mount| {
        let own = mount.host.file_name()?.to_string_lossy().into_owned();
        if let Some(version) = version_in(&own) {
            return Some((version, mount.host.clone()));
        }
        let directory = mount.host.join("lib");
        let names = fs::read_dir(&directory).ok()?.flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names
            .filter_map(|name| version_in(&name))
            .max()
            .map(|version| (version, directory))
    })
}

/// `550.54.14` of `libcuda.so.550.54.14`.
pub(super) fn version_in(name: &str) -> Option<String> {
    let version = ["libcuda.so.", "libnvidia-ml.so."]
        .iter()
        .find_map(|stem| name.strip_prefix(stem))?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let parts: Vec<&str> = version.split('.').collect();
    (parts.len() >= 2 && parts.into_iter().all(is_number)).then(|| version.to_owned())
}

/// Why libraries are not given to a guest: they are of another version than the module, which refuses to
/// talk to them.
pub(super) fn mismatch(mounts: &[Mount], module: Option<&str>) -> Option<Refusal> {
    let module = module?;
    let (libraries, place) = library_version(mounts)?;
    (libraries != module).then(|| Refusal {
        reason: format!(
            "the NVIDIA driver's libraries in {} are of version {libraries}, and the loaded module is {module}",
            place.display()
        ),
        hint: Some(
            "reboot, so that both are of the installed driver; a CDI specification is made anew by \
             `nvidia-ctk cdi generate`"
                .to_owned(),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::{Mount, mismatch, of_nixos, version_in};
    use crate::os::Paths;
    use std::path::Path;

    #[test]
    fn a_library_says_its_version_by_its_name() {
        assert_eq!(
            version_in("libcuda.so.550.54.14").as_deref(),
            Some("550.54.14")
        );
        assert_eq!(
            version_in("libnvidia-ml.so.535.183").as_deref(),
            Some("535.183")
        );
        for none in [
            "libcuda.so",
            "libcuda.so.1",
            "libcudart.so.12.1",
            "libcuda.so.550.x",
        ] {
            assert_eq!(version_in(none), None, "{none}");
        }
    }

    #[test]
    fn libraries_of_another_driver_than_the_loaded_one_are_refused() {
        let mounts = [Mount {
            guest: "/usr/lib/libcuda.so.550.54.14".into(),
            host: "/usr/lib/libcuda.so.550.54.14".into(),
            no_exec: false,
        }];
        assert_eq!(mismatch(&mounts, Some("550.54.14")), None);
        assert_eq!(mismatch(&mounts, None), None);
        assert_eq!(mismatch(&[], Some("550.54.14")), None);
        let refusal = mismatch(&mounts, Some("560.35.03")).expect("refused");
        assert!(refusal.reason.contains("550.54.14") && refusal.reason.contains("560.35.03"));
    }

    #[test]
    fn a_nixos_host_gives_its_driver_and_the_store_that_it_leads_into() {
        let host = tempfile::tempdir().expect("a directory");
        let mut paths = Paths::default().with_hardware_below(host.path());
        assert_eq!(of_nixos(&paths, true).expect("read"), None);
        let driver = host.path().join("store/driver");
        std::fs::create_dir_all(driver.join("lib")).expect("made");
        std::fs::write(driver.join("lib/libcuda.so.550.54.14"), "").expect("written");
        std::fs::create_dir_all(paths.opengl_driver.parent().expect("a parent")).expect("made");
        std::os::unix::fs::symlink(&driver, &paths.opengl_driver).expect("a link");
        paths.nvidia_smi = driver.join("bin/nvidia-smi");
        let userspace = of_nixos(&paths, true).expect("read").expect("there");
        let driver = driver.canonicalize().expect("there");
        assert_eq!(userspace.mounts.len(), 1, "there is no nvidia-smi");
        assert_eq!(userspace.mounts[0].host, driver);
        assert_eq!(userspace.mounts[0].guest, Path::new("/run/opengl-driver"));
        assert!(mismatch(&userspace.mounts, Some("550.54.14")).is_none());
        assert!(mismatch(&userspace.mounts, Some("535.1")).is_some());
    }
}
