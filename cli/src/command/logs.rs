//! `ctr <GROUP> logs`.

use ctr_api::wire::HostStatus;

use crate::args::Logs;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::{journal, last_words, target};

/// Reads the journal itself where it can, else has `ctrd` read it.
pub(super) async fn run(group: &str, words: Logs) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    let host = daemon.status().await?;
    let containers = target::containers(&host, group, &words.names)
        .map_err(|error| tell_of_those_that_were(error, &host, group, &words.names))?;
    if containers.is_empty() {
        return Err(Error::failed(format!("{group} has no containers")));
    }
    if !journal::is_ours_to_read() {
        return journal::by_ctrd(&daemon, words, &containers).await;
    }
    journal::by_ourselves(&words, &containers)
}

/// What is declared no more has been, where the journal knows it.
fn tell_of_those_that_were(
    mut error: Error,
    host: &HostStatus,
    group: &str,
    names: &[String],
) -> Error {
    let is_there = |name: &str| target::container(host, group, name).is_ok();
    for name in names.iter().filter(|name| !is_there(name)) {
        if let Some(command) = last_words::of(group, name) {
            error = error.hint_too(&format!(
                "what {group}/{name} said before is in `{command}`"
            ));
        }
    }
    error
}
