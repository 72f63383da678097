//! A command that runs in a host while the test goes on.

use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cgroup::Cgroup;
use crate::command::{code, wait};
use crate::stream::Stream;

/// A running command; dropping it ends it with everything it started.
#[derive(Debug)]
pub struct Background {
    child: Child,
    cgroup: Cgroup,
    streams: [Stream; 2],
}

impl Background {
    pub(crate) fn new(child: Child, cgroup: Cgroup, streams: [Stream; 2]) -> Self {
        Self {
            child,
            cgroup,
            streams,
        }
    }

    /// What it has written so far: all of stdout, then all of stderr.
    pub fn output(&self) -> String {
        let [stdout, stderr] = &self.streams;
        stdout.text() + &stderr.text()
    }

    /// Waits until this text is on its stdout, takes everything up to its end, and returns it.
    pub fn expect(&self, text: &str, timeout: Duration) -> Result<String> {
        self.streams[0].expect(text, timeout)
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self
            .child
            .try_wait()
            .context("failed to look at a command")?
            .is_none())
    }

    /// Waits for its end and returns its exit status.
    pub fn wait(&mut self, timeout: Duration) -> Result<i32> {
        match wait(&mut self.child, timeout)? {
            Some(status) => Ok(code(status)),
            None => bail!(
                "a command still runs after {} s:\n{}",
                timeout.as_secs(),
                self.output()
            ),
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // The host may be gone already, and its cgroup and processes with it.
        let _ = self.cgroup.kill();
        let _ = self.child.wait();
        self.cgroup.remove_if_empty();
    }
}
