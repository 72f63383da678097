//! Opens what a path of the host names, and follows nobody's links but root's.
//!
//! `ctrd` is root: a link that another user puts in the way of a declared path would lead it to a
//! file that this user could not read. So a path is walked component by component, each opened and
//! then looked at, never the other way round.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat};

/// `MAXSYMLINKS` of the kernel.
const MOST_LINKS: u32 = 40;

/// A path of the host could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum HostPathError {
    /// Nothing is there.
    #[error("{path} does not exist")]
    Missing {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// A link of somebody who is not root stands in it.
    #[error("{path} leads over {link}, a link that belongs to user {owner}")]
    ForeignLink {
        /// The path that was asked for.
        path: PathBuf,
        /// The link.
        link: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// The links go round in a circle, or nearly.
    #[error("{path} leads over more than {MOST_LINKS} links")]
    TooManyLinks {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("failed to open {path}")]
    Open {
        /// The path that was asked for.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl HostPathError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ForeignLink { link, .. } => Some(format!(
                "name the path that it leads to, or make the link root's: chown -h root {}",
                link.display()
            )),
            Self::Missing { .. } | Self::TooManyLinks { .. } | Self::Open { .. } => None,
        }
    }
}

/// Opens an absolute path of the host as a name only (`O_PATH`, open(2)): what it is has to be asked
/// of the descriptor, and to read it, it is opened again by `/proc/self/fd/N`, which is the same
/// file whatever the path means by then.
pub fn open_host_path(path: &Path) -> Result<OwnedFd, HostPathError> {
    let cannot = |errno: Errno| match errno {
        Errno::ENOENT | Errno::ENOTDIR => HostPathError::Missing {
            path: path.to_owned(),
        },
        errno => HostPathError::Open {
            path: path.to_owned(),
            source: errno.into(),
        },
    };
    let mut left: VecDeque<OsString> = parts(path).collect();
    let mut here = root().map_err(cannot)?;
    // Only for messages: what was walked so far, as it is written.
    let mut walked = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = left.pop_front() {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let next = openat(&here, part.as_os_str(), flags, Mode::empty()).map_err(cannot)?;
        let stat = fstat(&next).map_err(cannot)?;
        if stat.st_mode & SFlag::S_IFMT.bits() != SFlag::S_IFLNK.bits() {
            walk(&mut walked, &part);
            here = next;
            continue;
        }
        if stat.st_uid != 0 {
            return Err(HostPathError::ForeignLink {
                path: path.to_owned(),
                link: walked.join(&part),
                owner: stat.st_uid,
            });
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(HostPathError::TooManyLinks {
                path: path.to_owned(),
            });
        }
        let target = PathBuf::from(readlinkat(&next, OsStr::new("")).map_err(cannot)?);
        if target.has_root() {
            here = root().map_err(cannot)?;
            walked = PathBuf::from("/");
        }
        for part in parts(&target).rev() {
            left.push_front(part);
        }
    }
    Ok(here)
}

fn root() -> nix::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    nix::fcntl::open("/", flags, Mode::empty())
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

fn walk(walked: &mut PathBuf, part: &OsStr) {
    if part == ".." {
        walked.pop();
    } else {
        walked.push(part);
    }
}

#[cfg(test)]
mod tests {
    use super::{HostPathError, open_host_path};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{lchown, symlink};

    fn name_of(fd: &impl AsRawFd) -> std::path::PathBuf {
        std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).expect("an open file")
    }

    #[test]
    fn a_link_of_root_is_followed_and_one_of_somebody_else_is_not() {
        // Giving a link away needs root, as ctrd has it.
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        std::fs::create_dir(at("real")).expect("made");
        std::fs::write(at("real/file"), "x").expect("written");
        symlink("real", at("relative")).expect("a link");
        symlink(at("relative"), at("absolute")).expect("a link");
        symlink("../relative/file", at("real/up")).expect("a link");
        for path in ["real/file", "relative/file", "absolute/file", "absolute/up"] {
            let opened = open_host_path(&at(path)).expect("followed");
            assert_eq!(name_of(&opened), at("real/file"), "{path}");
        }
        lchown(at("relative"), Some(1234), None).expect("given away");
        for path in ["relative/file", "absolute/file"] {
            let refused = open_host_path(&at(path)).expect_err("a foreign link");
            assert!(
                matches!(&refused, HostPathError::ForeignLink { link, owner: 1234, .. }
                    if *link == at("relative")),
                "{refused}"
            );
        }
        assert!(open_host_path(&at("real/file")).is_ok(), "no link in it");
    }

    #[test]
    fn a_circle_of_links_ends_and_what_is_missing_is_missing() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        symlink("b", at("a")).expect("a link");
        symlink("a", at("b")).expect("a link");
        assert!(matches!(
            open_host_path(&at("a")),
            Err(HostPathError::TooManyLinks { .. })
        ));
        std::fs::write(at("file"), "x").expect("written");
        for missing in ["nothing", "file/below"] {
            assert!(matches!(
                open_host_path(&at(missing)),
                Err(HostPathError::Missing { .. })
            ));
        }
    }
}
