//! Binds: each is a mount of ctrd's own, made of what was opened and judged, and attached where
//! nspawn finds it. Decision 0012 has the reasons.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::unistd::User;

use crate::model::{Bind, Container, MachineName};
use crate::os::{Paths, failpoint};

use super::host_path::{HostPathError, Opened, make_host_directory, open_as_far, open_host};
use super::idmap::{UserNamespace, attach, copy_of, set};
use super::mounts::{make_mount_point, mounts_below, private_directory, unmount};
use super::ownership::{FOREIGN, IdMap, Mapping, Ownership, mapping};
use super::{RootError, UidBase, passwd};

/// Makes the mounts of a container's binds, afresh: no guest of it runs. `root` is where its users are
/// looked up.
pub(super) fn attach_binds(
    container: &Container,
    paths: &Paths,
    root: &Path,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    detach_binds(paths, &container.machine)?;
    if container.binds.is_empty() {
        return Ok(());
    }
    let directory = paths.machine_binds(&container.machine);
    private_directory(&paths.binds())?;
    private_directory(&directory)?;
    for (index, bind) in container.binds.iter().enumerate() {
        let guest = guest_user(bind, Some(root))?;
        let source = source(bind, guest)?;
        let mapping = judge(bind, &source, guest, base)?;
        let tree = detached(bind, &source, mapping)?;
        let target = directory.join(index.to_string());
        make_mount_point(&target, source.is_directory())?;
        failpoint("bind's mount point made");
        attach(&tree, &target).map_err(RootError::io("mount", &target))?;
        failpoint("bind mounted");
    }
    Ok(())
}

/// Whether the binds of a container could be made. Nothing is made, and a user of the guest that
/// cannot be looked up because there is no root yet is taken to be there.
pub(super) fn try_binds(
    container: &Container,
    root: Option<&Path>,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    for bind in &container.binds {
        let guest = guest_user(bind, root)?;
        let (found, whole) = open_as_far(&bind.host)?;
        if whole {
            let mapping = judge(bind, &found, guest, base)?;
            detached(bind, &found, mapping)?;
        } else if bind.create {
            let (uid, gid) = owner_of_new(bind, guest)?;
            let mapping = decide(bind, uid, gid, guest, base)?;
            shifted(bind, &found, mapping, false)?;
        } else {
            return Err(RootError::MissingBind {
                path: bind.host.clone(),
            });
        }
    }
    Ok(())
}

/// Takes the mounts of a container's binds away; that there are none is no failure.
pub(super) fn detach_binds(paths: &Paths, machine: &MachineName) -> Result<(), RootError> {
    detach_below(&paths.machine_binds(machine))
}

/// Takes away each mount in a directory of mount points of ours, and the directory.
pub(super) fn detach_below(directory: &Path) -> Result<(), RootError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(RootError::io("list", directory)(error)),
    };
    for entry in entries {
        let path = entry.map_err(RootError::io("list", directory))?.path();
        unmount(&path)?;
        failpoint("bind unmounted");
        // Never what is in it: where something is still mounted, these fail.
        let removed = match fs::remove_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => fs::remove_file(&path),
            other => other,
        };
        removed.map_err(RootError::io("remove", &path))?;
        failpoint("bind's mount point removed");
    }
    fs::remove_dir(directory).map_err(RootError::io("remove", directory))
}

/// Whether a container has mounts of binds, or what is left of them.
pub(super) fn binds_attached(paths: &Paths, machine: &MachineName) -> io::Result<bool> {
    fs::exists(paths.machine_binds(machine))
}

/// The user and group of the guest that stand for the owner.
fn guest_user(bind: &Bind, root: Option<&Path>) -> Result<(u32, u32), RootError> {
    let Some(owner) = &bind.owner else {
        return Ok((0, 0));
    };
    let found = match (root, owner.parse::<u32>()) {
        (Some(root), _) => passwd::resolve(root, owner),
        (None, Ok(number)) => Some((number, number)),
        (None, Err(_)) => Some((0, 0)),
    };
    found
        .filter(|(uid, gid)| *uid.max(gid) < UidBase::RANGE)
        .ok_or_else(|| RootError::NoSuchUser {
            user: owner.clone(),
            path: bind.host.clone(),
        })
}

fn source(bind: &Bind, guest: (u32, u32)) -> Result<Opened, RootError> {
    match open_host(&bind.host) {
        Err(HostPathError::Missing { path }) if !bind.create => {
            Err(RootError::MissingBind { path })
        }
        Err(HostPathError::Missing { path }) => {
            let (uid, gid) = owner_of_new(bind, guest)?;
            Ok(make_host_directory(&path, uid, gid)?)
        }
        other => Ok(other?),
    }
}

