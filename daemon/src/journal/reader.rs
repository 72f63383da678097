//! A `journalctl` whose output somebody else reads.

use std::io::{self, PipeReader, PipeWriter, pipe};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use thiserror::Error;
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;
use tokio::process::{Child, Command};

/// It could not be started.
#[derive(Debug, Error)]
#[error("failed to run journalctl")]
pub struct ReaderError(#[from] io::Error);

/// A running `journalctl`.
#[derive(Debug)]
pub struct Reading {
    child: Child,
    /// Tells when nobody reads any more. Kept while the child lives: so long the reader sees no end.
    line: Sender,
}

/// Starts it with these words, and returns the reading ends of its output and of its complaints.
///
/// It has nothing of this process: no environment, no input, no descriptors.
pub fn read(program: &Path, words: &[String]) -> Result<(Reading, OwnedFd, OwnedFd), ReaderError> {
    let (output, line): (PipeReader, PipeWriter) = pipe()?;
    let (complaints, complain): (PipeReader, PipeWriter) = pipe()?;
    let child = Command::new(program)
        .args(words)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::from(OwnedFd::from(line.try_clone()?)))
        .stderr(Stdio::from(OwnedFd::from(complain)))
        .kill_on_drop(true)
        .spawn()?;
    // Unchecked, because nothing is ever written to it here: whether it blocks is the child's affair,
    // which has the same open file.
    let line = Sender::from_owned_fd_unchecked(line.into())?;
    Ok((Reading { child, line }, output.into(), complaints.into()))
}

impl Reading {
    /// Waits until it has ended, and ends it as soon as nobody reads what it says.
    ///
    /// A pipe that lost its reader is ready for errors (poll(2), POLLERR).
    pub async fn end(self) {
        let Self { mut child, line } = self;
        tokio::select! {
            _ = child.wait() => {}
            _ = line.ready(Interest::ERROR) => {
                let _ = child.kill().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> (Reading, OwnedFd, OwnedFd) {
        let words = ["-c".to_owned(), script.to_owned()];
        read(Path::new("/bin/sh"), &words).expect("a shell starts")
    }

    #[tokio::test]
    async fn output_and_complaints_stay_apart_and_end() {
        let (reading, output, complaints) = shell("echo said; echo wrong >&2; env");
        reading.end().await;
        let text = |end: OwnedFd| {
            let mut text = String::new();
            File::from(end).read_to_string(&mut text).expect("text");
            text
        };
        let said = text(output);
        assert!(said.starts_with("said\n"), "{said}");
        assert!(!said.contains("PATH="), "it has our environment: {said}");
        assert_eq!(text(complaints), "wrong\n");
    }

    #[tokio::test]
    async fn it_ends_with_its_reader_even_if_it_writes_nothing() {
        let (reading, output, _complaints) = shell("exec sleep 1000");
        drop(output);
        tokio::time::timeout(PATIENCE, reading.end())
            .await
            .expect("ended");
    }

    #[tokio::test]
    async fn it_ends_with_its_reader_even_if_it_waits_for_room() {
        let (reading, output, _complaints) = shell("trap '' PIPE; exec cat /dev/zero");
        let ended = tokio::spawn(reading.end());
        drop(output);
        tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("ended")
            .expect("no panic");
    }
}
