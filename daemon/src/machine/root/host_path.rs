//! Paths of the host, opened so that nobody but root says where they lead.
//!
//! A declared path may lead through directories of other people: a home, a project. Whoever owns one
//! of those can put a symbolic link into it at any moment, and ctrd would follow it as root. So a path
//! is opened a name at a time, and a link is followed only where it belongs to root. What was opened
//! is what is used: nothing is looked up twice.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, Stat, chownat, fstat, fsync, mkdirat,
    openat, readlinkat, renameat_with,
};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use super::FileError;
use crate::os::failpoint;

/// How many links one path may lead through: the kernel's own bound (`MAXSYMLINKS`, `path_resolution(7)`).
const MAX_LINKS: u32 = 40;

/// Held while directories are made.
static MAKING: Mutex<()> = Mutex::new(());

/// A path of the host could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum HostPathError {
    /// Nothing is there.
    #[error("{path} does not exist")]
    Missing {
        /// The path as it was declared.
        path: PathBuf,
    },
    /// It leads through a link of somebody who is not root.
    #[error("{path} leads through the link {link}, which belongs to {owner} and not to root")]
    LinkOfAnother {
        /// The path as it was declared.
        path: PathBuf,
        /// The link.
        link: PathBuf,
        /// Who could make it lead anywhere, as people know them.
        owner: String,
    },
    /// It leads through more links than the kernel would follow.
    #[error("{path} leads through more than {MAX_LINKS} links")]
    TooManyLinks {
        /// The path as it was declared.
        path: PathBuf,
    },
    /// What a crash left in the place of a new directory is not ours.
    #[error("{path} stands where a directory is to be made, and is none that ctrd has begun")]
    NotOurs {
        /// What stands there.
        path: PathBuf,
    },
    /// The file system said no.
    #[error(transparent)]
    File(#[from] FileError),
}

impl HostPathError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::LinkOfAnother { .. } => {
                Some("declare the path that the link leads to, or make the link as root".to_owned())
            }
            Self::NotOurs { path } => Some(format!("move {} away", path.display())),
            Self::Missing { .. } | Self::TooManyLinks { .. } | Self::File(_) => None,
        }
    }
}

/// What stands at a path.
#[derive(Debug)]
pub(in crate::machine) struct Opened {
    /// It, open at least as `O_PATH` has it.
    pub(in crate::machine) file: OwnedFd,
    /// Its type, mode and owner.
    pub(super) stat: Stat,
    /// The path that it was found at, without links.
    pub(super) path: PathBuf,
    /// Every directory on the way, and it itself, lets every user of the host pass.
    pub(super) open_to_all: bool,
}

impl Opened {
    pub(super) fn is_directory(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::Directory
    }
}

/// A path as far as it exists.
#[derive(Debug)]
struct Way {
    /// From `/` to the last thing that is there.
    steps: Vec<Opened>,
    /// What is not there, from the first name on.
    missing: VecDeque<OsString>,
}

/// Opens what stands at an absolute path.
pub(in crate::machine) fn open_host(path: &Path) -> Result<Opened, HostPathError> {
    let mut way = follow(path)?;
    match way.steps.pop() {
        Some(opened) if way.missing.is_empty() => Ok(opened),
        _ => Err(HostPathError::Missing {
            path: path.to_owned(),
        }),
    }
}

/// Opens what stands at a path, or the directory that the first missing name of it would stand in.
pub(super) fn open_as_far(path: &Path) -> Result<(Opened, bool), HostPathError> {
    let mut way = follow(path)?;
    let last = way.steps.pop().ok_or_else(|| HostPathError::Missing {
        path: path.to_owned(),
    })?;
    Ok((last, way.missing.is_empty()))
}

/// Makes the directory at a path with these ids as its owner, unless something stands there already.
///
/// Directories above it that are missing belong to whoever owns the one they are made in. A directory
/// gets its name only once it has its owner, so a crash leaves none with another.
pub(super) fn make_host_directory(
    path: &Path,
    uid: u32,
    gid: u32,
) -> Result<Opened, HostPathError> {
    // Two containers may ask for the same one at once.
    let _turn = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut way = follow(path)?;
    while let Some(name) = way.missing.pop_front() {
        let Some(parent) = way.steps.last() else {
            break;
        };
        let owner = if way.missing.is_empty() {
            (uid, gid)
        } else {
            (parent.stat.st_uid, parent.stat.st_gid)
        };
        let made = make_in(parent, &name, owner)?;
        way.steps.push(made);
    }
    way.steps.pop().ok_or_else(|| HostPathError::Missing {
        path: path.to_owned(),
    })
}

