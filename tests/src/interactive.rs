//! A person at a terminal of the host: keys go in, the screen comes out, the size follows.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::termios::{
    OptionalActions, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};

/// Whether there is a person: both ends of this process's own terminal.
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Relays between this process's terminal and `master` until the last program there has ended.
pub(crate) fn relay(mut master: File) -> Result<()> {
    let _raw = Raw::enter()?;
    let mut size = None;
    let mut keys_end = false;
    let (stdin, mut stdout) = (io::stdin(), io::stdout());
    let mut buffer = [0; 8192];
    loop {
        follow_size(&master, &mut size)?;
        let mut ends = vec![PollFd::new(master.as_fd(), PollFlags::POLLIN)];
        if !keys_end {
            ends.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
        }
        // The size is looked at between keys: a quarter of a second is quick enough for a window.
        poll(&mut ends, PollTimeout::from(250u8)).context("failed to wait for the terminal")?;
        let ready: Vec<bool> = ends.iter().map(|end| end.any().unwrap_or(true)).collect();
        drop(ends);
        if ready.get(1) == Some(&true) {
            let count = stdin.lock().read(&mut buffer).unwrap_or(0);
            keys_end = count == 0;
            master
                .write_all(&buffer[..count])
                .context("failed to type")?;
        }
        if ready.first() == Some(&true) {
            // The terminal of programs that have all ended answers EIO.
            let count = master.read(&mut buffer).unwrap_or(0);
            if count == 0 {
                return Ok(());
            }
            stdout.write_all(&buffer[..count])?;
            stdout.flush()?;
        }
    }
}

fn follow_size(master: &File, last: &mut Option<Winsize>) -> Result<()> {
    let now = tcgetwinsize(io::stdout()).context("failed to read the terminal's size")?;
    let changed = last.is_none_or(|last| (last.ws_row, last.ws_col) != (now.ws_row, now.ws_col));
    if changed {
        tcsetwinsize(master, now).context("failed to pass the terminal's size on")?;
        *last = Some(now);
    }
    Ok(())
}

/// The terminal as the host's programs need it: every key goes to them, ctrl-C as well.
struct Raw(Termios);

impl Raw {
    fn enter() -> Result<Self> {
        let before = tcgetattr(io::stdin()).context("failed to read the terminal's settings")?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)
            .context("failed to change the terminal's settings")?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
