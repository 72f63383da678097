//! A booted host, and what a test does with it.

use std::process::{Child, ChildStdin};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::background::Background;
use crate::boot::Options;
use crate::cgroup::Cgroup;
use crate::command::{Command, Output, wait};
use crate::terminal::Terminal;

/// Commands of the lab live beside the host's own units, in a slice systemd does not know.
const COMMANDS: &str = "lab.slice";

/// A real systemd host. It ends with everything in it when dropped.
///
/// What a test runs is bash text, as a person would type it as root on that host. The methods that
/// return no [`Result`] are for tests: they panic with everything a reader needs to see.
#[derive(Debug)]
pub struct Host {
    leader: u32,
    cgroup: Cgroup,
    keeper: Child,
    lifeline: Option<ChildStdin>,
}

impl Host {
    pub(crate) fn new(leader: u32, cgroup: Cgroup, keeper: Child, lifeline: ChildStdin) -> Self {
        Self {
            leader,
            cgroup,
            keeper,
            lifeline: Some(lifeline),
        }
    }

    /// Boots a bare host.
    #[track_caller]
    pub fn boot() -> Self {
        expect(Options::new().boot())
    }

    /// Boots a host with this build's ctrd running on this declaration.
    #[track_caller]
    pub fn with_ctr(declaration: &str) -> Self {
        expect(Options::new().with_ctr(declaration).boot())
    }

    /// The PID of the host's PID 1, on the machine.
    pub fn leader(&self) -> u32 {
        self.leader
    }

    /// The PID of the process that plays LAN and internet, on the machine.
    pub fn keeper(&self) -> u32 {
        self.keeper.id()
    }

    /// The host's cgroup.
    pub fn cgroup(&self) -> &Cgroup {
        &self.cgroup
    }

    /// A command on the host, as program and arguments.
    pub fn command<I: Into<std::ffi::OsString>>(
        &self,
        argv: impl IntoIterator<Item = I>,
    ) -> Command {
        Command::new(
            self.leader,
            self.leader,
            self.cgroup.path().join(COMMANDS),
            argv,
        )
    }

    /// A command on the host, as bash text.
    pub fn bash(&self, text: &str) -> Command {
        self.command(["bash", "-c", text])
    }

    /// A command on the host's LAN: the host's files, but the network of 192.0.2.1 and 198.51.100.1.
    pub fn lan(&self, text: &str) -> Command {
        let cgroups = self.cgroup.path().join(COMMANDS);
        Command::new(self.leader, self.keeper.id(), cgroups, ["bash", "-c", text])
    }

    /// Runs bash text on the host.
    #[track_caller]
    pub fn run(&self, text: &str) -> Output {
        expect(self.bash(text).output())
    }

    /// Runs bash text on the host that must succeed, and returns its stdout.
    #[track_caller]
    pub fn ok(&self, text: &str) -> String {
        succeeded(text, self.run(text))
    }

    /// Runs bash text on the host that must fail, and returns everything it left behind.
    #[track_caller]
    pub fn fails(&self, text: &str) -> Output {
        let output = self.run(text);
        assert!(!output.success(), "`{text}` succeeded\n{}", output.stdout);
        output
    }

    /// Runs bash text on the LAN that must succeed, and returns its stdout.
    #[track_caller]
    pub fn in_lan(&self, text: &str) -> String {
        succeeded(text, expect(self.lan(text).output()))
    }

    /// Repeats bash text on the host until it succeeds, and returns its stdout.
    #[track_caller]
    pub fn until(&self, text: &str, timeout: Duration) -> String {
        expect(self.try_until(text, timeout))
    }

    /// Repeats bash text on the host until it succeeds.
    pub fn try_until(&self, text: &str, timeout: Duration) -> Result<String> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let output = self
                .bash(text)
                .timeout(left.max(Duration::from_secs(1)))
                .output()?;
            if output.success() {
                return Ok(output.stdout);
            }
            if Instant::now() >= deadline {
                bail!(
                    "not within {} s: {}",
                    timeout.as_secs(),
                    described(text, &output)
                );
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Starts bash text on the host that runs on while the test does.
    #[track_caller]
    pub fn spawn(&self, text: &str) -> Background {
        expect(self.bash(text).spawn())
    }

    /// Starts bash text on the LAN that runs on while the test does.
    #[track_caller]
    pub fn spawn_in_lan(&self, text: &str) -> Background {
        expect(self.lan(text).spawn())
    }

    /// Starts bash text on a terminal of the host.
    #[track_caller]
    pub fn terminal(&self, text: &str) -> Terminal {
        expect(self.bash(text).terminal())
    }

    /// Writes a file, with the directories above it.
    #[track_caller]
    pub fn write(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        let script = "mkdir -p -- \"$(dirname -- \"$1\")\" && cat >\"$1\"";
        let command = self
            .command(["bash", "-c", script, "bash", path])
            .stdin(bytes);
        succeeded(path, expect(command.output()));
    }

    /// Reads a file.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        succeeded(path, expect(self.command(["cat", "--", path]).output()))
    }

    fn end(&mut self) -> Result<()> {
        // The keeper sees its stdin close and takes the host away; wait, so that none is left.
        drop(self.lifeline.take());
        if wait(&mut self.keeper, Duration::from_secs(20))?.is_none() {
            self.keeper.kill()?;
            self.keeper.wait()?;
            self.cgroup
                .destroy(Duration::from_secs(10))
                .context("the keeper did not end")?;
        }
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if thread::panicking()
            && let Ok(journal) = self.journal(Some("ctrd.service"))
            && !journal.is_empty()
        {
            eprintln!("--- the last lines of ctrd's journal\n{journal}---");
        }
        if let Err(error) = self.end() {
            eprintln!("lab: failed to take a host away: {error:#}");
        }
    }
}

/// Stdout of what succeeded.
#[track_caller]
pub(crate) fn succeeded(text: &str, output: Output) -> String {
    assert!(output.success(), "{}", described(text, &output));
    output.stdout
}

/// Everything that a command left behind, for a reader.
pub(crate) fn described(text: &str, output: &Output) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    format!("`{text}` exited with {status}\nstdout: {stdout}\nstderr: {stderr}")
}

/// Ends a test that could not go on.
#[track_caller]
#[expect(
    clippy::panic,
    reason = "the end of a test, with everything its reader needs"
)]
pub(crate) fn expect<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error:#}"),
    }
}
