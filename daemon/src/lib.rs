//! `ctrd` keeps one promise: what is declared is what runs.

pub mod declaration;
pub mod model;
pub mod os;
pub mod session;
