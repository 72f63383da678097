//! Makes a root ready for its guest, and takes it away again.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::model::{Bind, Container, Program, Root};
use crate::os::Paths;

use super::idmap::{UserNamespace, idmapped};
use super::inside::{directory_inside, open_inside, plain_file, write_inside};
use super::machine_id::machine_id;
use super::mounts::{make_directory, mount_overlay, mounted, mounts_below, unmount};
use super::{FileError, StateError, UidBase, drop_layer, passwd};
use crate::machine::command_line::{NIXOS_PROFILE, root_directory};

/// A root could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The file system said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// The machine's state said no.
    #[error(transparent)]
    State(#[from] StateError),
    /// The declared root is not there.
    #[error("the root {path} does not exist")]
    MissingRoot {
        /// The declared path.
        path: PathBuf,
    },
    /// The declared root is there and is no root.
    #[error("the root {path} has no {missing}: it is no system")]
    NoSystem {
        /// The declared path.
        path: PathBuf,
        /// What is missing in it.
        missing: &'static str,
    },
    /// A bind's source is not there.
    #[error("{path}, which is bound into the container, does not exist")]
    MissingBind {
        /// The path on the host.
        path: PathBuf,
    },
    /// The kernel refuses user namespaces.
    #[error("failed to make a user namespace")]
    UserNamespace(#[source] io::Error),
    /// The file system cannot shift owners.
    #[error("the file system of {path} cannot be idmapped")]
    CannotBeIdmapped {
        /// The path on the host.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A bind's source has another mount below it.
    #[error("{path} is bound into the container and has {below} mounted below it")]
    MountBelow {
        /// The path on the host.
        path: PathBuf,
        /// What is mounted below it.
        below: PathBuf,
    },
    /// A declared user is not in the guest.
    #[error("the guest has no user `{user}`, who should own {path}")]
    NoSuchUser {
        /// The user's name.
        user: String,
        /// The path on the host.
        path: PathBuf,
    },
}

impl RootError {
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let error = FileError::new(what, path);
        move |source| Self::File(error(source))
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::MissingRoot { .. } => Some("make it, or declare another `root`".to_owned()),
            Self::NoSystem { .. } => Some("declare the top of a system's tree".to_owned()),
            Self::MissingBind { path } => Some(format!(
                "make {}, or declare `create = true` for the bind",
                path.display()
            )),
            Self::UserNamespace(_) => Some(
                "set the sysctl user.max_user_namespaces above 0, or declare `users = \"host\"`"
                    .to_owned(),
            ),
            Self::CannotBeIdmapped { .. } => Some(
                "move it to ext4, xfs, btrfs or tmpfs, or declare `users = \"host\"`".to_owned(),
            ),
            Self::MountBelow { below, .. } => Some(format!(
                "bind {} by itself instead, or declare `users = \"host\"`",
                below.display()
            )),
            Self::NoSuchUser { .. } => {
                Some("declare the `owner` by number, or make the user in the root".to_owned())
            }
            Self::File(_) | Self::State(_) => None,
        }
    }
}

/// Makes the root ready: layers mounted, the machine id written, binds there.
pub fn prepare(
    container: &Container,
    paths: &Paths,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    let state = paths.machine_state(&container.machine);
    let target = root_directory(container, paths);
    if container.ephemeral && !mounted(&target).map_err(RootError::io("look at", &target))? {
        drop_layer(&state)?;
    }
    match &container.root {
        Root::Tree(tree) => {
            require(tree, "usr")?;
            if !mounted(&target).map_err(RootError::io("look at", &target))? {
                mount_overlay(tree, &state, &target, base)?;
            }
            first_files(container, &target, base)?;
        }
        Root::Directory(directory) => require(directory, "usr")?,
        Root::Nixos(system) => {
            require(system, "init")?;
            nixos_root(system, &target, base)?;
            first_files(container, &target, base)?;
        }
    }
    for bind in &container.binds {
        prepare_bind(bind, &target, base)?;
    }
    if let Program::Boot { .. } = container.program {
        journal_directory(&paths.journal, &machine_id(&container.machine), base)?;
    }
    Ok(())
}

