//! polkit's agent for terminals: it asks on ours, on behalf of this process.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::program;

/// How long it may take to tell polkit about itself.
const START: Duration = Duration::from_secs(10);
/// How long it may take to give the terminal back.
const END: Duration = Duration::from_secs(2);

/// A running pkttyagent(1).
#[derive(Debug)]
pub(super) struct Agent {
    child: Child,
    /// After `child`, which is gone by then.
    _terminal: Option<Mode>,
}

/// A terminal's settings, which it gets back when this value goes.
///
/// The agent gives them back itself, but not if it is interrupted between two of its own steps.
#[derive(Debug)]
struct Mode {
    terminal: File,
    before: Termios,
}

impl Mode {
    /// Those of the terminal that the agent asks on; nothing where there is none.
    fn now() -> Option<Self> {
        let terminal = File::open("/dev/tty").ok()?;
        let before = tcgetattr(&terminal).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

impl Agent {
    /// Starts it, and returns when polkit knows it. Nothing where it is not installed or does not
    /// start: then polkit may have another to ask, and says so if it has none.
    pub(super) async fn start() -> Option<Self> {
        let program = program::of_the_system("pkttyagent").ok()?;
        let terminal = Mode::now();
        // It closes its standard output once polkit knows it. It talks on the terminal itself.
        let mut child = Command::new(program)
            .args(["--notify-fd", "1", "--fallback", "--process"])
            .arg(std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let mut ready = child.stdout.take()?;
        let mut nothing = Vec::new();
        let _ = tokio::time::timeout(START, ready.read_to_end(&mut nothing)).await;
        Some(Self {
            child,
            _terminal: terminal,
        })
    }

    /// Ends it, and gives the terminal back as it was.
    pub(super) async fn end(mut self) {
        let pid = self.child.id().and_then(|it| i32::try_from(it).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        // Dropped, it is killed.
        let _ = tokio::time::timeout(END, self.child.wait()).await;
    }
}
