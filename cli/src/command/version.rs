//! `ctr version`.

use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::output;

pub(super) async fn run() -> Result<Exit, Error> {
    output::print(&format!("ctr {}\n", env!("CARGO_PKG_VERSION")))?;
    let daemon = Daemon::connect().await?;
    output::print(&format!("ctrd {}\n", daemon.status().await?.version))?;
    Ok(Exit::OK)
}
