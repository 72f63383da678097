//! Enter and exec: a process of the guest, made from outside, that gives the guest nothing.
//!
//! ```text
//!  ctr ── open_session ──> ctrd: open ── starts ──> ctrd-session (a sealed copy of ctrd) ── ends
//!   │                                                  │ forks, into the unit's `supervisor` cgroup
//!   │ control socket                                   v
//!   ├─────────────────────────────────────────────> monitor ── waits until the guest is confined,
//!   │                                                  │        copies its seccomp filters
//!   │                                                  │ forks, into the guest's own cgroup
//!   │                                                  v
//!   │                                               joining process: namespaces, user, terminal,
//!   │                                                  │             capabilities, filters
//!   │                                                  │ forks, into the guest's PID namespace
//!   │ terminal, or three pipes                         v
//!   └─────────────────────────────────────────────> the command, once the monitor has compared
//!                                                   it with the guest's first process
//! ```
//!
//! * `ctrd` is in no data path and no process's parent: a session does not notice its restart.
//! * The monitor never enters the guest. The joining process is in no PID namespace of the guest,
//!   so nothing in there can trace it; the command's process is, but changes no more.
//! * A command that `ctrd` tries a guest's health with is in a cgroup of its own beside the guest's, and
//!   ends with everything that it has started.
//! * What cannot be copied from the guest's first process is a refusal, never a session with more.

mod account;
mod client;
mod command;
mod confinement;
mod enclosed;
mod environment;
mod execute;
mod handover;
mod helper;
mod join;
mod joining;
mod leader;
mod monitor;
mod open;
mod passing;
mod report;
mod request;
mod sealed;
mod seccomp;
mod settled;
mod syscalls;
mod terminal;
mod watch;

pub use command::{CommandEnd, CommandError, run};
pub use confinement::StatusError;
pub use enclosed::run_enclosed;
pub use helper::{helper_main, started_as_helper};
pub use leader::LeaderError;
pub use open::{Guest, SessionError, open};
pub use request::RequestError;
pub use sealed::SealError;
