//! Reading below a root that nothing leads out of.

#[cfg(test)]
use std::cell::RefCell;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, readlinkat,
};
use rustix::io::Errno;

/// More than any file has that is read here; `information` of a card has half a kilobyte, proc/devices
/// one or two.
const MOST: u64 = 16 * 1024;
/// How often a walk is begun again that a rename or a mount elsewhere on the host disturbed
/// (openat2(2), `EAGAIN`).
const WALKS: usize = 1000;

/// Why the host's graphics processors could not be looked at. What is not there is no error.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// The kernel refuses to show it.
    #[error("failed to read {path}")]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that goes on.
    #[error("{path} has more than {MOST} bytes, which no driver writes there")]
    Large {
        /// Which.
        path: PathBuf,
    },
    /// A file says something that no driver says.
    #[error("{path} says {said:?}, and {expected} is expected there")]
    Unexpected {
        /// Which.
        path: PathBuf,
        /// What it says, the beginning of it.
        said: String,
        /// What it ought to.
        expected: &'static str,
    },
}

impl InventoryError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read { source, .. } => match Errno::from_io_error(source)? {
                Errno::XDEV => Some(
                    "a link there leads elsewhere: devices are looked up below /sys, /proc and /dev alone",
                ),
                Errno::LOOP => Some("links there lead to each other"),
                Errno::ACCESS | Errno::PERM => {
                    Some("ctrd has to run as root, without ProtectKernelTunables= or the like")
                }
                _ => None,
            },
            Self::Large { .. } | Self::Unexpected { .. } => {
                Some("the driver may be newer than ctrd: look at the file and tell its author")
            }
        }
    }
}

/// A directory that paths are looked up in. Links inside are followed, as sysfs is made of them; one
/// that leads out of it is an error (openat2(2), `RESOLVE_BENEATH`).
#[derive(Debug)]
pub(super) struct Tree {
    path: PathBuf,
    directory: Option<OwnedFd>,
    #[cfg(test)]
    opened: RefCell<Vec<PathBuf>>,
}

impl Tree {
    /// The tree below a directory; one that is not there is empty.
    pub(super) fn open(path: &Path) -> Result<Self, InventoryError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = match openat(CWD, path, flags, Mode::empty()) {
            Ok(directory) => Some(directory),
            Err(Errno::NOENT) => None,
            Err(error) => {
                return Err(InventoryError::Read {
                    path: path.to_owned(),
                    source: error.into(),
                });
            }
        };
        Ok(Self {
            path: path.to_owned(),
            directory,
            #[cfg(test)]
            opened: RefCell::default(),
        })
    }

    /// Everything that was opened until now.
    #[cfg(test)]
    pub(super) fn opened(&self) -> Vec<PathBuf> {
        self.opened.borrow().clone()
    }

    /// What a file says, without white space around it; `None` where there is none.
    pub(super) fn read(&self, path: &str) -> Result<Option<String>, InventoryError> {
        // A pipe in place of a file does not make us wait.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let Some(file) = self.walk(path, flags)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        match std::fs::File::from(file)
            .take(MOST + 1)
            .read_to_end(&mut bytes)
        {
            Ok(_) => {}
            // The device went while its file was open.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NODEV) => return Ok(None),
            Err(source) => return Err(self.failed(path, source)),
        }
        if bytes.len() as u64 > MOST {
            let path = self.path.join(path);
            return Err(InventoryError::Large { path });
        }
        Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    /// What a file says, as `value` understands it.
    pub(super) fn parse<T>(
        &self,
        path: &str,
        expected: &'static str,
        value: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, InventoryError> {
        let Some(text) = self.read(path)? else {
            return Ok(None);
        };
        match value(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(self.unexpected(path, &text, expected)),
        }
    }

    /// A device's number, as sysfs(5) writes it: `226:128`.
    pub(super) fn device_number(&self, path: &str) -> Result<Option<(u32, u32)>, InventoryError> {
        let numbers = |text: &str| {
            let (major, minor) = text.split_once(':')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        };
        self.parse(path, "a device's number such as 226:128", numbers)
    }

    /// Where a link leads, as it is written; `None` where there is none.
    pub(super) fn link(&self, path: &str) -> Result<Option<PathBuf>, InventoryError> {
        let Some(link) = self.walk(path, OFlags::PATH | OFlags::NOFOLLOW)? else {
            return Ok(None);
        };
        match readlinkat(&link, "", Vec::new()) {
            Ok(target) => Ok(Some(PathBuf::from(OsStr::from_bytes(target.as_bytes())))),
            // It is there, and no link.
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed(path, error.into())),
        }
    }

    /// The last name of where a link leads: sysfs(5) says this way which driver a device has.
    pub(super) fn link_name(&self, path: &str) -> Result<Option<String>, InventoryError> {
        let target = self.link(path)?;
        let name = target.as_deref().and_then(Path::file_name);
        Ok(name.map(|name| name.to_string_lossy().into_owned()))
    }

    /// What is in a directory, in order; nothing where there is none.
    pub(super) fn names(&self, path: &str) -> Result<Vec<String>, InventoryError> {
        let Some(directory) = self.walk(path, OFlags::RDONLY | OFlags::DIRECTORY)? else {
            return Ok(Vec::new());
        };
        let list = || -> Result<Vec<String>, Errno> {
            let mut names = Vec::new();
            for entry in Dir::new(directory)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if name != "." && name != ".." {
                    names.push(name);
                }
            }
            names.sort_unstable();
            Ok(names)
        };
        list().map_err(|error| self.failed(path, error.into()))
    }

    /// Whether something is there.
    pub(super) fn has(&self, path: &str) -> Result<bool, InventoryError> {
        Ok(self.walk(path, OFlags::PATH)?.is_some())
    }

    /// A character device; `None` where something else or nothing is, a link too.
    pub(super) fn character_device(&self, path: &str) -> Result<Option<Stat>, InventoryError> {
        let Some(node) = self.walk(path, OFlags::PATH | OFlags::NOFOLLOW)? else {
            return Ok(None);
        };
        let stat = fstat(&node).map_err(|error| self.failed(path, error.into()))?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        Ok((kind == FileType::CharacterDevice).then_some(stat))
    }

    fn walk(&self, path: &str, flags: OFlags) -> Result<Option<OwnedFd>, InventoryError> {
        let Some(directory) = &self.directory else {
            return Ok(None);
        };
        #[cfg(test)]
        self.opened.borrow_mut().push(self.path.join(path));
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let walk = || {
            openat2(
                directory,
                path,
                flags | OFlags::CLOEXEC,
                Mode::empty(),
                beneath,
            )
        };
        let mut result = walk();
        for _ in 0..WALKS {
            if !matches!(result, Err(Errno::AGAIN)) {
                break;
            }
            result = walk();
        }
        match result {
            Ok(file) => Ok(Some(file)),
            // Of a device that goes, a path ends at any place.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NODEV) => Ok(None),
            Err(error) => Err(self.failed(path, error.into())),
        }
    }

    pub(super) fn unexpected(
        &self,
        path: &str,
        said: &str,
        expected: &'static str,
    ) -> InventoryError {
        InventoryError::Unexpected {
            path: self.path.join(path),
            said: said.chars().take(40).collect(),
            expected,
        }
    }

    fn failed(&self, path: &str, source: io::Error) -> InventoryError {
        let path = self.path.join(path);
        InventoryError::Read { path, source }
    }
}
