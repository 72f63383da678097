//! `ctr status --watch`: the table, redrawn as things change.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::time::Duration;

use ctr_api::wire::HostStatus;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::changes::{Change, Changes};
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::render::{CpuMeter, status};
use crate::{output, target};

/// States come by signal; what they use has to be looked at.
const REFRESH: Duration = Duration::from_secs(2);
const BURST: Duration = Duration::from_millis(30);

/// Which part of the host is shown.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) group: Option<String>,
    pub(super) names: Vec<String>,
}

impl Scope {
    /// Leaves only what is asked for.
    pub(super) fn narrow(&self, mut host: HostStatus) -> Result<HostStatus, Error> {
        if let Some(name) = &self.group {
            let wanted: Vec<_> = target::containers(&host, name, &self.names)?
                .into_iter()
                .map(|it| it.name.clone())
                .collect();
            host.groups.retain(|group| group.name == *name);
            for group in &mut host.groups {
                group.containers.retain(|it| wanted.contains(&it.name));
            }
        }
        Ok(host)
    }
}

/// Shows the table until somebody ends it.
pub(super) async fn run(scope: Scope) -> Result<Exit, Error> {
    if !io::stdout().is_terminal() {
        return Err(
            Error::new(Exit::USAGE, "--watch needs a terminal to redraw")
                .hint("`ctr events` prints changes line by line"),
        );
    }
    // A wrong name is told before the screen changes.
    let daemon = Daemon::connect().await?;
    scope.narrow(daemon.status().await?)?;
    let screen = Screen::open()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        ended = draw_for_ever(&scope, daemon, &screen) => ended,
        _ = interrupt.recv() => Ok(Exit::OK),
        _ = terminate.recv() => Ok(Exit::TERMINATED),
        _ = hang_up.recv() => Ok(Exit::TERMINATED),
    }
}

async fn draw_for_ever(scope: &Scope, first: Daemon, screen: &Screen) -> Result<Exit, Error> {
    let mut meter = CpuMeter::default();
    let mut daemon = Some(first);
    loop {
        let seen = match daemon.take() {
            Some(daemon) => follow(scope, &daemon, &mut meter, screen).await,
            None => match Daemon::connect().await {
                Ok(daemon) => follow(scope, &daemon, &mut meter, screen).await,
                Err(error) => Err(error),
            },
        };
        match seen {
            // An upgrade takes the daemon away for a moment; the containers run on meanwhile.
            Err(error) if error.exit == Exit::UNREACHABLE => {
                screen.draw(&error.render(output::view().paint))?;
            }
            Err(error) => return Err(error),
            Ok(()) => {}
        }
        sleep(REFRESH).await;
    }
}

/// Draws until `ctrd` leaves the bus.
async fn follow(
    scope: &Scope,
    daemon: &Daemon,
    meter: &mut CpuMeter,
    screen: &Screen,
) -> Result<(), Error> {
    let mut changes = Changes::of(daemon).await?;
    let mut resized = signal(SignalKind::window_change())?;
    loop {
        let host = scope.narrow(daemon.status().await?)?;
        screen.draw(&status(&host, meter, output::view()))?;
        tokio::select! {
            change = changes.next() => {
                if change == Change::Gone {
                    return Err(Error::unreachable("it left the bus"));
                }
                sleep(BURST).await;
                while changes.at_hand().is_some() {}
            }
            _ = resized.recv() => {}
            () = sleep(REFRESH) => {}
        }
    }
}

/// The terminal's other screen; what stood there before comes back when this is dropped.
struct Screen {
    out: io::Stdout,
    /// A terminal that knows no control sequences (`TERM=dumb`) is written on like paper, where
    /// something differs: what stands there last.
    paper: Option<RefCell<String>>,
}

impl Screen {
    fn open() -> Result<Self, Error> {
        let out = io::stdout();
        if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
            let paper = Some(RefCell::default());
            return Ok(Self { out, paper });
        }
        // Other screen, cursor hidden (xterm control sequences, DECSET 1049 and DECTCEM).
        output::print("\x1b[?1049h\x1b[?25l")?;
        Ok(Self { out, paper: None })
    }

    fn draw(&self, text: &str) -> Result<(), Error> {
        if let Some(paper) = &self.paper {
            let before = paper.replace(text.to_owned());
            if before == text {
                return Ok(());
            }
            return output::print(&format!("{text}\n"));
        }
        let rows = terminal_size::terminal_size_of(&self.out).map_or(24, |(_, rows)| rows.0);
        output::print(&frame(text, rows.into()))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.paper.is_some() {
            return;
        }
        let mut out = self.out.lock();
        let _ = out.write_all(b"\x1b[?25h\x1b[?1049l");
        let _ = out.flush();
    }
}

/// Overwrites the screen line by line, which does not flicker as clearing it first would.
fn frame(text: &str, rows: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    let mut frame = String::from("\x1b[H");
    let fits = lines.len() <= rows;
    let shown = if fits {
        lines.len()
    } else {
        rows.saturating_sub(1)
    };
    for (index, line) in lines.iter().take(shown).enumerate() {
        let end = if index + 1 == rows { "" } else { "\n" };
        let _ = write!(frame, "{line}\x1b[K{end}");
    }
    if !fits {
        let _ = write!(frame, "… {} lines more\x1b[K", lines.len() - shown);
    }
    frame.push_str("\x1b[J");
    frame
}

#[cfg(test)]
mod tests {
    use super::frame;

    #[test]
    fn what_does_not_fit_is_counted() {
        let text = "a\nb\nc\nd\n";
        assert!(frame(text, 4).contains("d\x1b[K\x1b[J"));
        assert!(frame(text, 3).ends_with("… 2 lines more\x1b[K\x1b[J"));
    }
}
