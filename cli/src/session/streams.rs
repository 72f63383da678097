//! The near ends of a session's streams, and the person's own.

use std::env;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use ctr_api::wire::SessionRequest;
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{Winsize, tcgetwinsize, tcsetwinsize};

use super::copy::{Copying, Way};
use super::raw_mode::RawMode;

/// Variables that tell programs what the person's terminal can do, and are true of the guest's too.
const OF_THE_TERMINAL: [&str; 3] = ["TERM", "COLORTERM", "NO_COLOR"];

/// Our ends of what the session was given.
#[derive(Debug)]
pub(super) enum Near {
    /// The master side, once it came.
    Terminal(Option<OwnedFd>),
    /// Its stdin, stdout and stderr.
    Pipes([OwnedFd; 3]),
}

impl Near {
    /// Both ends: ours, and what the session is given.
    ///
    /// Always pipes of our own, never the person's streams: the guest could type into their
    /// terminal, and open their files again for writing.
    pub(super) fn new(terminal: bool) -> io::Result<(Self, Vec<OwnedFd>)> {
        if terminal {
            return Ok((Self::Terminal(None), Vec::new()));
        }
        let pipe = || pipe_with(PipeFlags::CLOEXEC);
        let ((stdin, our_in), (our_out, stdout), (our_err, stderr)) = (pipe()?, pipe()?, pipe()?);
        // Each end of a pipe has flags of its own (pipe(7)): these are ours only.
        for end in [&our_in, &our_out, &our_err] {
            fcntl_setfl(end, OFlags::NONBLOCK)?;
        }
        Ok((
            Self::Pipes([our_in, our_out, our_err]),
            vec![stdin, stdout, stderr],
        ))
    }
}

/// Adds to a request what it has to say about the person's terminal.
pub(super) fn describe_terminal(request: &mut SessionRequest) {
    if !request.terminal {
        return;
    }
    if let Some(size) = size() {
        (request.rows, request.columns) = (size.ws_row, size.ws_col);
    }
    for name in OF_THE_TERMINAL {
        let given = |variable: &String| {
            variable
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('='))
        };
        match env::var(name) {
            Ok(value) if !request.environment.iter().any(given) => {
                request.environment.push(format!("{name}={value}"));
            }
            _ => {}
        }
    }
}

/// The size of the person's terminal: whichever stream is one.
fn size() -> Option<Winsize> {
    tcgetwinsize(io::stdin())
        .or_else(|_| tcgetwinsize(io::stdout()))
        .or_else(|_| tcgetwinsize(io::stderr()))
        .ok()
        .filter(|size| size.ws_row > 0 && size.ws_col > 0)
}

/// Everything that flows.
#[derive(Debug)]
pub(super) struct Streams {
    near: Near,
    raw: Option<RawMode>,
    /// Closed when the command ended, which is what the copies watch.
    running: Option<OwnedFd>,
    outputs: Vec<Copying>,
}

impl Streams {
    /// Nothing flows yet.
    pub(super) fn new(near: Near) -> Self {
        Self {
            near,
            raw: None,
            running: None,
            outputs: Vec::new(),
        }
    }

    /// The session's terminal came.
    pub(super) fn take_terminal(&mut self, master: OwnedFd) {
        if let Near::Terminal(none) = &mut self.near {
            *none = Some(master);
        }
    }

    /// The command runs: lets everything flow.
    pub(super) fn start(&mut self) -> io::Result<()> {
        let (ended, running) = pipe_with(PipeFlags::CLOEXEC)?;
        let copy = |from: OwnedFd, to: OwnedFd, way| -> io::Result<Copying> {
            Copying::start(from, to, ended.try_clone()?, way)
        };
        let (stdin, stdout) = (own(io::stdin())?, own(io::stdout())?);
        match &mut self.near {
            Near::Terminal(master) => {
                let master = master.as_ref().ok_or(io::ErrorKind::NotConnected)?;
                // Nobody else has this description of it: it came with this session.
                fcntl_setfl(master, OFlags::RDWR | OFlags::NONBLOCK)?;
                self.raw = RawMode::of(io::stdin())?;
                copy(stdin, master.try_clone()?, Way::Typed)?;
                self.outputs
                    .push(copy(master.try_clone()?, stdout, Way::Out)?);
            }
            Near::Pipes(pipes) => {
                let none = || -> io::Result<OwnedFd> { own(io::stdin()) };
                let [to_stdin, from_stdout, from_stderr] =
                    std::mem::replace(pipes, [none()?, none()?, none()?]);
                copy(stdin, to_stdin, Way::In)?;
                self.outputs.push(copy(from_stdout, stdout, Way::Out)?);
                self.outputs
                    .push(copy(from_stderr, own(io::stderr())?, Way::Out)?);
            }
        }
        self.running = Some(running);
        self.resize();
        Ok(())
    }

    /// Gives the session's terminal the size of the person's; the kernel tells the programs.
    pub(super) fn resize(&self) {
        if let (Near::Terminal(Some(master)), Some(size)) = (&self.near, size()) {
            let _ = tcsetwinsize(master, size);
        }
    }

    /// Stops `ctr` like any program stops, with the terminal as it was; returns when it goes on.
    pub(super) fn suspend(&self) -> io::Result<()> {
        if let Some(raw) = &self.raw {
            raw.off();
        }
        kill_process(getpid(), Signal::STOP)?;
        self.resize();
        self.raw.as_ref().map_or(Ok(()), RawMode::on)
    }

    /// The command ended: waits for the rest of what it wrote.
    pub(super) async fn drain(mut self) {
        self.running = None;
        for output in self.outputs.drain(..) {
            output.finished().await;
        }
    }
}

fn own(stream: impl AsFd) -> io::Result<OwnedFd> {
    stream.as_fd().try_clone_to_owned()
}
