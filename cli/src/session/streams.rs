//! The near ends of a session's streams, and everything that flows through them.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::tcsetwinsize;

use super::copy::{Copying, Way};
use super::person::Person;
use super::raw_mode::RawMode;

/// Our ends of what the session has.
#[derive(Debug)]
pub(super) enum Near {
    /// The master side of its terminal, once it came.
    Terminal(Option<OwnedFd>),
    /// The other ends of its stdin, stdout and stderr, until they flow.
    Pipes(Option<[OwnedFd; 3]>),
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
        let far = vec![stdin, stdout, stderr];
        Ok((Self::Pipes(Some([our_in, our_out, our_err])), far))
    }
}

/// Everything that flows.
#[derive(Debug)]
pub(super) struct Streams {
    person: Person,
    near: Near,
    raw: Option<RawMode>,
    /// Closed when the command ended, which is what the copies watch.
    running: Option<OwnedFd>,
    outputs: Vec<Copying>,
}

impl Streams {
    /// Nothing flows yet.
    pub(super) fn new(person: Person, near: Near) -> Self {
        Self {
            person,
            near,
            raw: None,
            running: None,
            outputs: Vec::new(),
        }
    }

    /// The session's terminal came.
    pub(super) fn take_terminal(&mut self, terminal: OwnedFd) {
        if let Near::Terminal(none) = &mut self.near {
            *none = Some(terminal);
        }
    }

    /// The command runs: lets everything flow.
    pub(super) fn start(&mut self) -> io::Result<()> {
        let (ended, running) = pipe_with(PipeFlags::CLOEXEC)?;
        let copy = |from: &OwnedFd, to: &OwnedFd, way| {
            Copying::start(from.try_clone()?, to.try_clone()?, ended.try_clone()?, way)
        };
        let person = &self.person;
        self.outputs = match &mut self.near {
            Near::Terminal(master) => {
                let master = master.as_ref().ok_or(io::ErrorKind::NotConnected)?;
                // Nobody else has this description of it: it came with this session.
                fcntl_setfl(master, OFlags::RDWR | OFlags::NONBLOCK)?;
                self.raw = RawMode::of(&person.stdin)?;
                copy(&person.stdin, master, Way::Typed)?;
                vec![copy(master, &person.stdout, Way::Out)?]
            }
            // Taken, so that the copies alone hold them: the end of one is the end of the pipe.
            Near::Pipes(pipes) => {
                let [stdin, stdout, stderr] = pipes.take().ok_or(io::ErrorKind::NotConnected)?;
                copy(&person.stdin, &stdin, Way::In)?;
                vec![
                    copy(&stdout, &person.stdout, Way::Out)?,
                    copy(&stderr, &person.stderr, Way::Out)?,
                ]
            }
        };
        self.running = Some(running);
        self.resize();
        Ok(())
    }

    /// Gives the session's terminal the size of the person's; the kernel tells the programs.
    pub(super) fn resize(&self) {
        if let (Near::Terminal(Some(master)), Some(size)) = (&self.near, self.person.size()) {
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
