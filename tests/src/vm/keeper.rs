//! The process that stands between a virtual machine and its owner, and outlives neither.
//!
//! It makes the machine's disks and starts qemu. Then it waits: for its stdin to close, which the
//! kernel does when the owner ends in any way, for the owner's word to cut the power, or for the
//! machine to end. At the end it takes everything away. Were it killed itself, its death signal ends
//! qemu, and the next lab sweeps the rest.

use std::fs;
use std::io::{self, BufRead, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::vm::spec::Spec;
use crate::vm::{disks, hardware};

/// What the owner says to end the machine as a power cut would, and to start it again.
pub(crate) const CUT: &str = "cut";

/// What the keeper answers when the machine was started.
pub(crate) const STARTED: &str = "started";

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
    loop {
        let mut machine = start(spec)?;
        let again = watch(&mut machine)?;
        // A machine that has ended by itself cannot be killed any more.
        let _ = machine.kill();
        machine.wait().context("failed to wait for qemu")?;
        if !again {
            return Ok(());
        }
    }
}

fn start(spec: &Spec) -> Result<Child> {
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
    writeln!(io::stdout(), "{STARTED}").context("failed to answer the machine's owner")?;
    Ok(machine)
}

/// Returns when the machine shall end or has ended, and says whether it shall start again.
fn watch(machine: &mut Child) -> Result<bool> {
    let stdin = io::stdin();
    loop {
        let mut owner = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        let heard = poll(&mut owner, PollTimeout::from(100u8))
            .context("failed to watch the machine's owner")?
            > 0;
        if heard {
            let mut line = String::new();
            let length = stdin.lock().read_line(&mut line).unwrap_or(0);
            match line.trim() {
                _ if length == 0 => return Ok(false),
                CUT => return Ok(true),
                other => bail!("the machine's owner says {other:?}"),
            }
        }
        if machine
            .try_wait()
            .context("failed to watch qemu")?
            .is_some()
        {
            return Ok(false);
        }
    }
}
