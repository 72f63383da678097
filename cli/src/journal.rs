//! What containers say, through `journalctl`.
//!
//! There are three places: the unit's own output, what PID 1 says about the unit, and the journal
//! that the guest keeps, which stands below the host's `/var/log/journal` and is found by the guest's machine id.
//! A guest writes what it likes into its own journal, other units' names too: what is said of a unit
//! counts only where the host's own journald wrote it.
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

/// The host's own id, which its journald puts on every line (machine-id(5)).
fn host_id() -> Result<String, Error> {
    let path = "/etc/machine-id";
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::failed(format!("failed to read {path}")).caused(&error))?;
    Ok(text.trim().to_owned())
}

/// The arguments that select what these containers say, on the host with this id.
fn matches(host: &str, containers: &[&ContainerStatus]) -> Vec<String> {
    let of_host = format!("_MACHINE_ID={host}");
    let mut matches = Vec::new();
    for container in containers {
        // Those before a `+` have to hold together (journalctl(1)).
        for alternative in [
            vec![format!("_SYSTEMD_UNIT={}", container.unit), of_host.clone()],
            vec![
                format!("UNIT={}", container.unit),
                "_PID=1".to_owned(),
                of_host.clone(),
            ],
            vec![format!("_MACHINE_ID={}", container.machine_id)],
        ] {
            if !matches.is_empty() {
                matches.push("+".to_owned());
            }
            matches.extend(alternative);
        }
    }
    matches
}

/// The arguments of `journalctl` for `ctr <GROUP> logs`.
pub(crate) fn arguments(
    words: &Logs,
    containers: &[&ContainerStatus],
) -> Result<Vec<String>, Error> {
    Ok(arguments_on(&host_id()?, words, containers))
}

fn arguments_on(host: &str, words: &Logs, containers: &[&ContainerStatus]) -> Vec<String> {
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
    arguments.extend(matches(host, containers));
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
            .args(matches(&host_id()?, &[container]))
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
    use super::arguments_on;
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
            arguments_on("99", &words, &[&sample::running("ml", "ollama")]),
            [
                "--merge",
                "--follow",
                "--lines=5",
                "--since=-1h; reboot",
                "_SYSTEMD_UNIT=ctr-ml-ollama.service",
                "_MACHINE_ID=99",
                "+",
                "UNIT=ctr-ml-ollama.service",
                "_PID=1",
                "_MACHINE_ID=99",
                "+",
                "_MACHINE_ID=4d000000000000000000000000000006",
            ]
        );
    }
}
