//! `ctr <GROUP> logs`.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::args::Logs;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::{journal, program, target};

/// Becomes `journalctl` where that can read the journal, so that its pager, its signals and its exit
/// status are its own.
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
    let journalctl = program::of_the_system("journalctl")?;
    let failure = Command::new(journalctl)
        .args(journal::arguments(&words, &containers))
        .exec();
    Err(Error::failed("failed to run journalctl").caused(&failure))
}