/// Who owns a directory that `create` makes.
fn owner_of_new(bind: &Bind, guest: (u32, u32)) -> Result<(u32, u32), RootError> {
    match &bind.host_owner {
        Some(name) => {
            let (uid, group) = host_user(name, bind)?;
            Ok((uid, group.unwrap_or(uid)))
        }
        None => Ok((FOREIGN + guest.0, FOREIGN + guest.1)),
    }
}

fn judge(
    bind: &Bind,
    source: &Opened,
    guest: (u32, u32),
    base: Option<UidBase>,
) -> Result<Mapping, RootError> {
    decide(bind, source.stat.st_uid, source.stat.st_gid, guest, base)
}

fn decide(
    bind: &Bind,
    uid: u32,
    gid: u32,
    guest: (u32, u32),
    base: Option<UidBase>,
) -> Result<Mapping, RootError> {
    let host_owner = bind.host_owner.as_ref();
    let host_owner = host_owner.map(|name| host_user(name, bind)).transpose()?;
    let account = User::from_uid(uid.into())
        .map_err(|errno| RootError::io("look up the owner of", &bind.host)(errno.into()))?;
    Ok(mapping(
        &Ownership {
            path: &bind.host,
            uid,
            gid,
            primary_group: account.map(|user| user.gid.as_raw()),
            read_only: bind.read_only,
            host_owner: host_owner.map(|(uid, _)| uid),
            guest,
        },
        base,
    )?)
}

/// A user of the host by name or number, and the primary group where there is an account.
fn host_user(name: &str, bind: &Bind) -> Result<(u32, Option<u32>), RootError> {
    let number = name.parse::<u32>().ok();
    let account = match number {
        Some(uid) => User::from_uid(uid.into()),
        None => User::from_name(name),
    };
    let account = account
        .map_err(|errno| RootError::io("look up the `host-owner` of", &bind.host)(errno.into()))?;
    match (account, number) {
        (Some(user), _) => Ok((user.uid.as_raw(), Some(user.gid.as_raw()))),
        (None, Some(uid)) => Ok((uid, None)),
        (None, None) => Err(RootError::NoHostUser {
            user: name.to_owned(),
            path: bind.host.clone(),
        }),
    }
}

/// What the guest will see: a copy of the source, with all that is mounted below it.
fn detached(bind: &Bind, source: &Opened, mapping: Mapping) -> Result<OwnedFd, RootError> {
    shifted(bind, source, mapping, true)
}

fn shifted(
    bind: &Bind,
    source: &Opened,
    mapping: Mapping,
    all: bool,
) -> Result<OwnedFd, RootError> {
    let tree =
        copy_of(&source.file, all).map_err(RootError::io("copy the mount of", &bind.host))?;
    let plain = |tree: OwnedFd| {
        set(&tree, None, bind.read_only)
            .map_err(RootError::io("set up the mount of", &bind.host))?;
        Ok(tree)
    };
    let Mapping::Shifted {
        users,
        groups,
        or_plain,
    } = mapping
    else {
        return plain(tree);
    };
    let users = namespace(users, groups)?;
    match set(&tree, Some(&users), bind.read_only) {
        Ok(()) => Ok(tree),
        Err(_) if or_plain => plain(tree),
        Err(error) => Err(blame(&bind.host, source, &users, error)),
    }
}

fn namespace(users: IdMap, groups: IdMap) -> Result<UserNamespace, RootError> {
    UserNamespace::new(&[users], &[groups]).map_err(RootError::UserNamespace)
}

/// Which of the mounts it is that cannot be idmapped: the source's own, or one below it.
pub(super) fn blame(
    declared: &Path,
    source: &Opened,
    users: &UserNamespace,
    error: io::Error,
) -> RootError {
    let can = |opened: &Opened| {
        copy_of(&opened.file, false)
            .and_then(|tree| set(&tree, Some(users), false))
            .is_ok()
    };
    let below = if can(source) {
        mounts_below(&source.path).unwrap_or_default()
    } else {
        Vec::new()
    };
    let culprit = below
        .into_iter()
        .find(|below| open_host(below).is_ok_and(|opened| !can(&opened)));
    match culprit {
        Some(below) => RootError::MountBelow {
            path: declared.to_owned(),
            below,
        },
        None => RootError::CannotBeIdmapped {
            path: declared.to_owned(),
            source: error,
        },
    }
}
