//! The last steps of a session's process, inside the guest, up to the exec.

use std::convert::Infallible;
use std::ffi::{CString, NulError};
use std::io;
use std::os::fd::OwnedFd;

use ctr_api::session::{Event, STATUS_FAILED, STATUS_NOT_EXECUTABLE, STATUS_NOT_FOUND};
use ctr_api::wire::SessionRequest;
use nix::errno::Errno;
use nix::unistd::execve;
use rustix::process::{Signal, chdir, ioctl_tiocsctty, set_parent_process_death_signal, setsid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use super::account::Account;
use super::environment::{System, value, variables};
use super::report::{Report, Reporter};
use super::syscalls::{Strays, reset_signals, strays};

/// What becomes the standard streams.
#[derive(Debug)]
pub(super) enum Streams {
    /// A terminal's slave side.
    Terminal(OwnedFd),
    /// Three pipes.
    Pipes(Vec<OwnedFd>),
}

/// What is executed, and how.
#[derive(Debug)]
pub(super) struct Execution {
    words: Words,
    variables: Vec<(String, String)>,
    home: String,
    streams: Streams,
}

/// Files to try, in order, and the words that the program gets.
#[derive(Debug, PartialEq, Eq)]
struct Words {
    name: String,
    files: Vec<String>,
    argv: Vec<String>,
}

impl Execution {
    /// Decides it all; what is left has no choices.
    pub(super) fn new(
        account: Account,
        system: System,
        request: &SessionRequest,
        streams: Streams,
    ) -> Self {
        let variables = variables(&account, system, request.terminal, &request.environment);
        let words = match request.command.first() {
            None => login_shell(&account.shell),
            Some(name) => command(
                name,
                &request.command,
                value(&variables, "PATH").unwrap_or(""),
            ),
        };
        Self {
            words,
            variables,
            home: account.home,
            streams,
        }
    }

    /// Executes it, or says why not.
    pub(super) fn run(self, reporter: &Reporter) -> Report {
        let failed = |what: &str, error: io::Error| {
            Report::Failed(Event::failed(
                STATUS_FAILED,
                &format!("{what}: {error}"),
                None,
            ))
        };
        if let Err(error) = self.prepare() {
            return failed("failed to set up the session's process", error);
        }
        let ready = reporter
            .report(&Report::Ready)
            .and_then(|()| reporter.wait_for_go());
        if let Err(error) = ready {
            return failed("the session's process was not let go", error);
        }
        match self.execute() {
            Ok(Err(error)) => Report::Failed(self.words.failure(error)),
            Err(NulError { .. }) => failed("failed to execute", io::ErrorKind::InvalidInput.into()),
        }
    }

    fn prepare(&self) -> io::Result<()> {
        // A session of its own (setsid(2)): the terminal's, and the unit that signals go to.
        setsid()?;
        let [input, output, errors] = match &self.streams {
            Streams::Terminal(slave) => {
                ioctl_tiocsctty(slave)?;
                [slave, slave, slave]
            }
            Streams::Pipes(pipes) => match pipes.as_slice() {
                [input, output, errors] => [input, output, errors],
                _ => return Err(io::ErrorKind::InvalidInput.into()),
            },
        };
        dup2_stdin(input)?;
        dup2_stdout(output)?;
        dup2_stderr(errors)?;
        // Who watches this process is its parent; nobody is left to report to when that is killed.
        set_parent_process_death_signal(Some(Signal::KILL))?;
        reset_signals();
        // A user without a usable home starts in the root, as login(1) does.
        chdir(self.home.as_str()).or_else(|_| chdir("/"))?;
        // Every descriptor is close-on-exec already; this is in case that is ever wrong.
        strays(Strays::CloseOnExec)
    }

    fn execute(&self) -> Result<Result<Infallible, Errno>, NulError> {
        let words = c_strings(self.words.argv.iter().cloned())?;
        let variables = c_strings(
            self.variables
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        )?;
        let mut refused = Errno::ENOENT;
        for file in c_strings(self.words.files.iter().cloned())? {
            match execve(&file, &words, &variables) {
                // Like a shell: another directory may have it, but a refusal is what is told.
                Err(Errno::EACCES) => refused = Errno::EACCES,
                Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                other => return Ok(other),
            }
        }
        Ok(Err(refused))
    }
}

impl Words {
    fn failure(&self, error: Errno) -> Event {
        let name = &self.name;
        match error {
            Errno::ENOENT if name.contains('/') => {
                let message = format!("{name} is not in the container, or its interpreter is not");
                Event::failed(STATUS_NOT_FOUND, &message, None)
            }
            Errno::ENOENT => {
                let message = format!("the container has no command `{name}` in its PATH");
                Event::failed(STATUS_NOT_FOUND, &message, None)
            }
            other => {
                let message = format!("failed to execute {name}: {}", other.desc());
                Event::failed(STATUS_NOT_EXECUTABLE, &message, None)
            }
        }
    }
}

/// The dash makes it a login shell (login(1)). An image may name a shell that it does not have.
fn login_shell(shell: &str) -> Words {
    let base = shell.rsplit('/').next().unwrap_or(shell);
    Words {
        name: shell.to_owned(),
        files: vec![shell.to_owned(), String::from("/bin/sh")],
        argv: vec![format!("-{base}")],
    }
}

/// Looked for like execvp(3) does, in absolute directories only: the working directory is a place
/// where every user of the guest may write.
fn command(name: &str, words: &[String], path: &str) -> Words {
    let files = if name.contains('/') {
        vec![name.to_owned()]
    } else {
        let absolute = path
            .split(':')
            .filter(|directory| directory.starts_with('/'));
        absolute
            .map(|directory| format!("{directory}/{name}"))
            .collect()
    };
    Words {
        name: name.to_owned(),
        files,
        argv: words.to_vec(),
    }
}

fn c_strings(words: impl Iterator<Item = String>) -> Result<Vec<CString>, NulError> {
    words.map(CString::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_shell_is_told_so_by_its_name() {
        let words = login_shell("/run/current-system/sw/bin/bash");
        assert_eq!(words.argv, ["-bash"]);
        assert_eq!(words.files, ["/run/current-system/sw/bin/bash", "/bin/sh"]);
    }

    #[test]
    fn looks_in_absolute_directories_of_the_path() {
        let words = ["ls".to_owned(), "-l".to_owned()];
        assert_eq!(
            command("ls", &words, "/bin::.:/sbin").files,
            ["/bin/ls", "/sbin/ls"]
        );
        assert_eq!(command("./ls", &words, "/bin").files, ["./ls"]);
        assert_eq!(command("ls", &words, "/bin").argv, words);
    }

    #[test]
    fn fails_with_the_statuses_of_shells() {
        let status = |name: &str, error| command(name, &[], "").failure(error).exit_status();
        assert_eq!(status("nope", Errno::ENOENT), Some(127));
        assert_eq!(status("/nope", Errno::ENOENT), Some(127));
        assert_eq!(status("/etc/passwd", Errno::EACCES), Some(126));
        assert_eq!(status("/bin/broken", Errno::ENOEXEC), Some(126));
    }
}
