//! The operating system, thinly.

mod paths;

pub use paths::{Paths, netns_name};
