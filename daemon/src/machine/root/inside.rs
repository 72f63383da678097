//! Files inside a root that a guest has written to. No path of the guest leads out of it.

use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;

use super::{RootError, UidBase};
use crate::os::failpoint;

/// Opens a path inside a root that a guest has written to: no link leads out of it (openat2(2),
/// `RESOLVE_IN_ROOT`).
pub(super) fn open_inside(root: &Path, path: &Path, flags: OFlag) -> Result<OwnedFd, RootError> {
    let directory = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
        .open(root)
        .map_err(RootError::io("open", root))?;
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .mode(if flags.contains(OFlag::O_CREAT) {
            Mode::from_bits_truncate(0o644)
        } else {
            Mode::empty()
        })
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    // The root itself.
    let name = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    openat2(&directory, name, how)
        .map_err(|errno| RootError::io("open", &root.join(path))(errno.into()))
}

/// The directory that a path inside a root is in.
fn parent_inside(root: &Path, path: &Path) -> Result<OwnedFd, RootError> {
    let parent = path.parent().unwrap_or(Path::new(""));
    open_inside(root, parent, OFlag::O_DIRECTORY | OFlag::O_RDONLY)
}

fn give(file: &OwnedFd, base: Option<UidBase>, path: &Path) -> Result<(), RootError> {
    let id = base.map_or(0, UidBase::get);
    std::os::unix::fs::fchown(file, Some(id), Some(id))
        .map_err(RootError::io("give an owner to", path))
}

/// Gives an owner to what a crash left without one: what belongs to nobody in the guest is nothing
/// that the guest made.
fn give_if_unowned(file: OwnedFd, base: Option<UidBase>, path: &Path) -> Result<(), RootError> {
    let file = fs::File::from(file);
    let owner = file
        .metadata()
        .map_err(RootError::io("look at", path))?
        .uid();
    match base {
        Some(base) if !base.has(owner) => give(&file.into(), Some(base), path),
        _ => Ok(()),
    }
}

fn is_file(file: &OwnedFd) -> bool {
    nix::sys::stat::fstat(file).is_ok_and(|it| it.st_mode & libc::S_IFMT == libc::S_IFREG)
}

pub(super) fn directory_inside(
    root: &Path,
    name: &str,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    let path = Path::new(name);
    if let Ok(there) = open_inside(root, path, OFlag::O_DIRECTORY | OFlag::O_RDONLY) {
        return give_if_unowned(there, base, path);
    }
    let parent = parent_inside(root, path)?;
    let file_name = path.file_name().unwrap_or_default();
    // What stands there and is no directory is a file, or a link that leads nowhere in this root.
    remove_file(&parent, file_name, &root.join(path))?;
    nix::sys::stat::mkdirat(&parent, file_name, Mode::from_bits_truncate(0o755))
        .map_err(|errno| RootError::io("make", &root.join(path))(errno.into()))?;
    failpoint("directory inside made");
    let made = open_inside(root, path, OFlag::O_DIRECTORY | OFlag::O_RDONLY)?;
    give(&made, base, path)?;
    failpoint("directory inside owned");
    Ok(())
}

