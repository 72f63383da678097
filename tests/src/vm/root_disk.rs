//! The machine's root disk, served by the machine's keeper for as long as qemu runs.

use std::fs;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::vm::nbd;
use crate::vm::spec::Spec;
use crate::vm::volatile_disk::{Loss, Supply, VolatileDisk};

/// How long a cut waits for a write of the machine.
const PATIENCE: Duration = Duration::from_secs(1);

/// A disk that one qemu is served.
#[derive(Debug)]
pub(crate) struct RootDisk {
    socket: PathBuf,
    supply: Supply,
    server: JoinHandle<io::Result<VolatileDisk>>,
}

impl RootDisk {
    /// Opens the machine's root, and serves it at its socket to the first who comes.
    pub(crate) fn serve(spec: &Spec) -> Result<Self> {
        let socket = spec.root_disk();
        // Of a machine whose power was cut.
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).context("failed to serve the root disk")?;
        let supply = Supply::default();
        let mut disk = VolatileDisk::open(&spec.own_root(), supply.clone())
            .context("failed to open the root disk")?;
        let server = thread::spawn(move || {
            let (mut machine, _) = listener.accept()?;
            nbd::serve(&mut machine, &mut disk)?;
            Ok(disk)
        });
        Ok(Self {
            socket,
            supply,
            server,
        })
    }

    /// The power fails: with one of the machine's next writes.
    pub(crate) fn fail(&self, seed: u64) {
        self.supply.fail(seed, PATIENCE);
    }

    /// qemu is gone, and its power with it.
    pub(crate) fn lose_power(self, seed: u64) -> Result<Loss> {
        // Where qemu was gone before it came, nobody else would ever come.
        drop(UnixStream::connect(&self.socket));
        let mut disk = self
            .server
            .join()
            .map_err(|_| anyhow!("the root disk's server panicked"))?
            .context("failed to serve the root disk")?;
        disk.lose_power(seed)
            .context("failed to write what the root disk keeps")
    }
}
