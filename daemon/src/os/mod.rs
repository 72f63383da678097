//! The operating system, thinly.

mod host_path;
mod paths;
mod watch;

pub use host_path::{HostPathError, open_host_path};
pub use paths::{Paths, netns_name};
pub use watch::watch_files;
