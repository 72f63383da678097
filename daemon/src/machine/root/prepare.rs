//! Makes a root ready for its guest, and takes it away again.

use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;

use crate::model::{Bind, Container, Program, Root, hex};
use crate::os::Paths;

use super::idmap::{UserNamespace, idmapped};
use super::mounts::{make_directory, mount_overlay, mounted, unmount};
use super::{UidBase, drop_layer, passwd};
use crate::machine::command_line::{NIXOS_PROFILE, root_directory};

/// A root could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The file system said no.
    #[error("failed to {what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
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
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
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
            Self::NoSuchUser { .. } => {
                Some("declare the `owner` by number, or make the user in the root".to_owned())
            }
            Self::Io { .. } => None,
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
        drop_layer(&state).map_err(|error| RootError::Io {
            what: "drop the layer in",
            path: state.clone(),
            source: io::Error::other(error),
        })?;
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
    Ok(())
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
        drop_layer(state).map_err(|error| RootError::Io {
            what: "drop the layer in",
            path: state.to_owned(),
            source: io::Error::other(error),
        })?;
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

/// What must stand in a root before its init runs.
fn first_files(container: &Container, root: &Path, base: Option<UidBase>) -> Result<(), RootError> {
    // nspawn binds over these; a link that the guest has put there would be followed inside the
    // guest only, but a plain file says what is meant.
    for name in ["etc/hosts", "etc/resolv.conf"] {
        plain_file(root, name, base)?;
    }
    if let Program::Boot { .. } = container.program {
        let id = machine_id(container.machine.as_str());
        write_inside(root, "etc/machine-id", &format!("{id}\n"), base)?;
        if let Root::Tree(_) = container.root {
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
        }
    }
    Ok(())
}

/// A machine id for a machine of this host: the same as long as host and name are.
///
/// machine-id(5) asks that a program derive its own ids by hashing the host's with a key.
fn machine_id(machine: &str) -> String {
    use sha2::{Digest, Sha256};
    let host = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let hash = Sha256::digest(format!("ctr\0{}\0{machine}", host.trim()).as_bytes());
    let mut bytes: [u8; 16] = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    // A version 4 UUID, as machine-id(5) wants.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    hex(&bytes)
}

/// Opens a path inside a root that a guest has written to: no link leads out of it (openat2(2),
/// `RESOLVE_IN_ROOT`).
fn open_inside(root: &Path, path: &Path, flags: OFlag) -> Result<OwnedFd, RootError> {
    let directory = fs::File::open(root).map_err(RootError::io("open", root))?;
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .mode(if flags.contains(OFlag::O_CREAT) {
            Mode::from_bits_truncate(0o644)
        } else {
            Mode::empty()
        })
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    openat2(&directory, path, how)
        .map_err(|errno| RootError::io("open", &root.join(path))(errno.into()))
}

fn give(file: &OwnedFd, base: Option<UidBase>, path: &Path) -> Result<(), RootError> {
    let id = base.map_or(0, UidBase::get);
    std::os::unix::fs::fchown(file, Some(id), Some(id))
        .map_err(RootError::io("give an owner to", path))
}

fn directory_inside(root: &Path, name: &str, base: Option<UidBase>) -> Result<(), RootError> {
    let path = Path::new(name);
    if open_inside(root, path, OFlag::O_DIRECTORY | OFlag::O_PATH).is_ok() {
        return Ok(());
    }
    let parent = open_inside(
        root,
        path.parent().unwrap_or(Path::new("")),
        OFlag::O_DIRECTORY | OFlag::O_RDONLY,
    )?;
    let file_name = path.file_name().unwrap_or_default();
    nix::sys::stat::mkdirat(&parent, file_name, Mode::from_bits_truncate(0o755))
        .map_err(|errno| RootError::io("make", &root.join(path))(errno.into()))?;
    let made = open_inside(root, path, OFlag::O_DIRECTORY | OFlag::O_RDONLY)?;
    give(&made, base, path)
}

fn write_inside(
    root: &Path,
    name: &str,
    text: &str,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    let path = Path::new(name);
    if let Ok(now) = open_inside(
        root,
        path,
        OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK,
    ) {
        let mut content = String::new();
        let mut bounded = io::Read::take(fs::File::from(now), 4096);
        if io::Read::read_to_string(&mut bounded, &mut content).is_ok() && content == text {
            return Ok(());
        }
    }
    replace_inside(root, path, text, base)
}

fn plain_file(root: &Path, name: &str, base: Option<UidBase>) -> Result<(), RootError> {
    let path = Path::new(name);
    let file = open_inside(root, path, OFlag::O_PATH | OFlag::O_NOFOLLOW).and_then(|file| {
        fs::File::from(file)
            .metadata()
            .map_err(RootError::io("look at", path))
    });
    match file {
        Ok(metadata) if metadata.is_file() => Ok(()),
        _ => replace_inside(root, path, "", base),
    }
}

/// Puts a new file in the place of whatever stands there.
fn replace_inside(
    root: &Path,
    path: &Path,
    text: &str,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    let parent = open_inside(
        root,
        path.parent().unwrap_or(Path::new("")),
        OFlag::O_DIRECTORY | OFlag::O_RDONLY,
    )?;
    let name = path.file_name().unwrap_or_default();
    match nix::unistd::unlinkat(&parent, name, nix::unistd::UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(nix::errno::Errno::ENOENT) => {}
        Err(errno) => return Err(RootError::io("replace", &root.join(path))(errno.into())),
    }
    let how = OpenHow::new()
        .flags(
            OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
        )
        .mode(Mode::from_bits_truncate(0o644))
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let file = openat2(&parent, name, how)
        .map_err(|errno| RootError::io("make", &root.join(path))(errno.into()))?;
    give(&file, base, path)?;
    fs::File::from(file)
        .write_all(text.as_bytes())
        .map_err(RootError::io("write", &root.join(path)))
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
        let users = UserNamespace::new(base).map_err(RootError::UserNamespace)?;
        // Tried and dropped: nspawn's own message would name neither the reason nor the way out.
        idmapped(&bind.host, &users).map_err(|source| RootError::CannotBeIdmapped {
            path: bind.host.clone(),
            source,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{machine_id, write_inside};

    #[test]
    fn a_machine_id_is_a_version_4_uuid_and_stays() {
        let id = machine_id("ml-ollama");
        assert_eq!(id.len(), 32);
        assert_eq!(&id[12..13], "4");
        assert_eq!(id, machine_id("ml-ollama"));
        assert_ne!(id, machine_id("ml-jupyter"));
    }

    #[test]
    fn a_link_that_a_guest_left_leads_nowhere_outside() {
        let outside = tempfile::tempdir().expect("a directory");
        let root = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink(outside.path(), root.path().join("etc")).expect("a link");
        assert!(write_inside(root.path(), "etc/machine-id", "x", None).is_err());
        assert_eq!(
            std::fs::read_dir(outside.path()).expect("listed").count(),
            0
        );
    }
}
