//! `ctrd` keeps one promise: what is declared is what runs.
//!
//! ```text
//!        declaration ──▶ model ──desired──▶ plan ◀──observe── kernel, systemd
//!                                             │
//!   bus ◀──status── reconcile (a task each) ──┴──apply──▶ network, firewall, machine
//! ```
//!
//! One thread runs everything: a task per container ([`reconcile`]), a task per container that
//! tells the bus of changes ([`bus`]), one that follows the host's name servers. Beside it there is
//! one thread that enters network namespaces ([`network`]), and short-lived ones for work that
//! blocks. Arrows never point up: [`bus`] knows the tasks' handles and status, never a resource;
//! resources know [`model`] and [`os`], never each other.

pub mod bus;
pub mod declaration;
mod error_text;
pub mod firewall;
pub mod gpu;
mod guest_text;
pub mod health;
pub mod journal;
pub mod machine;
mod metrics;
pub mod model;
pub mod network;
pub mod os;
pub mod reconcile;
mod run;
pub mod session;

pub use run::run;
