//! How to find out whether a container works.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// A declared probe, and when it is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// What is tried.
    pub probe: Probe,
    /// From the beginning of one probe to that of the next, once there was a success.
    pub interval: Duration,
    /// How long one may take; not longer than `interval`.
    pub timeout: Duration,
    /// The interval until the first success; not longer than `interval`.
    pub start_interval: Duration,
    /// How many failures in a row make a container unhealthy; at least 1.
    pub failures: u32,
    /// How many successes in a row make an unhealthy one healthy; at least 1.
    pub successes: u32,
}

/// What is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// A request by HTTP/1.1 whose answer has one of some statuses.
    Http {
        /// The port in the guest.
        port: u16,
        /// What is asked for; begins with `/`, and is printable ASCII without spaces.
        path: String,
        /// The statuses that are a success; where there are none, those from 200 to 399.
        statuses: Vec<u16>,
        /// The name that is asked for; the container's address where there is none.
        host: Option<String>,
    },
    /// A connection that is accepted.
    Tcp {
        /// The port in the guest.
        port: u16,
    },
    /// A command in the guest that ends with status 0.
    Command {
        /// Its words.
        command: Vec<String>,
        /// The user of the guest that runs it; root where none is named.
        user: Option<String>,
    },
}

impl fmt::Display for Probe {
    /// As a person would name it: `http 8080/health`, `tcp 5432`, `command pg_isready`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { port, path, .. } => write!(f, "http {port}{path}"),
            Self::Tcp { port } => write!(f, "tcp {port}"),
            Self::Command { command, .. } => {
                let name = command.first().map_or("", String::as_str);
                write!(f, "command {}", name.escape_debug())
            }
        }
    }
}
