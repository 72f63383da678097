//! The socket that metrics are served on.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::answer::Stream;
use crate::declaration::trust::{Distrust, distrust};
use crate::model::MetricsAddress;

/// Everybody on the host may see `ctr status`, and that is what metrics say.
const MODE: u32 = 0o666;

/// A listening socket; its file goes with it.
#[derive(Debug)]
pub(super) enum Listener {
    /// In the file system.
    Unix(UnixListener, PathBuf),
    /// On the loopback.
    Loopback(TcpListener),
}

/// Metrics cannot be served at a place.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListenError {
    /// Somebody else than root could put another file there, or a link to one.
    #[error("{0}")]
    Distrusted(Distrust),
    /// Something else is there.
    #[error("{} is there and is no socket", .0.display())]
    NoSocket(PathBuf),
    /// Another program listens there.
    #[error("another program listens there")]
    Taken,
    /// The kernel refused.
    #[error("failed to listen there")]
    Failed(#[source] io::Error),
}

impl ListenError {
    /// What a person can do about it.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Distrusted(distrust) => {
                format!("`{}`, or name a place in /run", distrust.hint())
            }
            Self::NoSocket(path) => {
                format!("move {} away, or name another `metrics`", path.display())
            }
            Self::Taken => "stop it (`ss -lnp` names it), or name another `metrics`".to_owned(),
            Self::Failed(error) if error.kind() == ErrorKind::NotFound => {
                "make its directory, or name a place in /run".to_owned()
            }
            Self::Failed(_) => "name another `metrics` in the declaration".to_owned(),
        }
    }
}

impl From<io::Error> for ListenError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::AddrInUse => Self::Taken,
            _ => Self::Failed(error),
        }
    }
}

impl Listener {
    /// Listens at `address`. A socket that a ctrd which is no more left there is replaced.
    pub(super) async fn open(address: &MetricsAddress) -> Result<Self, ListenError> {
        match address {
            MetricsAddress::Loopback(address) => {
                Ok(Self::Loopback(TcpListener::bind(address).await?))
            }
            MetricsAddress::Unix(path) => {
                let directory = path.parent().unwrap_or(Path::new("/"));
                if let Some(distrusted) = distrust(&File::open(directory)?, directory)? {
                    return Err(ListenError::Distrusted(distrusted));
                }
                remove_dead_socket(path).await?;
                let listener = UnixListener::bind(path)?;
                fs::set_permissions(path, Permissions::from_mode(MODE))?;
                Ok(Self::Unix(listener, path.clone()))
            }
        }
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Unix(listener, _) => Box::new(listener.accept().await?.0),
            Self::Loopback(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = fs::remove_file(path);
        }
    }
}

/// Takes a socket away that nobody listens on.
async fn remove_dead_socket(path: &Path) -> Result<(), ListenError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NoSocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(fs::remove_file(path)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err(ListenError::Taken),
    }
}

#[cfg(test)]
mod tests {
    use super::{ListenError, Listener};
    use crate::model::MetricsAddress;

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_nothing_else() {
        // Not in /tmp, which everybody can write to; a sticky one counts as closed.
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("metrics.sock");
        let address = MetricsAddress::Unix(path.clone());
        // What ctrd leaves that is killed.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
        assert!(path.exists());
        let first = Listener::open(&address).await.expect("replaced");
        let second = Listener::open(&address).await;
        assert!(matches!(second, Err(ListenError::Taken)), "{second:?}");
        drop(first);
        assert!(!path.exists(), "its file goes with it");
        std::fs::write(&path, "somebody's").expect("written");
        let third = Listener::open(&address).await;
        assert!(matches!(third, Err(ListenError::NoSocket(_))), "{third:?}");
        assert_eq!(std::fs::read(&path).expect("read"), b"somebody's");
    }
}
