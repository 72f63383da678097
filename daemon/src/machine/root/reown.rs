//! Gives every file of a tree that a guest has written to other owners.
//!
//! It may be ended at any instruction and begun again: an id says by itself whether it has been
//! shifted, and what the kernel takes off a file that changes its owner is noted on the file before.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, XattrFlags, chmod, chownat, fstat,
    getxattr, openat2, removexattr, setxattr,
};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use super::FileError;
use super::shift::Shift;
use crate::os::failpoint;

/// The mode and then the capabilities that a file gets back when it has its new owner. Only root of
/// the host can write an attribute of this kind (xattr(7), "Trusted extended attributes").
const NOTE: &str = "trusted.ctr.restore";
const CAPABILITY: &str = "security.capability";
const ACLS: [&str; 2] = ["system.posix_acl_access", "system.posix_acl_default"];
/// Setuid and setgid.
const SET_ID: u32 = 0o6000;

/// A directory, and the names in it that are still to be done.
struct Listing {
    directory: OwnedFd,
    path: PathBuf,
    names: Vec<OsString>,
}

/// Shifts the owners of everything below a directory, not its own. Files of `kept_group` keep that.
///
/// Every name is opened where it stands, no link is followed and no mount entered.
pub(super) fn reown(
    top: OwnedFd,
    path: &Path,
    shift: Shift,
    kept_group: Option<u32>,
) -> Result<(), FileError> {
    let mut open = vec![list(top, path.to_owned())?];
    while let Some(here) = open.last_mut() {
        let Some(name) = here.names.pop() else {
            open.pop();
            continue;
        };
        let path = here.path.join(&name);
        let file = openat2(
            &here.directory,
            &name,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::BENEATH
                | ResolveFlags::NO_XDEV
                | ResolveFlags::NO_SYMLINKS
                | ResolveFlags::NO_MAGICLINKS,
        )
        .map_err(|errno| FileError::new("open", &path)(errno.into()))?;
        let stat = fstat(&file).map_err(|errno| FileError::new("look at", &path)(errno.into()))?;
        give(&file, &stat, shift, kept_group, &path)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            open.push(list(file, path)?);
        }
    }
    Ok(())
}

fn list(directory: OwnedFd, path: PathBuf) -> Result<Listing, FileError> {
    let error = |errno: Errno| FileError::new("list", &path)(errno.into());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let readable = rustix::fs::openat(&directory, ".", flags, Mode::empty()).map_err(error)?;
    let mut names = Vec::new();
    for entry in Dir::new(readable).map_err(error)? {
        let name = entry.map_err(error)?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    Ok(Listing {
        directory,
        path,
        names,
    })
}

fn give(
    file: &OwnedFd,
    stat: &Stat,
    shift: Shift,
    kept_group: Option<u32>,
    path: &Path,
) -> Result<(), FileError> {
    let error = |what: &'static str| {
        let path = path.to_owned();
        move |errno: Errno| FileError::new(what, &path)(errno.into())
    };
    let kind = FileType::from_raw_mode(stat.st_mode);
    // The one name of an open file that leads to it whatever its path is now (proc_pid_fd(5)).
    let itself = format!("/proc/self/fd/{}", file.as_raw_fd());
    if matches!(kind, FileType::RegularFile | FileType::Directory) {
        for name in ACLS {
            let Some(acl) = attribute(&itself, name).map_err(error("read the access list of"))?
            else {
                continue;
            };
            let shifted = shift.acl(&acl);
            if shifted != acl {
                setxattr(&itself, name, &shifted, XattrFlags::empty())
                    .map_err(error("write the access list of"))?;
                failpoint("access list shifted");
            }
        }
    }
    let uid = shift.id(stat.st_uid);
    let gid = if Some(stat.st_gid) == kept_group {
        stat.st_gid
    } else {
        shift.id(stat.st_gid)
    };
    let changes = (uid, gid) != (stat.st_uid, stat.st_gid);
    let mut note = None;
    if kind == FileType::RegularFile {
        note = attribute(&itself, NOTE).map_err(error("read the note on"))?;
        if note.is_none() && changes {
            let capability =
                attribute(&itself, CAPABILITY).map_err(error("read the capabilities of"))?;
            if capability.is_some() || stat.st_mode & SET_ID != 0 {
                let mut fresh = (stat.st_mode & 0o7777).to_le_bytes().to_vec();
                fresh.extend(shift.capability(&capability.unwrap_or_default()));
                setxattr(&itself, NOTE, &fresh, XattrFlags::empty())
                    .map_err(error("write the note on"))?;
                failpoint("mode noted");
                note = Some(fresh);
            }
        }
    }
    if changes {
        chownat(
            file,
            "",
            Some(Uid::from_raw(uid)),
            Some(Gid::from_raw(gid)),
            AtFlags::EMPTY_PATH,
        )
        .map_err(error("give an owner to"))?;
        failpoint("owner shifted");
    }
    if let Some((mode, capability)) = note.as_deref().and_then(<[u8]>::split_first_chunk::<4>) {
        if !capability.is_empty() {
            setxattr(&itself, CAPABILITY, capability, XattrFlags::empty())
                .map_err(error("write the capabilities of"))?;
            failpoint("capabilities shifted");
        }
        let mode = Mode::from_raw_mode(u32::from_le_bytes(*mode) & 0o7777);
        chmod(&itself, mode).map_err(error("set the mode of"))?;
        failpoint("mode restored");
        removexattr(&itself, NOTE).map_err(error("remove the note on"))?;
    }
    Ok(())
}