pub(super) fn write_inside(
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

pub(super) fn plain_file(root: &Path, name: &str, base: Option<UidBase>) -> Result<(), RootError> {
    let path = Path::new(name);
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    if let Ok(file) = open_inside(root, path, flags)
        && is_file(&file)
    {
        return give_if_unowned(file, base, path);
    }
    replace_inside(root, path, "", base)
}

fn remove_file(parent: &OwnedFd, name: &std::ffi::OsStr, path: &Path) -> Result<(), RootError> {
    match nix::unistd::unlinkat(parent, name, nix::unistd::UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(nix::errno::Errno::ENOENT) => {
            failpoint("old file inside removed");
            Ok(())
        }
        Err(errno) => Err(RootError::io("replace", path)(errno.into())),
    }
}

/// Makes a symbolic link to `target`, in the place of whatever link or file stands there.
pub(super) fn link_inside(root: &Path, name: &str, target: &Path) -> Result<(), RootError> {
    let path = Path::new(name);
    let whole = root.join(path);
    let parent = parent_inside(root, path)?;
    let file_name = path.file_name().unwrap_or_default();
    let mut fresh = std::ffi::OsString::from(".");
    fresh.push(file_name);
    fresh.push(".new");
    // Left by a crash before it had its name.
    remove_file(&parent, &fresh, &whole)?;
    if nix::fcntl::readlinkat(&parent, file_name).is_ok_and(|now| Path::new(&now) == target) {
        return Ok(());
    }
    nix::unistd::symlinkat(target, &parent, fresh.as_os_str())
        .map_err(|errno| RootError::io("make", &whole)(errno.into()))?;
    failpoint("link inside made");
    nix::fcntl::renameat(&parent, fresh.as_os_str(), &parent, file_name)
        .map_err(|errno| RootError::io("name", &whole)(errno.into()))
}

/// Puts a new file in the place of whatever stands there.
fn replace_inside(
    root: &Path,
    path: &Path,
    text: &str,
    base: Option<UidBase>,
) -> Result<(), RootError> {
    let parent = parent_inside(root, path)?;
    let name = path.file_name().unwrap_or_default();
    remove_file(&parent, name, &root.join(path))?;
    let how = OpenHow::new()
        .flags(
            OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
        )
        .mode(Mode::from_bits_truncate(0o644))
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let file = openat2(&parent, name, how)
        .map_err(|errno| RootError::io("make", &root.join(path))(errno.into()))?;
    failpoint("file inside made");
    give(&file, base, path)?;
    failpoint("file inside owned");
    fs::File::from(file)
        .write_all(text.as_bytes())
        .map_err(RootError::io("write", &root.join(path)))?;
    failpoint("file inside written");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{directory_inside, link_inside, plain_file, write_inside};
    use crate::machine::root::UidBase;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_link_in_the_place_of_a_directory_is_replaced_by_one() {
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        let root = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(root.path().join("etc")).expect("a directory");
        let place = root.path().join("etc/systemd");
        std::os::unix::fs::symlink("/nowhere", &place).expect("a link");
        directory_inside(root.path(), "etc/systemd", None).expect("made");
        let made = std::fs::symlink_metadata(&place).expect("there");
        assert!(made.is_dir());
    }

    #[test]
    fn what_a_crash_left_without_its_owner_gets_one_and_a_guests_own_stays() {
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        let root = tempfile::tempdir().expect("a directory");
        let base = UidBase::new(524_288);
        std::fs::create_dir_all(root.path().join("etc/systemd")).expect("made");
        std::fs::write(root.path().join("etc/hosts"), "").expect("made");
        std::fs::write(root.path().join("etc/resolv.conf"), "").expect("made");
        let theirs = root.path().join("etc/resolv.conf");
        std::os::unix::fs::chown(&theirs, Some(524_300), Some(524_300)).expect("given");
        directory_inside(root.path(), "etc/systemd", base).expect("there");
        plain_file(root.path(), "etc/hosts", base).expect("there");
        plain_file(root.path(), "etc/resolv.conf", base).expect("there");
        let owner = |name: &str| {
            std::fs::metadata(root.path().join(name))
                .expect("there")
                .uid()
        };
        assert_eq!(owner("etc/systemd"), 524_288);
        assert_eq!(owner("etc/hosts"), 524_288);
        assert_eq!(owner("etc/resolv.conf"), 524_300);
    }

    #[test]
    fn a_link_that_was_not_named_yet_does_not_stay() {
        let root = tempfile::tempdir().expect("a directory");
        let target = std::path::Path::new("/nix/store/a");
        link_inside(root.path(), "system", target).expect("made");
        std::os::unix::fs::symlink("/nix/store/b", root.path().join(".system.new")).expect("left");
        link_inside(root.path(), "system", target).expect("there");
        let names = std::fs::read_dir(root.path()).expect("listed").count();
        assert_eq!(names, 1);
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
