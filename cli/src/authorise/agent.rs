//! polkit's agent for terminals: it asks on ours, on behalf of this process.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::program;

/// How long it may take to tell polkit about itself.
const START: Duration = Duration::from_secs(10);
/// How long it may take to give the terminal back.
const END: Duration = Duration::from_secs(2);

/// A running pkttyagent(1).
#[derive(Debug)]
pub(super) struct Agent(Child);

impl Agent {
    /// Starts it, and returns when polkit knows it. Nothing where it is not installed or does not
    /// start: then polkit may have another to ask, and says so if it has none.
    pub(super) async fn start() -> Option<Self> {
        let program = program::of_the_system("pkttyagent").ok()?;
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
        Some(Self(child))
    }

    /// Ends it, so that it gives the terminal back as it was.
    pub(super) async fn end(mut self) {
        let pid = self.0.id().and_then(|it| i32::try_from(it).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        // Dropped, it is killed.
        let _ = tokio::time::timeout(END, self.0.wait()).await;
    }
}
