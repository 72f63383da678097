//! Where metrics are served.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;

/// The declared place of the endpoint for Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum MetricsAddress {
    /// A socket in the file system (unix(7)), at an absolute path of at most 107 bytes.
    Unix(PathBuf),
    /// An address of the host's loopback, and a port from 1024 on.
    Loopback(SocketAddr),
}

impl fmt::Display for MetricsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Loopback(address) => write!(f, "http://{address}/metrics"),
        }
    }
}
