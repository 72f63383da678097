//! `ctr <GROUP> logs`.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::args::Logs;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::{journal, program, target};

/// Becomes `journalctl`, so that its pager, its signals and its exit status are its own.
pub(super) async fn run(group: &str, words: Logs) -> Result<Exit, Error> {
    let host = Daemon::connect().await?.status().await?;
    let containers = target::containers(&host, group, &words.names)?;
    if containers.is_empty() {
        return Err(Error::failed(format!("{group} has no containers")));
    }
    let journalctl = program::of_the_system("journalctl")?;
    let failure = Command::new(journalctl)
        .args(journal::arguments(&words, &containers)?)
        .exec();
    Err(Error::failed("failed to run journalctl").caused(&failure))
}
