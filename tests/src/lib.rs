//! The lab: a throwaway REAL systemd host, for ctr's behaviour tests and its demo.
//!
//! [`Host::boot`] boots systemd as PID 1 from a Debian tree, in namespaces, in about a second. The
//! host has its own cgroup, mounts, processes and network, a second namespace plays its LAN and the
//! internet, and all of it is gone when the value is dropped or its process ends, however it ends.
//!
//! ```no_run
//! use ctr_lab::Host;
//!
//! let host = Host::boot();
//! assert_eq!(host.ok("systemctl is-system-running").trim(), "running");
//! host.in_lan("ping -c1 -W1 192.0.2.2");
//! ```
//!
//! It needs root, and Debian packages that it installs where it can. Where it cannot run, it fails
//! and says what is missing; no test is ever skipped.

mod background;
mod base_recipe;
mod base_tree;
mod boot;
mod cache;
mod cgroup;
mod command;
mod diagnosis;
mod hardware;
mod host;
mod identity;
mod install;
mod limits;
mod mirror;
mod mmdebstrap;
mod packages;
mod program;
mod promtool;
mod readiness;
mod root_file_system;
mod slots;
mod spec;
mod stream;
mod terminal;

/// Entry points of the lab's own program; nothing else calls them.
#[doc(hidden)]
pub mod enter;
#[doc(hidden)]
pub mod first_process;
/// A person at a terminal of the host.
pub mod interactive;
#[doc(hidden)]
pub mod keeper;
/// The host's only way out.
pub mod uplink;
/// Hosts with a kernel of their own.
pub mod vm;

pub use background::Background;
pub use boot::Options;
pub use cgroup::Cgroup;
pub use command::{Command, Output};
pub use ctr_hardware::{Entry, Machine};
pub use hardware::{read_machine, recorded_machine};
pub use host::Host;
pub use install::program_for_tests;
pub use promtool::check_metrics;
pub use terminal::Terminal;
pub use vm::Vm;
