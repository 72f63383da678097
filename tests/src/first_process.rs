//! The host's first process: from a child of the keeper to systemd as PID 1.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{chdir, pivot_root, sethostname};
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};

use crate::cgroup::Cgroup;
use crate::root_file_system;
use crate::spec::Spec;
use crate::uplink;

/// What a capability reaches that no namespace holds: the machine's kernel modules and its clock.
const NOT_THE_HOSTS: [CapabilitySet; 2] = [CapabilitySet::SYS_MODULE, CapabilitySet::SYS_TIME];
const NOTHING: Option<&str> = None;

/// Runs the first process: the spec is stdin. Returns only with an error.
pub fn main() -> Result<()> {
    let spec: Spec =
        serde_json::from_reader(io::stdin().lock()).context("failed to understand the spec")?;
    prctl::set_pdeathsig(Signal::SIGKILL).context("failed to tie the host to its keeper")?;
    // The cgroup namespace takes the current cgroup as its root: enter it first.
    Cgroup::at(&spec.cgroup).enter()?;
    unshare(
        CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWCGROUP,
    )
    .context("failed to make the host's namespaces")?;
    sethostname(&spec.hostname).context("failed to name the host")?;
    // Nothing mounted from here on may be seen by the machine.
    mount(
        NOTHING,
        "/",
        NOTHING,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        NOTHING,
    )
    .context("failed to part from the machine's mounts")?;
    uplink::connect(spec.keeper)?;
    let root = root_file_system::assemble(&spec)?;
    chdir(&root).context("failed to enter the host's root")?;
    // With both names the same, the old root lies on top of the new one and comes off at once.
    pivot_root(".", ".").context("failed to change the root")?;
    umount2(".", MntFlags::MNT_DETACH).context("failed to leave the machine's root")?;
    chdir("/").context("failed to enter the new root")?;
    // As on every systemd machine: units with mounts of their own still see later ones.
    mount(
        NOTHING,
        "/",
        NOTHING,
        MsFlags::MS_REC | MsFlags::MS_SHARED,
        NOTHING,
    )
    .context("failed to share the host's mounts")?;
    for capability in NOT_THE_HOSTS {
        remove_capability_from_bounding_set(capability)
            .context("failed to drop a capability over the machine")?;
    }
    let error = Command::new("/usr/lib/systemd/systemd")
        .args(["--log-target=journal", "--show-status=no"])
        .env_clear()
        .envs([
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"),
            ("container", "ctr-lab"),
            ("NOTIFY_SOCKET", root_file_system::NOTIFY_SOCKET),
            // PID 1 otherwise handles mounts at most five times a second, which is most of a boot.
            ("SYSTEMD_DEFAULT_MOUNT_RATE_LIMIT_BURST", "1000"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .exec();
    Err(error).context("failed to start systemd")
}

/// A random machine id, in the form of machine-id(5).
pub(crate) fn machine_id() -> Result<String> {
    let uuid = fs::read_to_string("/proc/sys/kernel/random/uuid")
        .context("failed to draw a machine id")?;
    Ok(uuid.trim().replace('-', "") + "\n")
}
