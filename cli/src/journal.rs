//! What containers say: by our own `journalctl` for those who can read the host's journal, else by
//! the one that `ctrd` runs for us.
//!
//! Everything is handed over as one argument each; nothing is ever read by a shell.

use std::env;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use ctr_api::journal::{JournalRequest, Source, VIEWS, host_id, selection, view};
use ctr_api::to_dict;
use ctr_api::wire::ContainerStatus;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Logs;
use crate::authorise::plainly;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::named::{self, Names};
use crate::output;
use crate::program;
use crate::visible::{copy_visibly, visible};

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

/// Becomes `journalctl`, so that its pager, its signals and its exit status are its own; shows what
/// it says where that would write to a terminal what a guest wrote as it is, and with the names of
/// several containers.
pub(crate) fn by_ourselves(words: &Logs, containers: &[&ContainerStatus]) -> Result<Exit, Error> {
    let look = Look::of(words, containers);
    let mut journalctl = Command::new(program::of_the_system("journalctl")?);
    journalctl
        .args(options(words, &look))
        .args(of(Path::new(VIEWS), containers)?);
    let failed = |error| Error::failed("failed to run journalctl").caused(&error);
    let raw = words.output.as_deref().is_some_and(is_raw);
    let shows = matches!(look, Look::Named(_)) || (raw && io::stdout().is_terminal());
    if !shows {
        return Err(failed(journalctl.exec()));
    }
    let mut child = journalctl.stdout(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(lines) = child.stdout.take() {
        show(lines.into(), words.follow, look)?;
    }
    // Whoever left the pager has seen enough.
    let _ = child.kill();
    child.wait().map_err(failed)?;
    Ok(Exit::OK)
}

/// How lines are shown.
enum Look {
    /// As they come.
    Plain,
    /// With the name of who says each.
    Named(Names),
}

impl Look {
    /// Several containers have their names, where no other look is asked for.
    fn of(words: &Logs, containers: &[&ContainerStatus]) -> Self {
        if words.output.is_some() || containers.len() < 2 {
            return Self::Plain;
        }
        let terminal = io::stdout().is_terminal();
        Self::Named(Names::of(containers, output::view().paint, terminal))
    }

    /// What `journalctl` is asked for.
    fn output(&self, words: &Logs) -> Option<String> {
        match self {
            Self::Plain => words.output.clone(),
            Self::Named(_) => Some(named::OUTPUT.to_owned()),
        }
    }

    fn copy(&self, lines: &mut File, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Named(names) => names.copy(&mut BufReader::new(lines), to),
            Self::Plain if io::stdout().is_terminal() => copy_visibly(lines, to),
            Self::Plain => io::copy(lines, to).map(drop),
        }
    }
}

/// Whether `journalctl` shows lines of this look without regard to what is in them. In all others it
/// shows what is no text as its length, or in numbers.
fn is_raw(output: &str) -> bool {
    ["cat", "export"].contains(&output)
}

/// The options of our own `journalctl`.
fn options(words: &Logs, look: &Look) -> Vec<String> {
    let mut arguments = Vec::new();
    if words.follow {
        arguments.push("--follow".to_owned());
    }
    if let Some(lines) = words.lines {
        arguments.push(format!("--lines={lines}"));
    }
    if let Some(since) = &words.since {
        arguments.push(format!("--since={since}"));
    }
    if let Some(output) = look.output(words) {
        arguments.push(format!("--output={output}"));
    }
    arguments
}

/// What of the journal it reads.
fn of(views: &Path, containers: &[&ContainerStatus]) -> Result<Vec<String>, Error> {
    let sources: Vec<Source<'_>> = containers
        .iter()
        .map(|it| Source {
            group: &it.group,
            machine: &it.machine,
            machine_id: &it.machine_id,
            unit: &it.unit,
        })
        .collect();
    let host_id = host_id().map_err(|error| {
        Error::failed("failed to read the host's machine id from /etc/machine-id").caused(&error)
    })?;
    match view(views, &sources).filter(|it| it.is_dir()) {
        Some(view) => Ok(selection(&view, &host_id, &sources)),
        None => Err(Error::failed(format!(
            "the logs have no place to be read from in {}",
            views.display()
        ))
        .hint("`ctr apply` makes it")),
    }
}

