//! Whether a container works: what a probe is, and what comes of its results.
//!
//! ```text
//! a socket in the container's network ──tcp, http──> Outcome ──> Course ──> Verdict   (pure from Outcome on)
//! a command in the guest              ──command───┘     └ its words: `status 503`
//! ```
//!
//! `ctrd` makes the connections itself: its socket is made in the container's network namespace and stays
//! there (`network_namespaces(7)`), so a probe reaches the container as the container reaches itself,
//! whatever the firewalls of the host say, and there is no process and nothing of the guest's for
//! it. What the guest answers is bounded in time and size, and is never obeyed: no redirect is followed.

mod connection;
mod course;
mod http;
mod outcome;
mod spread;

pub use connection::{try_http, try_tcp};
pub use course::{Course, Verdict};
pub use http::Request;
pub use outcome::Outcome;
pub use spread::{Share, until_next};
