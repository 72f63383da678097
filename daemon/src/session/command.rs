//! A command in a guest that `ctrd` itself waits for: a session whose client is `ctrd`.
//!
//! What the guest says is read and passed on line by line, and never believed. When `ctrd` ends, its
//! end of the line is closed, and the session ends the command.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ctr_api::session::{Event, MAX_MESSAGE, decode};
use ctr_api::wire::SessionRequest;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, socketpair};
use thiserror::Error;

use crate::guest_text::visible;

use super::open::{Guest, SessionError, open_in};
use super::passing;

/// The longest line that is passed on, in bytes; a longer one is passed on in pieces.
const MAX_LINE: usize = 1024;

/// A command did not come to its end.
#[derive(Debug, Error)]
pub enum CommandError {
    /// There is no session for it.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// It was not executed, in the session's words.
    #[error("{0}")]
    NotExecuted(String),
    /// The container ended with it.
    #[error("the container ended before it did")]
    Lost,
    /// It took too long, and was ended.
    #[error("it was not done within {} s", .0.as_secs())]
    TooLong(Duration),
    /// A call failed.
    #[error("failed to follow it")]
    Follow(#[from] io::Error),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEnd {
    /// By itself, with this status.
    Status(u8),
    /// By this signal.
    Signal(u8),
}

/// Runs a command in a guest and waits for its end, at most `limit`. What it writes on its standard
/// output and error comes to `line`, in that order, a line at a time; it has no input.
///
/// Blocks.
pub fn run(
    guest: &Guest,
    request: SessionRequest,
    limit: Duration,
    line: impl FnMut(&str),
) -> Result<CommandEnd, CommandError> {
    run_in(guest, None, request, limit, line)
}

/// The same, with the command in a cgroup beside the guest's.
pub(super) fn run_in(
    guest: &Guest,
    enclosure: Option<PathBuf>,
    request: SessionRequest,
    limit: Duration,
    mut line: impl FnMut(&str),
) -> Result<CommandEnd, CommandError> {
    let end = Instant::now() + limit;
    let (control, theirs) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .map_err(io::Error::from)?;
    // The far end of the input is closed at once: whoever reads finds the end.
    let (input, _) = io::pipe()?;
    let (output, writer) = io::pipe()?;
    fcntl(&output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(io::Error::from)?;
    let errors = writer.try_clone()?;
    let streams: Vec<OwnedFd> = vec![input.into(), writer.into(), errors.into()];
    open_in(guest, enclosure, request, theirs, streams)?;
    let mut said = Lines::of(output);
    loop {
        wait(&control, &said, end).map_err(|it| it.unwrap_or(CommandError::TooLong(limit)))?;
        said.read(&mut line)?;
        let Some(event) = hear(&control)? else {
            continue;
        };
        let ended = match event {
            Event::Terminal | Event::Started => continue,
            Event::Exited { status } => CommandEnd::Status(status),
            Event::Killed { signal } => CommandEnd::Signal(signal),
            Event::Failed { message, .. } => return Err(CommandError::NotExecuted(message)),
        };
        // What it left running may hold the pipe open for ever: what is there now is all.
        said.read(&mut line)?;
        said.finish(&mut line);
        return Ok(ended);
    }
}

/// Until there is something to read; `None` where there was nothing in time.
fn wait(control: &OwnedFd, said: &Lines, end: Instant) -> Result<(), Option<CommandError>> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(None);
    }
    let timeout = Timespec::try_from(left).unwrap_or_default();
    let line = PollFd::new(control, PollFlags::IN);
    let mut both = [line.clone(), PollFd::new(&said.from, PollFlags::IN)];
    let mut one = [line];
    // A pipe that is closed stays readable.
    let ready: &mut [PollFd<'_>] = if said.closed { &mut one } else { &mut both };
    match poll(ready, Some(&timeout)) {
        Ok(0) => Err(None),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(Some(io::Error::from(error).into())),
    }
}

/// What the session says; nothing where it has said nothing yet.
fn hear(control: &OwnedFd) -> Result<Option<Event>, CommandError> {
    let mut bytes = [0; MAX_MESSAGE];
    match passing::receive(control.as_fd(), &mut bytes, RecvFlags::DONTWAIT) {
        Ok((0, _)) => Err(CommandError::Lost),
        Ok((length, _)) => Ok(bytes.get(..length).and_then(|it| decode(it).ok())),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Err(CommandError::Lost),
        Err(error) => Err(error.into()),
    }
}

/// The lines that come out of a pipe.
struct Lines {
    from: io::PipeReader,
    closed: bool,
    begun: Vec<u8>,
}

impl Lines {
    fn of(from: io::PipeReader) -> Self {
        Self {
            from,
            closed: false,
            begun: Vec::new(),
        }
    }

    /// Passes on what is there. At most as much as a pipe holds: a guest that writes without end
    /// keeps nobody from looking at the time.
    fn read(&mut self, line: &mut impl FnMut(&str)) -> io::Result<()> {
        const PIPE: usize = 64 << 10;
        let mut bytes = [0; 4096];
        for _ in 0..PIPE / bytes.len() {
            if self.closed {
                return Ok(());
            }
            match self.from.read(&mut bytes) {
                Ok(0) => self.closed = true,
                Ok(length) => self.take(bytes.get(..length).unwrap_or_default(), line),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8], line: &mut impl FnMut(&str)) {
        for &byte in bytes {
            if byte == b'\n' || self.begun.len() >= MAX_LINE {
                self.finish(line);
            }
            if byte != b'\n' {
                self.begun.push(byte);
            }
        }
    }

    /// Passes on a line that has no end.
    fn finish(&mut self, line: &mut impl FnMut(&str)) {
        if !self.begun.is_empty() {
            let begun = std::mem::take(&mut self.begun);
            line(&visible(String::from_utf8_lossy(&begun).trim_end()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn lines_come_one_at_a_time_and_none_is_endless() {
        let (reader, mut writer) = io::pipe().unwrap();
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let mut lines = Lines::of(reader);
        let mut seen = Vec::new();
        writer.write_all(b"one\n\ntwo \x1b[31m\nthr").unwrap();
        lines.read(&mut |it| seen.push(it.to_owned())).unwrap();
        assert_eq!(seen, ["one", "two \\u{1b}[31m"]);
        writer.write_all(b"ee").unwrap();
        writer.write_all(&[b'x'; 3 * MAX_LINE]).unwrap();
        drop(writer);
        lines.read(&mut |it| seen.push(it.to_owned())).unwrap();
        lines.finish(&mut |it| seen.push(it.to_owned()));
        assert!(lines.closed);
        assert!(seen[2].starts_with("threexxx"), "{}", seen[2]);
        assert!(seen.iter().all(|it| it.len() <= MAX_LINE));
        assert_eq!(seen[2..].concat().len(), 5 + 3 * MAX_LINE);
    }
}
