//! Why a root could not be made ready.

use std::io;
use std::path::{Path, PathBuf};

use super::host_path::HostPathError;
use super::ownership::OwnerError;
use super::{FileError, StateError};

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
    /// A bind's source has a mount below it that cannot shift owners.
    #[error("{path} has {below} mounted below it, whose file system cannot be idmapped")]
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
    /// A declared user is not on the host.
    #[error("the host has no user `{user}`, who is declared as the `host-owner` of {path}")]
    NoHostUser {
        /// The user's name.
        user: String,
        /// The path on the host.
        path: PathBuf,
    },
    /// The owners of a bind cannot be right.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// A file that a specification of devices names cannot be given.
    #[error("{path}, which comes with the graphics processor, cannot be given")]
    DriverFile {
        /// The path on the host.
        path: PathBuf,
        /// Why not.
        #[source]
        source: HostPathError,
    },
    /// A path of the host cannot be opened safely.
    #[error(transparent)]
    HostPath(#[from] HostPathError),
    /// A root that is written in place can be reached by every user of the host.
    #[error(
        "every user of the host can reach the root {path}, where the guest's root can leave programs that run as the host's root"
    )]
    OpenRoot {
        /// The path on the host.
        path: PathBuf,
    },
    /// The state belongs to other users than declared.
    #[error("{path} has not been given to the declared users yet")]
    OtherUsers {
        /// The machine's state.
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
            Self::CannotBeIdmapped { .. } => {
                Some("move it to ext4, xfs, btrfs or tmpfs".to_owned())
            }
            Self::MountBelow { below, .. } => Some(format!(
                "unmount {}, or declare what does not contain it",
                below.display()
            )),
            Self::NoSuchUser { .. } => {
                Some("declare the `owner` by number, or make the user in the root".to_owned())
            }
            Self::NoHostUser { .. } => {
                Some("declare a user of the host, by name or number".to_owned())
            }
            Self::Owner(error) => Some(error.hint()),
            Self::DriverFile { path, source } => Some(match source {
                HostPathError::LinkOfAnother { .. } => format!(
                    "make the link as root, or let the CDI specification name the path that {} leads to",
                    path.display()
                ),
                _ => "install the driver's files, or have its CDI specification generated again"
                    .to_owned(),
            }),
            Self::HostPath(error) => error.hint(),
            Self::OpenRoot { path } => Some(format!(
                "close a directory above it to others, as `chmod o-rwx {}` would",
                path.parent().unwrap_or(path).display()
            )),
            Self::State(error) => error.hint(),
            Self::File(_) | Self::OtherUsers { .. } => None,
        }
    }
}
