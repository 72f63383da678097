//! The operating system, thinly.

mod paths;
mod tasks;
mod watch;

pub use paths::{Paths, netns_name};
pub use tasks::most_tasks;
pub use watch::watch_files;
