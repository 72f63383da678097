//! Hears from a host's PID 1 that it has booted.
//!
//! systemd as PID 1 of anything that is no machine of its own says `READY=1` on `NOTIFY_SOCKET`
//! when its job queue has run empty for the first time. That is the end of the boot, at the moment
//! it happens; asking over and over would only slow the boot down.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The socket that a host reports to.
#[derive(Debug)]
pub(crate) struct Readiness(UnixDatagram);

impl Readiness {
    /// Listens at this path of the machine.
    pub(crate) fn listen(path: &Path) -> Result<Self> {
        let socket = UnixDatagram::bind(path)
            .with_context(|| format!("failed to listen at {}", path.display()))?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        Ok(Self(socket))
    }

    /// Waits until the host has booted, or its keeper or the time has come to an end.
    pub(crate) fn wait(&self, keeper: &mut Child, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        let mut buffer = [0; 4096];
        while Instant::now() < deadline {
            match self.0.recv(&mut buffer) {
                Ok(length) if says_ready(&buffer[..length]) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("failed to listen for the boot's end"),
            }
            if let Some(status) = keeper.try_wait().context("failed to look at the keeper")? {
                bail!("the host ended while it booted ({status})");
            }
        }
        bail!("the host has not booted within {} s", timeout.as_secs())
    }
}

fn says_ready(message: &[u8]) -> bool {
    message
        .split(|byte| *byte == b'\n')
        .any(|line| line == b"READY=1")
}
