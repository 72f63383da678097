//! The person's own streams: what `ctr` was started with.

use std::env;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use ctr_api::wire::SessionRequest;
use rustix::termios::{Winsize, tcgetwinsize};

/// Variables that tell programs what the person's terminal can do, and are true of the guest's too.
const OF_THE_TERMINAL: [&str; 3] = ["TERM", "COLORTERM", "NO_COLOR"];

/// The person's own streams.
#[derive(Debug)]
pub(super) struct Person {
    /// Where they type, or a file or pipe they gave.
    pub(super) stdin: OwnedFd,
    /// Where they read.
    pub(super) stdout: OwnedFd,
    /// Where they read what went wrong.
    pub(super) stderr: OwnedFd,
}

impl Person {
    /// The one at this process's standard streams.
    pub(super) fn here() -> io::Result<Self> {
        let own = |stream: &dyn AsFd| stream.as_fd().try_clone_to_owned();
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        Ok(Self {
            stdin: own(&stdin)?,
            stdout: own(&stdout)?,
            stderr: own(&stderr)?,
        })
    }

    /// The size of their terminal: of whichever stream is one.
    pub(super) fn size(&self) -> Option<Winsize> {
        tcgetwinsize(&self.stdin)
            .or_else(|_| tcgetwinsize(&self.stdout))
            .or_else(|_| tcgetwinsize(&self.stderr))
            .ok()
            .filter(|size| size.ws_row > 0 && size.ws_col > 0)
    }

    /// Adds to a request what it has to say about their terminal.
    pub(super) fn describe_terminal(&self, request: &mut SessionRequest) {
        if !request.terminal {
            return;
        }
        if let Some(size) = self.size() {
            (request.rows, request.columns) = (size.ws_row, size.ws_col);
        }
        for name in OF_THE_TERMINAL {
            let given = |variable: &String| {
                let rest = variable.strip_prefix(name);
                rest.is_some_and(|rest| rest.starts_with('='))
            };
            if let Ok(value) = env::var(name)
                && !request.environment.iter().any(given)
            {
                request.environment.push(format!("{name}={value}"));
            }
        }
    }
}
