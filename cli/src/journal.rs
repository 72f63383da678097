//! What containers say: by our own `journalctl` for those who can read the host's journal, else by
//! the one that `ctrd` runs for us.
//!
//! Everything is handed over as one argument each; nothing is ever read by a shell.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use ctr_api::journal::{JournalRequest, matches};
use ctr_api::to_dict;
use ctr_api::wire::ContainerStatus;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Logs;
use crate::authorise::plainly;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::program;

/// How many lines `ctr <GROUP> status NAME` shows.
const LINES: u64 = 8;
/// A journal that cannot be read quickly must not hold up a status.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether this process reads the host's journal itself: root does, and whoever the host lets open
/// the files.
pub(crate) fn is_ours_to_read() -> bool {
    let readable = |place: &str| {
        let Ok(entries) = Path::new(place).read_dir() else {
            return false;
        };
        let mut files = entries.flatten().map(|it| it.path().join("system.journal"));
        files.any(|file| File::open(file).is_ok())
    };
    rustix::process::geteuid().is_root()
        || readable("/var/log/journal")
        || readable("/run/log/journal")
}

/// The arguments of our own `journalctl`.
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
    arguments.extend(of(containers));
    arguments
}

fn of(containers: &[&ContainerStatus]) -> Vec<String> {
    matches(
        containers
            .iter()
            .map(|it| (it.unit.as_str(), it.machine_id.as_str())),
    )
}

/// The lines that `ctrd` reads for us, on stdout: through a pager where somebody looks at them.
pub(crate) async fn by_ctrd(
    daemon: &Daemon,
    words: Logs,
    containers: &[&ContainerStatus],
) -> Result<Exit, Error> {
    // As journalctl has it: who follows begins with the last ten.
    let lines = words.lines.or(words.follow.then_some(10));
    let request = JournalRequest {
        lines,
        since: words.since,
        follow: words.follow,
        output: words.output,
    };
    let names: Vec<_> = containers
        .iter()
        .map(|it| (it.group.as_str(), it.name.as_str()))
        .collect();
    let sent = (names, to_dict(&request)?);
    let manager = daemon.manager().inner();
    let (lines, complaints): (zbus::OwnedFd, zbus::OwnedFd) =
        daemon.asker().call(manager, "OpenJournal", &sent).await?;
    let complaints = thread::spawn(move || text(complaints.into()));
    show(lines.into(), request.follow)?;
    let complaints = complaints.join().unwrap_or_default();
    match complaints.trim() {
        "" => Ok(Exit::OK),
        said => Err(Error::failed("journalctl gave up").because(said)),
    }
}

fn show(lines: OwnedFd, follow: bool) -> Result<(), Error> {
    if !follow && io::stdout().is_terminal() && paged(&lines)? {
        return Ok(());
    }
    io::copy(&mut File::from(lines), &mut io::stdout().lock())?;
    Ok(())
}

/// Hands the lines to `less`, with the options that `journalctl` gives it; no where there is none.
fn paged(lines: &OwnedFd) -> Result<bool, Error> {
    let Ok(less) = program::of_the_system("less") else {
        return Ok(false);
    };
    let failed = |error| Error::failed("failed to run less").caused(&error);
    // Ctrl-C is for the pager, which gives the terminal back: we end after it.
    let _caught = signal(SignalKind::interrupt()).map_err(failed)?;
    Command::new(less)
        .env("LESS", "FRSXMK")
        .stdin(Stdio::from(lines.try_clone().map_err(failed)?))
        .status()
        .map_err(failed)?;
    Ok(true)
}

fn text(end: OwnedFd) -> String {
    let mut bytes = Vec::new();
    let _ = File::from(end).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The last lines of one container; nothing where they cannot be read. Nobody is asked for a
/// password for them.
pub(crate) async fn last_lines(daemon: &Daemon, container: &ContainerStatus) -> String {
    let lines = async {
        if is_ours_to_read() {
            our_last_lines(container).await.ok()
        } else {
            ctrds_last_lines(daemon, container).await.ok()
        }
    };
    let lines = tokio::time::timeout(PATIENCE, lines).await;
    lines.ok().flatten().unwrap_or_default()
}

async fn our_last_lines(container: &ContainerStatus) -> Result<String, Error> {
    let output = tokio::process::Command::new(program::of_the_system("journalctl")?)
        .args(["--merge", "--quiet", "--no-pager", "--output=short"])
        .arg(format!("--lines={LINES}"))
        .args(of(&[container]))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn ctrds_last_lines(daemon: &Daemon, container: &ContainerStatus) -> Result<String, Error> {
    let request = JournalRequest {
        lines: Some(LINES),
        ..JournalRequest::default()
    };
    let proxy = daemon.container(&container.group, &container.name).await?;
    let sent = (to_dict(&request)?,);
    let (lines, _): (zbus::OwnedFd, zbus::OwnedFd) =
        plainly(proxy.inner(), "OpenJournal", &sent).await?;
    tokio::task::spawn_blocking(move || text(lines.into()))
        .await
        .map_err(|error| Error::failed("failed to read the journal").caused(&error))
}

#[cfg(test)]
mod tests {
    use super::arguments;
    use crate::args::Logs;
    use crate::sample;

    #[test]
    fn what_is_typed_stays_behind_its_option() {
        let words = Logs {
            names: vec![],
            follow: true,
            lines: Some(5),
            since: Some("-1h; reboot".to_owned()),
            output: None,
        };
        let arguments = arguments(&words, &[&sample::running("ml", "ollama")]);
        let (options, matches) = arguments.split_at(4);
        assert_eq!(
            options,
            ["--merge", "--follow", "--lines=5", "--since=-1h; reboot"]
        );
        assert!(matches.contains(&"_SYSTEMD_UNIT=ctr-ml-ollama.service".to_owned()));
        assert!(matches.contains(&"_MACHINE_ID=4d000000000000000000000000000006".to_owned()));
    }
}
