//! `ctr <GROUP> logs`.

use crate::args::Logs;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::{journal, target};

/// Reads the journal itself where it can, else has `ctrd` read it.
pub(super) async fn run(group: &str, words: Logs) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    let host = daemon.status().await?;
    let containers = target::containers(&host, group, &words.names)?;
    if containers.is_empty() {
        return Err(Error::failed(format!("{group} has no containers")));
    }
    if !journal::is_ours_to_read() {
        return journal::by_ctrd(&daemon, words, &containers).await;
    }
    journal::by_ourselves(&words, &containers)
}
