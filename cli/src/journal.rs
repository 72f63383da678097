//! What containers say, through `journalctl`.
//!
//! There are three places: the unit's own output, what PID 1 says about the unit, and the journal
//! that the guest keeps, which stands below the host's `/var/log/journal` and is found by host name.
//! Everything is handed over as one argument each; nothing is ever read by a shell.

use std::process::Stdio;
use std::time::Duration;

use ctr_api::wire::ContainerStatus;
use tokio::process::Command;

use crate::args::Logs;
use crate::error::Error;
use crate::program;

/// How many lines `ctr <GROUP> status NAME` shows.
const LINES: &str = "8";
/// A journal that cannot be read quickly must not hold up a status.
const PATIENCE: Duration = Duration::from_secs(2);

/// The arguments that select what these containers say.
pub(crate) fn matches(containers: &[&ContainerStatus]) -> Vec<String> {
    let mut matches = Vec::new();
    for container in containers {
        for field in [
            format!("_SYSTEMD_UNIT={}", container.unit),
            format!("UNIT={}", container.unit),
            format!("_HOSTNAME={}", container.machine),
        ] {
            if !matches.is_empty() {
                matches.push("+".to_owned());
            }
            matches.push(field);
        }
    }
    matches
}

/// The arguments of `journalctl` for `ctr <GROUP> logs`.
pub(crate) fn arguments(words: &Logs, containers: &[&ContainerStatus]) -> Vec<String> {
    let mut arguments = vec!["--merge".to_owned()];
    if words.follow {
        arguments.push("--follow".to_owned());
    }
    if let Some(lines) = words.lines {
        arguments.push(format!("--lines={lines}"));
    }
    if let Some(since) = &words.since {
        arguments.push(format!("--since={since}"));
    }
    if let Some(output) = &words.output {
        arguments.push(format!("--output={output}"));
    }
    arguments.extend(matches(containers));
    arguments
}

/// The last lines of one container; nothing where the journal cannot be read.
pub(crate) async fn last_lines(container: &ContainerStatus) -> String {
    let lines = async {
        let output = Command::new(program::of_the_system("journalctl")?)
            .args([
                "--merge",
                "--quiet",
                "--no-pager",
                "--output=short",
                "--lines",
                LINES,
            ])
            .args(matches(&[container]))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        Ok::<_, Error>(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    match tokio::time::timeout(PATIENCE, lines).await {
        Ok(Ok(lines)) => lines,
        Ok(Err(_)) | Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::arguments;
    use crate::args::Logs;
    use crate::sample;

    #[test]
    fn a_container_is_its_unit_and_its_guest() {
        let words = Logs {
            names: vec![],
            follow: true,
            lines: Some(5),
            since: Some("-1h; reboot".to_owned()),
            output: None,
        };
        assert_eq!(
            arguments(&words, &[&sample::running("ml", "ollama")]),
            [
                "--merge",
                "--follow",
                "--lines=5",
                "--since=-1h; reboot",
                "_SYSTEMD_UNIT=ctr-ml-ollama.service",
                "+",
                "UNIT=ctr-ml-ollama.service",
                "+",
                "_HOSTNAME=ml-ollama",
            ]
        );
    }
}