/// The lines that `ctrd` reads for us, on stdout: through a pager where somebody looks at them.
pub(crate) async fn by_ctrd(
    daemon: &Daemon,
    words: Logs,
    containers: &[&ContainerStatus],
) -> Result<Exit, Error> {
    // As journalctl has it: who follows begins with the last ten.
    let lines = words.lines.or(words.follow.then_some(10));
    let look = Look::of(&words, containers);
    let request = JournalRequest {
        lines,
        follow: words.follow,
        output: look.output(&words),
        since: words.since,
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
    show(lines.into(), request.follow, look)?;
    let complaints = complaints.join().unwrap_or_default();
    match complaints.trim() {
        "" => Ok(Exit::OK),
        said => Err(Error::failed("journalctl gave up").because(said)),
    }
}

fn show(lines: OwnedFd, follow: bool, look: Look) -> Result<(), Error> {
    let mut lines = File::from(lines);
    let pager = program::of_the_system("less");
    match pager {
        Ok(less) if io::stdout().is_terminal() && !follow && !is_unpaged() => {
            paged(&less, lines, look)
        }
        _ => Ok(look.copy(&mut lines, &mut io::stdout().lock())?),
    }
}

/// Whether who asks wants no pager, said as `journalctl` takes it (journalctl(1), `$SYSTEMD_PAGER`).
fn is_unpaged() -> bool {
    let pager = env::var_os("SYSTEMD_PAGER").or_else(|| env::var_os("PAGER"));
    pager.is_some_and(|it| it.is_empty() || it == "cat")
}

/// Hands the lines to `less`, with the options that `journalctl` gives it.
fn paged(less: &Path, mut lines: File, look: Look) -> Result<(), Error> {
    let failed = |error| Error::failed("failed to run less").caused(&error);
    // Ctrl-C is for the pager, which gives the terminal back: we end after it.
    let _caught = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut pager = Command::new(less)
        .env("LESS", "FRSXMK")
        .stdin(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = pager.stdin.take() {
        // It ends with the lines, or with the pager: then nobody reads what it writes.
        thread::spawn(move || look.copy(&mut lines, &mut input));
    }
    pager.wait().map_err(failed)?;
    Ok(())
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
    visible(&lines.ok().flatten().unwrap_or_default()).into_owned()
}

async fn our_last_lines(container: &ContainerStatus) -> Result<String, Error> {
    let output = tokio::process::Command::new(program::of_the_system("journalctl")?)
        .args(["--quiet", "--no-pager", "--output=short"])
        .arg(format!("--lines={LINES}"))
        .args(of(Path::new(VIEWS), &[container])?)
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
    use std::fs;

    use super::{Look, of, options};
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
        assert_eq!(
            options(&words, &Look::Plain),
            ["--follow", "--lines=5", "--since=-1h; reboot"]
        );
    }

    #[test]
    fn one_container_is_read_from_its_own_place() {
        let directory = tempfile::tempdir().expect("a directory");
        let ollama = sample::running("ml", "ollama");
        assert!(of(directory.path(), &[&ollama]).is_err(), "it is not there");
        let place = directory.path().join("machine/ml-ollama");
        fs::create_dir_all(&place).expect("a place");
        let words = of(directory.path(), &[&ollama]).expect("words");
        assert!(words.contains(&format!("--directory={}", place.display())));
        assert!(words.contains(&"_SYSTEMD_UNIT=ctr-ml-ollama.service".to_owned()));
        assert!(words.contains(&"_MACHINE_ID=4d000000000000000000000000000006".to_owned()));
        let both = [&ollama, &sample::running("ml", "web")];
        assert!(of(directory.path(), &both).is_err());
        fs::create_dir_all(directory.path().join("group/ml")).expect("a place");
        assert!(of(directory.path(), &both).is_ok());
    }
}
