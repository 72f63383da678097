//! The host's only way out: a cable to a namespace that plays LAN and internet.
//!
//! The far end is the keeper's own network namespace. It forwards nothing, so no packet of a lab
//! can ever leave the machine. All addresses are from the ranges reserved for documentation.

use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use nix::sched::{CloneFlags, setns};

/// The host's address on its LAN.
pub const HOST_ADDRESS: &str = "192.0.2.2";
/// The LAN's other machine, the host's gateway.
pub const LAN_ADDRESS: &str = "192.0.2.1";
/// A machine on the internet.
pub const INTERNET_ADDRESS: &str = "198.51.100.1";

/// Connects this network namespace to the one of the process `keeper`.
pub(crate) fn connect(keeper: u32) -> Result<()> {
    let far_end = format!("/proc/{keeper}/ns/net");
    ip(&format!(
        "link set lo up\n\
         link add uplink0 type veth peer name lan0 netns {far_end}\n\
         address add {HOST_ADDRESS}/24 dev uplink0\n\
         link set uplink0 up\n\
         route add default via {LAN_ADDRESS}\n"
    ))
    .context("failed to set the host's uplink up")?;
    let lan = File::open(&far_end).context("failed to open the LAN's namespace")?;
    // Namespaces belong to threads: one of its own goes over, and its child with it.
    thread::spawn(move || {
        setns(lan, CloneFlags::CLONE_NEWNET).context("failed to enter the LAN's namespace")?;
        ip(&format!(
            "link set lo up\n\
             address add {INTERNET_ADDRESS}/32 dev lo\n\
             address add {LAN_ADDRESS}/24 dev lan0\n\
             link set lan0 up\n"
        ))
        .context("failed to set the LAN up")
    })
    .join()
    .map_err(|_| anyhow!("the thread that sets the LAN up ended early"))?
}

fn ip(commands: &str) -> Result<()> {
    let mut child = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("failed to start ip")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(commands.as_bytes())
            .context("failed to write to ip")?;
    }
    let output = child.wait_with_output().context("failed to wait for ip")?;
    if !output.status.success() {
        bail!("ip: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