fn follow(path: &Path) -> Result<Way, HostPathError> {
    let mut links = 0;
    let mut left = names(path);
    let mut steps = vec![top()?];
    while let Some(name) = left.pop_front() {
        if name == ".." {
            if steps.len() > 1 {
                steps.pop();
            }
            continue;
        }
        let Some(here) = steps.last() else { break };
        let Some(next) = step(here, &name)? else {
            left.push_front(name);
            break;
        };
        if FileType::from_raw_mode(next.stat.st_mode) != FileType::Symlink {
            steps.push(next);
            continue;
        }
        if next.stat.st_uid != 0 {
            return Err(HostPathError::LinkOfAnother {
                path: path.to_owned(),
                link: next.path,
                owner: user_name(next.stat.st_uid),
            });
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(HostPathError::TooManyLinks {
                path: path.to_owned(),
            });
        }
        let target = readlinkat(&next.file, "", Vec::new())
            .map_err(|errno| FileError::new("read the link", &next.path)(errno.into()))?;
        let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
        if target.is_absolute() {
            steps.truncate(1);
        }
        for name in names(&target).into_iter().rev() {
            left.push_front(name);
        }
    }
    Ok(Way {
        steps,
        missing: left,
    })
}

fn top() -> Result<Opened, FileError> {
    let path = Path::new("/");
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let file = openat(CWD, "/", flags, Mode::empty())
        .map_err(|errno| FileError::new("open", path)(errno.into()))?;
    let stat = fstat(&file).map_err(|errno| FileError::new("look at", path)(errno.into()))?;
    Ok(Opened {
        open_to_all: passes_all(&stat),
        file,
        stat,
        path: path.to_owned(),
    })
}

/// One name further, without following it; `None` where nothing has that name.
fn step(here: &Opened, name: &OsStr) -> Result<Option<Opened>, FileError> {
    let path = here.path.join(name);
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match openat(&here.file, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(FileError::new("open", &path)(errno.into())),
    };
    let stat = fstat(&file).map_err(|errno| FileError::new("look at", &path)(errno.into()))?;
    Ok(Some(Opened {
        open_to_all: here.open_to_all && passes_all(&stat),
        file,
        stat,
        path,
    }))
}

fn passes_all(stat: &Stat) -> bool {
    Mode::from_raw_mode(stat.st_mode).contains(Mode::XOTH)
}

fn names(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// Makes a directory under another name, gives it its owner, and then its name. What is returned is
/// that directory, whatever stands under its name by then.
fn make_in(parent: &Opened, name: &OsStr, (uid, gid): (u32, u32)) -> Result<Opened, HostPathError> {
    let mut fresh = OsString::from(".ctr-new-");
    fresh.push(name);
    let path = parent.path.join(&fresh);
    let error = |what: &'static str| {
        let path = path.clone();
        move |errno: Errno| FileError::new(what, &path)(errno.into())
    };
    match mkdirat(&parent.file, &fresh, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => failpoint("bind's source made"),
        Err(errno) => return Err(error("make")(errno).into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = openat(&parent.file, &fresh, flags, Mode::empty()).map_err(error("open"))?;
    let stat = fstat(&made).map_err(error("look at"))?;
    // The owner of the parent may have put something of somebody else's there meanwhile: only an
    // empty directory of root's, or one that a crash left with its owner, is given away.
    let ours = stat.st_uid == 0 || (stat.st_uid, stat.st_gid) == (uid, gid);
    let empty = Dir::read_from(&made)
        .map_err(error("list"))?
        .all(|entry| entry.is_ok_and(|it| matches!(it.file_name().to_bytes(), b"." | b"..")));
    if !ours || !empty {
        return Err(HostPathError::NotOurs { path });
    }
    chownat(
        &made,
        "",
        Some(Uid::from_raw(uid)),
        Some(Gid::from_raw(gid)),
        AtFlags::EMPTY_PATH,
    )
    .map_err(error("give an owner to"))?;
    fsync(&made).map_err(error("save"))?;
    failpoint("bind's source owned");
    renameat_with(
        &parent.file,
        &fresh,
        &parent.file,
        name,
        RenameFlags::NOREPLACE,
    )
    .map_err(error("name"))?;
    // What a guest saves below it outlives a power cut, and so must its name.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(&parent.file, ".", flags, Mode::empty())
        .and_then(fsync)
        .map_err(error("save"))?;
    let stat = fstat(&made).map_err(error("look at"))?;
    Ok(Opened {
        open_to_all: parent.open_to_all && passes_all(&stat),
        file: made,
        stat,
        path: parent.path.join(name),
    })
}

/// A user of the host as people know them: `alice (1000)`, or the number alone.
pub(super) fn user_name(uid: u32) -> String {
    match nix::unistd::User::from_uid(uid.into()) {
        Ok(Some(user)) => format!("{} ({uid})", user.name),
        Ok(None) | Err(_) => format!("user {uid}"),
    }
}

#[cfg(test)]
#[path = "host_path_tests.rs"]
mod tests;
