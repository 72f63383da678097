//! The operating system, thinly.

pub mod durable;
mod failpoint;
mod file_error;
mod instances;
pub mod memory;
mod paths;
mod process;
mod stamp;
mod stub_init;
mod tasks;
mod watch;

pub use failpoint::{after, before, failpoint};
pub use file_error::FileError;
pub use instances::{most_instances, too_few_instances};
pub use paths::{Paths, netns_name};
pub use process::{process_is_in, process_start};
pub use stamp::Stamp;
pub use stub_init::is_stub_init;
pub use tasks::most_tasks;
pub use watch::watch_files;