/// The largest value of any of these is far below this (xattr(7)).
const LARGEST: usize = 65_536;

fn attribute(file: &str, name: &str) -> rustix::io::Result<Option<Vec<u8>>> {
    let mut value = vec![0; LARGEST];
    match getxattr(file, name, &mut value[..]) {
        Ok(length) => {
            value.truncate(length);
            Ok(Some(value))
        }
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use super::{NOTE, attribute, reown};
    use crate::machine::root::UidBase;
    use crate::machine::root::host_path::open_host;
    use crate::machine::root::shift::Shift;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    use std::path::Path;

    const BASE: u32 = 524_288;

    fn run(top: &Path, into: bool) {
        let base = UidBase::new(BASE).expect("a base");
        let opened = open_host(top).expect("there");
        reown(opened.file, top, Shift { base, into }, None).expect("given");
    }

    fn look(path: &Path) -> (u32, u32, u32) {
        let it = std::fs::symlink_metadata(path).expect("there");
        (it.uid(), it.gid(), it.mode() & 0o7777)
    }

    #[test]
    fn every_owner_and_mode_goes_there_and_back_and_no_link_is_followed() {
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        let outside = tempfile::tempdir().expect("a directory");
        let place = tempfile::tempdir().expect("a directory");
        let at = |name: &str| place.path().join(name);
        std::fs::create_dir(at("deep")).expect("made");
        for (name, owner, mode) in [("plain", 0, 0o640), ("deep/set", 33, 0o6755)] {
            std::fs::write(at(name), "").expect("written");
            chown(at(name), Some(owner), Some(owner)).expect("given");
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).expect("set");
        }
        symlink(outside.path(), at("deep/link")).expect("a link");
        std::fs::hard_link(at("plain"), at("deep/again")).expect("a second name");
        let stranger = at("stranger");
        std::fs::write(&stranger, "").expect("written");
        chown(&stranger, Some(70_000), Some(70_000)).expect("given");

        run(place.path(), true);
        assert_eq!(look(&at("plain")), (BASE, BASE, 0o640));
        assert_eq!(look(&at("deep/again")), (BASE, BASE, 0o640));
        assert_eq!(look(&at("deep/set")), (BASE + 33, BASE + 33, 0o6755));
        assert_eq!(look(&at("deep/link")).0, BASE);
        assert_eq!(look(&stranger).0, 70_000);
        assert_eq!(look(outside.path()).0, 0, "a link was followed");
        run(place.path(), true);
        assert_eq!(look(&at("deep/set")), (BASE + 33, BASE + 33, 0o6755));

        run(place.path(), false);
        assert_eq!(look(&at("plain")), (0, 0, 0o640));
        assert_eq!(look(&at("deep/set")), (33, 33, 0o6755));
    }

    #[test]
    fn what_an_end_between_two_steps_took_off_a_file_comes_back() {
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        let place = tempfile::tempdir().expect("a directory");
        let file = place.path().join("set");
        std::fs::write(&file, "").expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o4755)).expect("set");
        // As it is when ctrd ends right after the change of the owner.
        let note = 0o4755_u32.to_le_bytes();
        rustix::fs::setxattr(&file, NOTE, &note, rustix::fs::XattrFlags::empty()).expect("noted");
        chown(&file, Some(BASE), Some(BASE)).expect("given");
        assert_eq!(look(&file), (BASE, BASE, 0o755), "the kernel takes it off");
        run(place.path(), true);
        assert_eq!(look(&file), (BASE, BASE, 0o4755));
        let name = file.to_str().expect("text");
        assert_eq!(attribute(name, NOTE).expect("read"), None);
    }
}
