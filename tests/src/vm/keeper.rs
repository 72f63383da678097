//! The process that stands between a virtual machine and its owner, and outlives neither.
//!
//! It makes the machine's disks, serves the one that is written to, and starts qemu. Then it waits: for its stdin to close, which the
//! kernel does when the owner ends in any way, for the owner's word to cut the power, or for the
//! machine to end. At the end it takes everything away. Were it killed itself, its death signal ends
//! qemu, and the next lab sweeps the rest.

use std::fs;
use std::io::{self, BufRead, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::vm::root_disk::RootDisk;
use crate::vm::spec::Spec;
use crate::vm::volatile_disk::Loss;
use crate::vm::{disks, hardware};

/// What the owner says to end the machine as a power cut would, and to start it again. The seed of
/// what its disk loses follows, as a decimal number.
pub(crate) const CUT: &str = "cut ";

/// What the keeper answers when the machine was started. What its disk lost in a cut follows, as JSON.
pub(crate) const STARTED: &str = "started ";

/// Runs the keeper: the spec is the first line of stdin, each start one line on stdout.
pub fn main() -> Result<()> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .context("failed to read the machine's spec")?;
    let spec: Spec = serde_json::from_str(&line).context("failed to understand the spec")?;
    let kept = disks::make(&spec).and_then(|()| keep(&spec));
    let removed = [&spec.disks, &spec.run_directory].map(|directory| {
        fs::remove_dir_all(directory)
            .with_context(|| format!("failed to remove {}", directory.display()))
    });
    // Why it ended says more than what it could not take away.
    kept?;
    removed.into_iter().collect()
}

fn keep(spec: &Spec) -> Result<()> {
    let mut loss = None;
    loop {
        let disk = RootDisk::serve(spec)?;
        let mut machine = start(spec, loss)?;
        let cut = watch(&mut machine)?;
        if let Some(seed) = cut {
            disk.fail(seed);
        }
        // A machine that has ended by itself cannot be killed any more.
        let _ = machine.kill();
        machine.wait().context("failed to wait for qemu")?;
        let Some(seed) = cut else {
            return Ok(());
        };
        loss = Some(disk.lose_power(seed)?);
    }
}

fn start(spec: &Spec, loss: Option<Loss>) -> Result<Child> {
    // The socket of a machine whose power was cut.
    let _ = fs::remove_file(spec.agent());
    let machine = Command::new("setpriv")
        // Ties qemu to this process, then becomes qemu.
        .args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"])
        .args(hardware::arguments(spec))
        .stdin(Stdio::null())
        // stdout is for answers to the owner alone.
        .stdout(io::stderr())
        .spawn()
        .context("failed to start qemu")?;
    let loss = serde_json::to_string(&loss)?;
    writeln!(io::stdout(), "{STARTED}{loss}").context("failed to answer the machine's owner")?;
    Ok(machine)
}

/// Returns when the machine shall end or has ended; where it shall start again, with the cut's seed.
fn watch(machine: &mut Child) -> Result<Option<u64>> {
    let stdin = io::stdin();
    loop {
        let mut owner = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        let heard = poll(&mut owner, PollTimeout::from(100u8))
            .context("failed to watch the machine's owner")?
            > 0;
        if heard {
            let mut line = String::new();
            let length = stdin.lock().read_line(&mut line).unwrap_or(0);
            if length == 0 {
                return Ok(None);
            }
            let seed = line.strip_prefix(CUT).and_then(|it| it.trim().parse().ok());
            return match seed {
                Some(seed) => Ok(Some(seed)),
                None => bail!("the machine's owner says {line:?}"),
            };
        }
        if machine
            .try_wait()
            .context("failed to watch qemu")?
            .is_some()
        {
            return Ok(None);
        }
    }
}
