//! Recorded machines: hardware that a host does not have, for the ctrd on it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use ctr_hardware::Machine;
use nix::mount::{MsFlags, mount};

use crate::boot::Options;
use crate::cache;

/// Where the ctrd of a host finds it.
pub(crate) const PLACE: &str = "/run/hardware";

const DROP_IN: &str = "/etc/systemd/system/ctrd.service.d/50-hardware.conf";
/// The first number of those that Debian's base-passwd leaves to the system (adduser(8)).
const FIRST_SYSTEM_GROUP: u32 = 100;

/// A machine of `daemon/tests/gpu_machines/`.
pub fn recorded_machine(name: &str) -> Result<Machine> {
    let folders = cache::workspace().join("daemon/tests/gpu_machines");
    read_machine(&folders.join(name).join("machine.txt"))
}

/// A machine in a file.
pub fn read_machine(path: &Path) -> Result<Machine> {
    let text =
        fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    text.parse()
        .with_context(|| format!("failed to understand {}", path.display()))
}

impl Options {
    /// Unpacks a recorded machine at /run/hardware, whose devices and drivers the host's ctrd finds
    /// instead of the host's own. Nodes are real ones of drivers that are not there: whoever may open
    /// one is told "No such device or address" (ENXIO), and who may not, why.
    #[must_use]
    pub fn hardware(mut self, machine: Machine) -> Self {
        self.hardware = Some(machine);
        let start = format!("/usr/bin/ctrd run --hardware {PLACE}");
        self.file(
            DROP_IN,
            format!("[Service]\nExecStart=\nExecStart={start}\n"),
        )
    }
}

/// Unpacks a machine below the root of a host that has not yet booted.
pub(crate) fn unpack(root: &Path, machine: &Machine) -> Result<()> {
    let place = root.join(PLACE.trim_start_matches('/'));
    fs::create_dir(&place)?;
    // The host's /run has no devices.
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(
        Some("tmpfs"),
        &place,
        Some("tmpfs"),
        flags,
        Some("mode=755"),
    )
    .with_context(|| format!("failed to mount a tmpfs on {PLACE}"))?;
    let path = root.join("etc/group");
    let mut groups = fs::read_to_string(&path).context("failed to read the host's groups")?;
    for group in machine.groups() {
        if number_of(&groups, group).is_none() {
            let number = free_number(&groups)?;
            let _ = writeln!(groups, "{group}:x:{number}:");
        }
    }
    fs::write(&path, &groups).context("failed to write the host's groups")?;
    let number = |group: &str| number_of(&groups, group).unwrap_or_default();
    machine.unpack(&place, &number)?;
    Ok(())
}

/// The number of a group in group(5).
fn number_of(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

fn free_number(groups: &str) -> Result<u32> {
    let taken = |number: &u32| {
        groups
            .lines()
            .any(|line| line.split(':').nth(2) == Some(&number.to_string()))
    };
    match (FIRST_SYSTEM_GROUP..1000).find(|number| !taken(number)) {
        Some(number) => Ok(number),
        None => bail!("the host has no number left for a group"),
    }
}
