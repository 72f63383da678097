//! The process that stands between a lab and its owner, and outlives neither.
//!
//! It holds the namespace that plays LAN and internet, starts the host's PID 1 in a PID namespace
//! of its own, and then only waits: for its stdin to close, which the kernel does when the owner
//! ends in any way, or for the host to end. Either way it kills the cgroup and takes everything
//! away. Were it killed itself, its death signal ends PID 1, and the next lab sweeps the rest.

use std::env;
use std::fs;
use std::io::{self, BufRead, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};

use crate::cgroup::Cgroup;
use crate::spec::{Spec, Started};

/// How long the last processes of a killed host may take to leave their cgroup.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the keeper: the spec is the first line of stdin, the answer one line on stdout.
pub fn main() -> Result<()> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .context("failed to read the host's spec")?;
    let mut spec: Spec = serde_json::from_str(&line).context("failed to understand the spec")?;
    spec.keeper = std::process::id();
    let cgroup = Cgroup::at(&spec.cgroup);
    cgroup.create()?;
    let watched = start(&spec).and_then(|mut host| watch(&mut host));
    cgroup.destroy(PATIENCE)?;
    fs::remove_dir_all(&spec.run_directory).context("failed to remove the lab's directory")?;
    watched
}

fn start(spec: &Spec) -> Result<Child> {
    // This process becomes the LAN's place; its next child becomes PID 1 of a new PID namespace.
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID)
        .context("failed to make the lab's namespaces")?;
    let program = env::current_exe().context("failed to find the lab's own program")?;
    let mut host = Command::new(program)
        .args(["internal", "first-process"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("failed to start the host's first process")?;
    let stdin = host
        .stdin
        .take()
        .context("the host's first process has no stdin")?;
    serde_json::to_writer(stdin, spec).context("failed to hand over the spec")?;
    let answer = serde_json::to_string(&Started { leader: host.id() })?;
    writeln!(io::stdout(), "{answer}").context("failed to answer the lab's owner")?;
    Ok(host)
}

/// Returns when the owner is gone or the host has ended.
fn watch(host: &mut Child) -> Result<()> {
    let stdin = io::stdin();
    loop {
        let mut owner = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        let gone = poll(&mut owner, PollTimeout::from(100u8))
            .context("failed to watch the lab's owner")?
            > 0;
        if gone {
            // PID 1 of a namespace takes the rest of it along.
            let _ = host.kill();
            let _ = host.wait();
            return Ok(());
        }
        if host
            .try_wait()
            .context("failed to watch the host")?
            .is_some()
        {
            return Ok(());
        }
    }
}
