//! Deletes a tree that a guest made, however it made it.
//!
//! A guest's root can nest directories deeper than anybody has descriptors or stack for. So nobody goes
//! down: a directory that is not empty is moved up, to stand beside the one it was in, and each is opened
//! from the top. No link is followed and no mount entered; both would lead out of the tree.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, Dir, Mode, OFlags, RenameFlags, ResolveFlags, openat2, renameat_with, unlinkat,
};
use rustix::io::Errno;

use crate::machine::root::FileError;

/// As many names as are read at a time: a directory may have more than fit into memory.
const NAMES: usize = 4096;

/// Deletes a file, or a directory with everything in it; nothing where there is none. It may be ended at
/// any instruction and begun again.
pub fn remove_tree(path: &Path) -> Result<(), FileError> {
    let error = |what| move |errno: Errno| FileError::new(what, path)(errno.into());
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        let invalid = io::Error::from(io::ErrorKind::InvalidInput);
        return Err(FileError::new("delete", path)(invalid));
    };
    // The way there is the host's own; the last name is where the guest's begins.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = match rustix::fs::open(parent, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        opened => opened.map_err(error("open the directory of"))?,
    };
    if remove_plain(&parent, name).map_err(error("delete"))? {
        return Ok(());
    }
    let top = open(&parent, name).map_err(error("open"))?;
    empty(&top).map_err(error("delete what is in"))?;
    unlinkat(&parent, name, AtFlags::REMOVEDIR).map_err(error("delete"))
}

/// Deletes a name that is no directory, or an empty one; `false` where it is a directory with something
/// in it.
fn remove_plain(at: &OwnedFd, name: &OsStr) -> Result<bool, Errno> {
    match unlinkat(at, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(true),
        Err(Errno::ISDIR) => {}
        Err(errno) => return Err(errno),
    }
    match unlinkat(at, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Empties a directory.
fn empty(top: &OwnedFd) -> Result<(), Errno> {
    let mut moved = 0;
    loop {
        let names = names(top)?;
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            let name = OsStr::from_bytes(name.as_bytes());
            if !remove_plain(top, name)? {
                let directory = open(top, name)?;
                raise(top, &directory, &mut moved)?;
                unlinkat(top, name, AtFlags::REMOVEDIR)?;
            }
        }
    }
}

/// Empties a directory of the top: what is in it and is not empty is moved there.
fn raise(top: &OwnedFd, directory: &OwnedFd, moved: &mut u64) -> Result<(), Errno> {
    loop {
        let names = names(directory)?;
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            let name = OsStr::from_bytes(name.as_bytes());
            while !remove_plain(directory, name)? {
                *moved += 1;
                let fresh = format!(".deleted-{moved}");
                match renameat_with(directory, name, top, &fresh, RenameFlags::NOREPLACE) {
                    Ok(()) => break,
                    // One that an earlier beginning left, or the guest's own.
                    Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno),
                }
            }
        }
    }
}

fn names(directory: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
        if names.len() == NAMES {
            break;
        }
    }
    Ok(names)
}

fn open(at: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    openat2(
        at,
        name,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH
            | ResolveFlags::NO_XDEV
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS,
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};

    use super::remove_tree;

    #[test]
    fn nothing_is_too_deep_and_no_link_leads_out() {
        let outside = tempfile::tempdir().expect("a directory");
        fs::write(outside.path().join("kept"), "").expect("written");
        let place = tempfile::tempdir().expect("a directory");
        let top = place.path().join("top");
        fs::create_dir(&top).expect("made");
        symlink(outside.path(), top.join("link")).expect("a link");
        // A name that deleting makes use of itself.
        fs::create_dir_all(top.join(".deleted-1/in")).expect("made");
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let mut here = openat(CWD, &top, flags, Mode::empty()).expect("open");
        // Deeper than a process has descriptors, and than any path can be.
        for _ in 0..5000 {
            mkdirat(&here, "deep", Mode::RWXU).expect("made");
            rustix::fs::symlinkat(outside.path(), &here, "out").unwrap_or(());
            here = openat(&here, "deep", flags, Mode::empty()).expect("open");
        }
        drop(here);
        remove_tree(&top).expect("deleted");
        assert!(!top.exists());
        assert!(outside.path().join("kept").exists(), "a link was followed");
        remove_tree(&top).expect("nothing is there");
    }

    #[test]
    fn a_directory_with_many_names_goes_too() {
        let place = tempfile::tempdir().expect("a directory");
        let top: PathBuf = place.path().join("top");
        for number in 0..5000 {
            fs::create_dir_all(top.join(format!("wide/{number}"))).expect("made");
        }
        fs::write(top.join("wide/7/file"), "").expect("written");
        remove_tree(&top).expect("deleted");
        assert!(!top.exists());
    }

    #[test]
    fn the_target_of_a_link_stays() {
        let place = tempfile::tempdir().expect("a directory");
        let target = place.path().join("target");
        fs::create_dir(&target).expect("made");
        let link = place.path().join("link");
        symlink(&target, &link).expect("a link");
        remove_tree(&link).expect("deleted");
        assert!(target.exists() && link.symlink_metadata().is_err());
    }
}
