//! Copying from one descriptor to another, on a thread of its own.
//!
//! Threads and poll(2) instead of non-blocking descriptors, because standard streams are shared:
//! a shell whose terminal `ctr` left non-blocking would see its own reads fail. And a regular file
//! cannot be waited for by epoll(7) at all.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, write};
use tokio::sync::oneshot;

/// What a pipe holds.
const BUFFER: usize = 64 * 1024;

/// What a pipe takes in one piece (limits.h).
const PIPE_BUF: usize = 4096;

/// How long output may be silent after the command ended, where something it left behind in the
/// guest still holds the other end.
const SILENCE: Duration = Duration::from_millis(250);

/// End of file, as a terminal's user types it (termios(3), `VEOF`).
const END_OF_FILE: &[u8] = &[4];

/// Which way, which decides what the end of the command means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the command: its end is the end.
    In,
    /// To a command on a terminal: a pipe's end is typed.
    Typed,
    /// From the command: what it wrote before its end is still copied.
    Out,
}

/// A copy that runs.
#[derive(Debug)]
pub(super) struct Copying(oneshot::Receiver<()>);

impl Copying {
    /// Copies until the end of `from`, until `to` takes no more, or, once `ended` says that the
    /// command ended, until there is no more to copy. Closes both then.
    pub(super) fn start(from: OwnedFd, to: OwnedFd, ended: OwnedFd, way: Way) -> io::Result<Self> {
        let (done, receiver) = oneshot::channel();
        thread::Builder::new()
            .name("copy".to_owned())
            .spawn(move || {
                // An error is an end as well: a terminal whose last user left answers EIO, a pipe
                // that nobody reads EPIPE.
                let _ = copy(&from, &to, &ended, way);
                drop((from, to));
                let _ = done.send(());
            })?;
        Ok(Self(receiver))
    }

    /// Waits for the end of it.
    pub(super) async fn finished(self) {
        // A thread that panicked has finished as well.
        let _ = self.0.await;
    }
}

fn copy(from: &OwnedFd, to: &OwnedFd, ended: &OwnedFd, way: Way) -> Result<(), Errno> {
    let mut buffer = vec![0; BUFFER];
    let mut running = true;
    loop {
        match wait(
            from,
            PollFlags::IN,
            running.then_some(ended),
            (!running).then_some(SILENCE),
        )? {
            Woken::Ready => {}
            Woken::Ended if way == Way::Out => {
                running = false;
                continue;
            }
            Woken::Ended | Woken::TimedOut => return Ok(()),
        }
        let length = match read(from, &mut buffer) {
            Ok(0) if way == Way::Typed => return write_all(to, END_OF_FILE, ended, way),
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(Errno::AGAIN | Errno::INTR) => continue,
            Err(error) => return Err(error),
        };
        write_all(to, buffer.get(..length).unwrap_or_default(), ended, way)?;
    }
}

fn write_all(to: &OwnedFd, mut bytes: &[u8], ended: &OwnedFd, way: Way) -> Result<(), Errno> {
    // Output is written to its end whatever becomes of the command; input that it no longer reads
    // has nowhere to go.
    let ended = (way != Way::Out).then_some(ended);
    while !bytes.is_empty() {
        if let Woken::Ended = wait(to, PollFlags::OUT, ended, None)? {
            return Ok(());
        }
        // A pipe that is ready takes PIPE_BUF bytes at once (poll(2), pipe(7)); for more, a write would
        // wait for room, and not hear of the end. Output waits for nothing else anyway.
        let most = if ended.is_some() {
            PIPE_BUF
        } else {
            bytes.len()
        };
        match write(to, bytes.get(..most).unwrap_or(bytes)) {
            Ok(length) => bytes = bytes.get(length..).unwrap_or_default(),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Why a wait is over.
enum Woken {
    Ready,
    Ended,
    TimedOut,
}

fn wait(
    on: &OwnedFd,
    what: PollFlags,
    ended: Option<&OwnedFd>,
    limit: Option<Duration>,
) -> Result<Woken, Errno> {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    loop {
        let mut descriptors = vec![PollFd::from_borrowed_fd(on.as_fd(), what)];
        // Nothing is ever written there: that it closed is the message.
        descriptors
            .extend(ended.map(|ended| PollFd::from_borrowed_fd(ended.as_fd(), PollFlags::IN)));
        match poll(&mut descriptors, limit.as_ref()) {
            Ok(0) => return Ok(Woken::TimedOut),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error),
        }
        let woken = |index: usize| {
            descriptors
                .get(index)
                .is_some_and(|fd| !fd.revents().is_empty())
        };
        // The end first: a keyboard that never stops would hide it.
        return Ok(if woken(1) { Woken::Ended } else { Woken::Ready });
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write, pipe};
    use std::time::Instant;

    use super::*;

    fn three() -> [(std::io::PipeReader, std::io::PipeWriter); 3] {
        [pipe().unwrap(), pipe().unwrap(), pipe().unwrap()]
    }

    #[tokio::test]
    async fn output_is_whole_after_the_end_of_the_command() {
        let [(from, mut source), (mut result, to), (ended, running)] = three();
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let copying = Copying::start(from.into(), to.into(), ended.into(), Way::Out).unwrap();
        drop(running);
        let sent = bytes.clone();
        let writer = thread::spawn(move || source.write_all(&sent).unwrap());
        let mut received = Vec::new();
        result.read_to_end(&mut received).unwrap();
        writer.join().unwrap();
        copying.finished().await;
        assert!(
            received == bytes,
            "{} of {} bytes",
            received.len(),
            bytes.len()
        );
    }

    #[tokio::test]
    async fn output_that_something_left_behind_holds_open_is_waited_for_a_moment() {
        let [(from, _held), (_result, to), (ended, running)] = three();
        let copying = Copying::start(from.into(), to.into(), ended.into(), Way::Out).unwrap();
        let start = Instant::now();
        drop(running);
        copying.finished().await;
        assert!(start.elapsed() >= SILENCE, "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn input_ends_with_the_command_even_if_it_is_not_read() {
        let [(from, mut source), (_unread, to), (ended, running)] = three();
        thread::spawn(move || while source.write_all(&[0; 4096]).is_ok() {});
        let copying = Copying::start(from.into(), to.into(), ended.into(), Way::In).unwrap();
        thread::sleep(Duration::from_millis(50));
        drop(running);
        copying.finished().await;
    }

    #[tokio::test]
    async fn the_end_of_input_is_typed_on_a_terminal() {
        let [(from, mut source), (mut result, to), (ended, _running)] = three();
        let copying = Copying::start(from.into(), to.into(), ended.into(), Way::Typed).unwrap();
        source.write_all(b"ls\r").unwrap();
        drop(source);
        copying.finished().await;
        let mut typed = Vec::new();
        result.read_to_end(&mut typed).unwrap();
        assert_eq!(typed, b"ls\r\x04");
    }
}
