//! The loop: observe, plan, apply until there is nothing left to do, then wait.
//!
//! ```text
//!  bus ──request──▶ fleet ──request──▶ container task ──observe/apply──▶ Host ──▶ network, machine, …
//!                                            │  ▲
//!                                            │  └── unit signals, timers, other containers' status
//!                                            ▼
//!                                      watch<Status> ──▶ bus
//! ```
//!
//! One task per container, serial in itself; nobody waits for anybody else's container. [`plan`] and
//! [`supervise`] are pure and decide; [`task`] carries out; [`host`] is the one seam to the world.

#[cfg(test)]
mod convergence;
mod data;
#[cfg(test)]
mod fake_host;
mod feed;
pub mod fleet;
mod given_credentials;
mod host;
mod host_error;
mod host_signals;
mod journal_views;
mod kept_declaration;
mod marks;
mod open_firewall;
mod order;
mod orphans;
mod others;
mod plan;
#[cfg(test)]
mod plan_cases;
mod prober;
#[cfg(test)]
mod properties;
mod real_host;
mod reason;
#[cfg(test)]
mod reason_tests;
mod slices;
pub mod state;
mod status;
mod step_name;
mod supervise;
mod task;
#[cfg(test)]
mod task_gpu_tests;
#[cfg(test)]
mod task_health_tests;
#[cfg(test)]
mod task_missing_tests;
#[cfg(test)]
mod task_tests;
mod unfinished;
mod unit_signals;

pub use crate::firewall::others::Obstacle;
pub use feed::{Feed, Follower};
pub use host::{Conflict, Host, Observed, Probed, Wanted};
pub use host_error::HostError;
pub use host_signals::follow_host;
pub use journal_views::KeepError;
pub use marks::Mark;
pub use order::{Descending, Descent};
pub use others::Surroundings;
pub use plan::{Intent, Plan, Step, plan, removal};
pub use prober::Found;
pub use real_host::RealHost;
pub use status::Status;
pub use supervise::{Backoff, Verdict, verdict};
pub use task::{Handle, Request, Shared, spawn};
