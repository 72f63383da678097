//! The operating system, thinly.

mod paths;
mod watch;

pub use paths::{Paths, netns_name};
pub use watch::watch_files;
