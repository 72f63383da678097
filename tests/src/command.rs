//! One command in a running host or on its LAN.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::background::Background;
use crate::cgroup::Cgroup;
use crate::enter::Entrance;
use crate::interactive;
use crate::program;
use crate::stream::Stream;
use crate::terminal::Terminal;

/// How long a command may take unless it says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long the rest of a finished command's output may take to arrive.
const DRAIN: Duration = Duration::from_millis(300);

/// A command to be run, as made by [`Host::command`](crate::Host::command).
#[derive(Debug, Clone)]
pub struct Command {
    leader: u32,
    network: u32,
    cgroups: PathBuf,
    argv: Vec<OsString>,
    stdin: Vec<u8>,
    timeout: Duration,
}

/// What a finished command left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its exit status; 128 + n where signal n ended it.
    pub status: i32,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Output {
    /// Whether it exited with 0.
    pub fn success(&self) -> bool {
        self.status == 0
    }
}

impl Command {
    pub(crate) fn new(
        leader: u32,
        network: u32,
        cgroups: PathBuf,
        argv: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let argv = argv.into_iter().map(Into::into).collect();
        Self {
            leader,
            network,
            cgroups,
            argv,
            stdin: Vec::new(),
            timeout: TIMEOUT,
        }
    }

    /// Gives it these bytes on stdin, which is empty otherwise.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Ends it, and everything it started, after this long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it to its end. A command that fails is an output; one that could not run, an error.
    pub fn output(&self) -> Result<Output> {
        let (mut child, cgroup) = self.start(Stdio::piped(), Stdio::piped(), Stdio::piped())?;
        let [stdout, stderr] = self.connect(&mut child)?;
        let status = wait(&mut child, self.timeout)?;
        if status.is_none() {
            cgroup.kill()?;
            child
                .wait()
                .context("failed to end a command that took too long")?;
        }
        let (stdout, stderr) = (stdout.settle(DRAIN), stderr.settle(DRAIN));
        cgroup.remove_if_empty();
        let Some(status) = status else {
            bail!(
                "{self} took longer than {} s\nstdout: {stdout}\nstderr: {stderr}",
                self.timeout.as_secs()
            );
        };
        Ok(Output {
            status: code(status),
            stdout,
            stderr,
        })
    }

    /// Starts it and lets it run until it ends, is dropped, or the host ends.
    pub fn spawn(&self) -> Result<Background> {
        let (mut child, cgroup) = self.start(Stdio::piped(), Stdio::piped(), Stdio::piped())?;
        let streams = self.connect(&mut child)?;
        Ok(Background::new(child, cgroup, streams))
    }

    /// Runs it with this process's own stdin, stdout and stderr, for as long as it takes.
    pub fn inherit(&self) -> Result<i32> {
        let (mut child, cgroup) =
            self.start(Stdio::inherit(), Stdio::inherit(), Stdio::inherit())?;
        let status = child.wait().context("failed to wait for a command")?;
        cgroup.remove_if_empty();
        Ok(code(status))
    }

    /// Starts it on a terminal of the host, of 80 columns and 24 rows.
    pub fn terminal(mut self) -> Result<Terminal> {
        let (master, slave) = Terminal::open(self.leader)?;
        // A session of its own with this terminal in control, as login programs give it.
        self.argv
            .splice(0..0, ["setsid", "--ctty", "--"].map(OsString::from));
        let (child, cgroup) = self.start(
            slave.try_clone()?.into(),
            slave.try_clone()?.into(),
            slave.into(),
        )?;
        Terminal::new(master, child, cgroup)
    }

    /// Starts it on a terminal of the host with this process's own terminal in front of it, for a
    /// person, and returns its exit status.
    pub fn interact(mut self) -> Result<i32> {
        let (master, slave) = Terminal::open(self.leader)?;
        self.argv
            .splice(0..0, ["setsid", "--ctty", "--"].map(OsString::from));
        let (mut child, cgroup) = self.start(
            slave.try_clone()?.into(),
            slave.try_clone()?.into(),
            slave.into(),
        )?;
        let relayed = interactive::relay(master);
        if relayed.is_err() {
            cgroup.kill()?;
        }
        let status = child.wait().context("failed to wait for a command")?;
        cgroup.remove_if_empty();
        relayed.map(|()| code(status))
    }

    /// Feeds the child's stdin and collects what it writes.
    fn connect(&self, child: &mut Child) -> Result<[Stream; 2]> {
        let mut stdin = child.stdin.take().context("a command without stdin")?;
        let stdout = child.stdout.take().context("a command without stdout")?;
        let stderr = child.stderr.take().context("a command without stderr")?;
        let bytes = self.stdin.clone();
        // On a thread: a command may well write before it reads, or never read at all.
        thread::spawn(move || stdin.write_all(&bytes));
        Ok([Stream::of(stdout), Stream::of(stderr)])
    }

    fn start(&self, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Result<(Child, Cgroup)> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let cgroup = Cgroup::at(&self.cgroups).child(&name);
        cgroup.create()?;
        let entrance = Entrance {
            leader: self.leader,
            network: self.network,
            cgroup: cgroup.path().to_owned(),
        };
        let child = std::process::Command::new(program::lab()?)
            .args(["internal", "enter"])
            .args(entrance.arguments())
            .args(&self.argv)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .context("failed to start the lab's own program")?;
        Ok((child, cgroup))
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<_> = self
            .argv
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        write!(formatter, "`{}`", words.join(" "))
    }
}

/// Waits for a child, but no longer than `timeout`.
pub(crate) fn wait(child: &mut Child, timeout: Duration) -> Result<Option<ExitStatus>> {
    let deadline = Instant::now() + timeout;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().context("failed to wait for a command")? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// An exit status as a shell tells it.
pub(crate) fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}
