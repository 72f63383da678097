//! A node that appears on the host, until a guest can open it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use ctr_lab::{Host, Options, recorded_machine};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use crate::port::monotonic;
use crate::sample::Sample;

/// For one start, and for one look.
const PATIENCE: Duration = Duration::from_secs(40);
const TIMES: usize = 20;
const UVM: u64 = 511;
const NODE: &str = "/run/hardware/dev/nvidia-uvm";
const DEVICES: &str = "/run/hardware/proc/devices";
/// Where a guest says when it could open the node.
const OPENED: &str = "run/opened";

const DECLARATION: &str = r#"schema = 1

[groups.lab]
subnet = "10.77.3.0/24"
host-address = "10.77.3.10"

[groups.lab.containers.runs]
address = "10.77.3.11"
autostart = true
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/sleep", "infinity"]
gpu = { vendor = "nvidia", optional = true }

[groups.lab.containers.starts]
address = "10.77.3.12"
autostart = true
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/python3", "-u", "-c", """
import errno, os, time
try:
    os.open("/dev/nvidia-uvm", os.O_RDWR)
except OSError as error:
    assert error.errno == errno.ENXIO
print(time.monotonic_ns(), file=open("/run/opened", "w"))
time.sleep(1e9)
"""]
gpu = { vendor = "nvidia" }
"#;

/// Tries to open the node, every half of a millisecond, and says when it could: its driver is not there,
/// which the kernel says of a node that may be opened.
const FIRST_OPEN: &str = "exec ctr lab exec runs -- /usr/bin/python3 -u -c '
import errno, os, time
print(\"trying\")
while True:
    try:
        os.open(\"/dev/nvidia-uvm\", os.O_RDWR)
    except OSError as error:
        if error.errno == errno.ENXIO:
            break
        time.sleep(0.0005)
print(time.monotonic_ns())'";

/// For a guest that runs, and for one that starts by itself.
pub(crate) fn late() -> Result<()> {
    let host = Options::new()
        .with_ctr(DECLARATION)
        .hardware(recorded_machine("nvidia-laptop")?)
        .boot()?;
    let (mut runs, mut starts) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        // The driver's number goes first: who looks at the node's going sees that it is no more.
        host.ok(&format!(
            "ctr lab wait runs --timeout 40s && ctr lab stop starts
            sed -i /nvidia-uvm/d {DEVICES} && rm -f {NODE} {NODE}-tools"
        ));
        until_shown(&host, "\"without gpu (nvidia-uvm)\"")?;
        host.run("ctr lab start starts --timeout 1s");
        until_shown(&host, "\"waiting\"")?;
        host.ok(&format!(
            "sed -i '/^Character/a {UVM} nvidia-uvm' {DEVICES}"
        ));
        let trying = host.spawn(FIRST_OPEN);
        trying.expect("trying\n", PATIENCE)?;

        let node = PathBuf::from(format!("/proc/{}/root{NODE}", host.leader()));
        let begun = monotonic();
        let open = Mode::from_bits_truncate(0o666);
        mknod(&node, SFlag::S_IFCHR, open, makedev(UVM, 0)).context("no node could be made")?;
        let opened = trying.expect("\n", PATIENCE)?;
        runs.push(at(&opened)?.saturating_sub(begun));
        let leader = "/proc/$(machinectl show --value --property=Leader lab-starts)/root";
        let opened = host.try_until(&format!("cat {leader}/{OPENED} | grep ."), PATIENCE)?;
        starts.push(at(&opened)?.saturating_sub(begun));
    }
    let runs: Sample = runs.into_iter().collect();
    let starts: Sample = starts.into_iter().collect();
    println!("\na node that appears, until a guest's open() is let through");
    println!("  in a guest that runs            {runs}");
    println!("  in one that starts by itself    {starts}");
    Ok(())
}

/// Waits until `ctr status` says something of one of them.
fn until_shown(host: &Host, text: &str) -> Result<()> {
    host.try_until(&format!("ctr status --json | grep -q '{text}'"), PATIENCE)?;
    Ok(())
}

/// A time of the clock that all processes of the machine share.
fn at(nanoseconds: &str) -> Result<Duration> {
    let at = nanoseconds.trim().parse();
    Ok(Duration::from_nanos(at.context("no time of an open()")?))
}
