//! `ctr down`: take away everything that is not data.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal};

use ctr_api::wire::{DownReport, State};
use ctr_api::{Dict, from_dict};

use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::output;
use crate::render::Paint;

pub(super) async fn run(yes: bool, json: bool) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    if !yes && !confirmed(&daemon).await? {
        output::say("nothing was done\n");
        return Ok(Exit::FAILED);
    }
    let manager = daemon.manager().inner();
    let answer: Dict = daemon.asker().call(manager, "Down", &()).await?;
    let report: DownReport = from_dict(&answer)?;
    if json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report, output::view().paint))?;
    }
    for failure in &report.failures {
        output::report(&Error::failed(failure));
    }
    Ok(if report.failures.is_empty() {
        Exit::OK
    } else {
        Exit::FAILED
    })
}

async fn confirmed(daemon: &Daemon) -> Result<bool, Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::new(
            Exit::USAGE,
            "`ctr down` asks first, and nobody is here to answer",
        )
        .hint("`ctr down --yes` does not ask"));
    }
    let host = daemon.status().await?;
    let containers = host.groups.iter().flat_map(|group| &group.containers);
    let running = containers
        .filter(|it| !matches!(it.state, State::Stopped))
        .count();
    output::say(&format!(
        "This stops {running} containers and takes away the bridges, the firewall tables and the \
         namespaces of {} groups.\nTheir data stays. Go on? [y/N] ",
        host.groups.len()
    ));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn text(report: &DownReport, paint: Paint) -> String {
    let mut text = String::new();
    if report.removed.is_empty() {
        text.push_str("there was nothing to take away\n");
    }
    for removed in &report.removed {
        let _ = writeln!(text, "removed  {removed}");
    }
    if !report.data.is_empty() {
        let _ = writeln!(text, "\n{}", paint.strong("Data that stays:"));
    }
    for path in &report.data {
        let _ = writeln!(text, "  {path}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::render::Paint;
    use ctr_api::wire::DownReport;

    #[test]
    fn data_that_stays_is_named() {
        let report = DownReport {
            removed: vec!["container ml/ollama".to_owned(), "bridge br-ml".to_owned()],
            data: vec!["/var/lib/ctr/ml-ollama".to_owned()],
            failures: vec![],
        };
        assert_eq!(
            text(&report, Paint::plain()),
            "removed  container ml/ollama\nremoved  bridge br-ml\n\n\
             Data that stays:\n  /var/lib/ctr/ml-ollama\n"
        );
    }
}
