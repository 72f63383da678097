//! Why a credential cannot be given.

use std::io;
use std::path::{Path, PathBuf};

use super::digest_key::LENGTH;
use crate::machine::root::{FileError, HostPathError};

/// The largest credential, in bytes: `CREDENTIAL_SIZE_MAX` of systemd, which is also what a unit of a
/// guest can load of all of its credentials together.
pub(super) const LARGEST: u64 = 1 << 20;

/// A credential that could not be read, made or given.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// Its file could not be opened.
    #[error(transparent)]
    Path(#[from] HostPathError),
    /// Its file is something else.
    #[error("{path} is {what}, and not a file")]
    NoFile {
        /// The path on the host.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Every user of the host can read it.
    #[error("{path} can be read by every user of this host: its mode is {mode:04o}")]
    ReadableByOthers {
        /// The path on the host.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// More than systemd takes.
    #[error("{path} has more than {LARGEST} bytes, which is the most that systemd takes")]
    TooLarge {
        /// The path on the host.
        path: PathBuf,
    },
    /// The program's user is not in the guest.
    #[error("the guest has no user `{user}`, who should be able to read the credentials")]
    NoSuchUser {
        /// The user's name.
        user: String,
    },
    /// A secret that ctrd made is not there any more.
    #[error("{path} is empty: the secret that ctrd made is lost")]
    Lost {
        /// Where it stood.
        path: PathBuf,
    },
    /// What stands where the key of the digests should be is none.
    #[error("{path} has {length} bytes instead of {LENGTH}: it is not the key that ctrd made")]
    NoKey {
        /// The key's path.
        path: PathBuf,
        /// The length of what stands there.
        length: usize,
    },
    /// The host gives no random bytes.
    #[error("failed to get random bytes")]
    Random(#[source] io::Error),
    /// The file system said no.
    #[error(transparent)]
    File(#[from] FileError),
}

impl CredentialError {
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let error = FileError::new(what, path);
        move |source| Self::File(error(source))
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Path(HostPathError::Missing { path }) => Some(format!(
                "write it: `install -m 0600 /dev/stdin {}`, or declare `generate = true`",
                path.display()
            )),
            Self::Path(error) => error.hint(),
            Self::NoFile { .. } => Some("declare the file that holds the secret".to_owned()),
            Self::ReadableByOthers { path, .. } => {
                Some(format!("chmod o-r {}, then `ctr apply`", path.display()))
            }
            Self::TooLarge { .. } => Some("bind it into the guest instead, read-only".to_owned()),
            Self::NoSuchUser { .. } => {
                Some("declare the `user` by number, or make the user in the root".to_owned())
            }
            Self::Lost { path } => Some(format!(
                "write it back, or remove {} and `ctr apply`: then another secret is made",
                path.display()
            )),
            Self::NoKey { path, .. } => Some(format!(
                "remove {} and `ctr apply`: another is made, and each container with credentials \
                 is restarted once",
                path.display()
            )),
            Self::Random(_) | Self::File(_) => None,
        }
    }
}