/// Where the guest's journal stands on the host, so that it outlives the guest. It is bound as it
/// is, so the guest's root owns it; its group is the host's journal's: who may read that reads this.
///
/// A host without a persistent journal has none.
fn journal_directory(journal: &Path, id: &str, base: Option<UidBase>) -> Result<(), RootError> {
    let group = match fs::metadata(journal) {
        Ok(metadata) => metadata.gid(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(RootError::io("look at", journal)(error)),
    };
    let path = journal.join(id);
    make_directory(&path, 0o755, None)?;
    chown(&path, Some(base.map_or(0, UidBase::get)), Some(group))
        .map_err(RootError::io("give an owner to", &path))?;
    let mode = fs::Permissions::from_mode(0o2755);
    fs::set_permissions(&path, mode).map_err(RootError::io("set the mode of", &path))
}

/// Takes a root's mounts away; its state stays, unless the container is ephemeral.
pub fn release(root: &Path, state: &Path, ephemeral: bool) -> Result<(), RootError> {
    unmount(root)?;
    match fs::remove_dir(root) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(RootError::io("remove", root)(error)),
    }
    if ephemeral {
        drop_layer(state)?;
    }
    Ok(())
}

fn require(path: &Path, inside: &'static str) -> Result<(), RootError> {
    match fs::metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(RootError::MissingRoot {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(RootError::io("look at", path)(error)),
    }
    match fs::symlink_metadata(path.join(inside)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(RootError::NoSystem {
            path: path.to_owned(),
            missing: inside,
        }),
        Err(error) => Err(RootError::io("look at", path)(error)),
    }
}

/// A nearly empty root: the system's own activation fills it, from the store.
fn nixos_root(system: &Path, root: &Path, base: Option<UidBase>) -> Result<(), RootError> {
    make_directory(root, 0o755, base)?;
    // nspawn refuses a tree without /usr; the rest is where it mounts, and what an activation
    // expects to be there.
    for directory in [
        "usr",
        "etc",
        "nix/store",
        "nix/var/nix/profiles",
        "var/log",
        "root",
        "tmp",
    ] {
        let mut path = root.to_owned();
        for part in Path::new(directory) {
            path.push(part);
            if fs::symlink_metadata(&path).is_err() {
                make_directory(&path, 0o755, base)?;
            }
        }
    }
    let profile = NIXOS_PROFILE.trim_start_matches('/');
    let (parent, name) = profile.rsplit_once('/').unwrap_or(("", profile));
    let directory = open_inside(root, Path::new(parent), OFlag::O_DIRECTORY | OFlag::O_PATH)?;
    let directory_path = PathBuf::from(format!(
        "/proc/self/fd/{}",
        std::os::fd::AsRawFd::as_raw_fd(&directory)
    ));
    let link = directory_path.join(name);
    if fs::read_link(&link).is_ok_and(|now| now == system) {
        return Ok(());
    }
    let fresh = directory_path.join(format!(".{name}.new"));
    let _ = fs::remove_file(&fresh);
    symlink(system, &fresh).map_err(RootError::io("make", &fresh))?;
    fs::rename(&fresh, &link).map_err(RootError::io("name", &link))
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

fn prepare_bind(bind: &Bind, root: &Path, base: Option<UidBase>) -> Result<(), RootError> {
    match fs::metadata(&bind.host) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && bind.create => {
            make_directory(&bind.host, 0o755, None)?;
            if let Some(owner) = &bind.owner {
                let (uid, gid) =
                    passwd::resolve(root, owner).ok_or_else(|| RootError::NoSuchUser {
                        user: owner.clone(),
                        path: bind.host.clone(),
                    })?;
                // The bind is idmapped, so an id of the guest is the same number on the host's disk.
                chown(&bind.host, Some(uid), Some(gid))
                    .map_err(RootError::io("give an owner to", &bind.host))?;
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(RootError::MissingBind {
                path: bind.host.clone(),
            });
        }
        Err(error) => return Err(RootError::io("look at", &bind.host)(error)),
    }
    if let Some(base) = base {
        // nspawn cannot idmap what has another mount below it.
        let below = mounts_below(&bind.host).map_err(RootError::io("look below", &bind.host))?;
        if let Some(below) = below.into_iter().next() {
            return Err(RootError::MountBelow {
                path: bind.host.clone(),
                below,
            });
        }
        let users = UserNamespace::new(base).map_err(RootError::UserNamespace)?;
        // Tried and dropped: nspawn's own message would name neither the reason nor the way out.
        idmapped(&bind.host, &users).map_err(|source| RootError::CannotBeIdmapped {
            path: bind.host.clone(),
            source,
        })?;
    }
    Ok(())
}
