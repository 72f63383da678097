//! `ctrd` keeps one promise: what is declared is what runs.

pub mod declaration;
pub mod firewall;
pub mod model;
pub mod network;
pub mod os;
