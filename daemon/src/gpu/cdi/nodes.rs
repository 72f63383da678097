//! Which device nodes of a specification a guest may have.

use std::path::{Path, PathBuf};

use super::error::Wrong;
use super::host::{Found, Host};
use super::rules::{path, shown};
use super::spec::DeviceNode;
use crate::declaration::quote;
use crate::gpu::Node;

/// What comes of a device node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is given; and what of it is not done, each the end of a sentence that begins with the node.
    Given(Node, Vec<String>),
    /// It is not there.
    Absent(PathBuf),
}

/// What every guest has of its own in `/dev`: systemd's list for containers
/// (<https://systemd.io/CONTAINER_INTERFACE>) and what PID 1 adds.
const GUESTS_OWN: [&str; 21] = [
    "console",
    "core",
    "fd",
    "full",
    "hugepages",
    "initctl",
    "kmsg",
    "log",
    "mqueue",
    "net",
    "null",
    "ptmx",
    "pts",
    "random",
    "shm",
    "stderr",
    "stdin",
    "stdout",
    "tty",
    "urandom",
    "zero",
];

const PERMISSIONS: u32 = 0o777;
/// The type of a character device, as `stat(2)` has it, and as Go's `fs.FileMode` has it: a device,
/// and one of characters.
const CHARACTER: u32 = 0o020_000 | 1 << 26 | 1 << 21;

/// Judges a device node. The host says whether it is there, and its numbers; those in the specification
/// have to be the same, since a driver may have others after it was loaded again.
pub(super) fn node(written: &DeviceNode, host: &dyn Host) -> Result<Outcome, Wrong> {
    let guest = in_dev(&written.path)?;
    not_the_guests_own(&guest)?;
    let on_host = match written.host_path.as_deref() {
        None | Some("") => guest.clone(),
        Some(other) => in_dev(other)?,
    };
    match written.kind.as_deref().unwrap_or_default() {
        // `u` is a character device without a buffer (mknod(1)), which Linux does not distinguish.
        "" | "c" | "u" => {}
        other => {
            return Err(Wrong::new(
                format!("{} is of the type {}", shown(&guest), quote(other)),
                "a guest is given character devices only: remove it",
            ));
        }
    }
    let mut unapplied = permissions(written, &guest)?;
    let found = match host.node(&on_host) {
        Found::Character(found) => found,
        Found::Absent => return Ok(Outcome::Absent(on_host)),
        Found::Other(what) => {
            return Err(Wrong::new(
                format!("{} is {what}, not a character device", shown(&on_host)),
                "a guest is given character devices only: remove it",
            ));
        }
        Found::Unreadable(error) => {
            return Err(Wrong::new(
                format!("{} cannot be looked at: {error}", shown(&on_host)),
                "name the node itself, not a link that leads out of /dev",
            ));
        }
    };
    if let Some(major) = written.major {
        let minor = written.minor.unwrap_or(0);
        if (major, minor) != (found.major, found.minor) {
            let reason = format!(
                "it says that {} has the numbers {major}:{minor}, and on this host that is {}:{}",
                shown(&on_host),
                found.major,
                found.minor
            );
            let hint = "generate it again, it is older than the driver that is loaded";
            return Err(Wrong::new(reason, hint));
        }
    }
    let group = match written.gid {
        None => found.group,
        Some(0) => None,
        Some(number) => {
            let name = host.group(number);
            if name.is_none() {
                unapplied.push(format!(
                    "it belongs to root's group, since the host has no group {number}"
                ));
            }
            name
        }
    };
    if let Some(owner) = written.uid.filter(|owner| *owner != 0) {
        unapplied.push(format!("it belongs to root, not to user {owner}"));
    }
    let node = Node {
        path: guest,
        major: found.major,
        minor: found.minor,
        mode: mode(written, found.mode)?,
        group,
    };
    Ok(Outcome::Given(node, unapplied))
}

/// Nothing takes the place of what every guest has in `/dev`.
pub(super) fn not_the_guests_own(path: &Path) -> Result<(), Wrong> {
    let name = path
        .strip_prefix("/dev")
        .ok()
        .and_then(|it| it.iter().next());
    if name.is_some_and(|name| GUESTS_OWN.iter().any(|own| name == *own)) {
        let reason = format!("every guest has a {} of its own", shown(path));
        return Err(Wrong::new(reason, "remove it from the specification"));
    }
    Ok(())
}

fn in_dev(text: &str) -> Result<PathBuf, Wrong> {
    let path = path(text)?;
    if path.starts_with("/dev") && path != Path::new("/dev") {
        return Ok(path);
    }
    Err(Wrong::new(
        format!("the device node {} is not in /dev", shown(&path)),
        "generate it for the drivers of this host, with /dev as the root of devices",
    ))
}

/// Reading and writing is given, and never the making of nodes: a guest has what it needs, and all
/// tools of vendors ask for `rwm`.
fn permissions(written: &DeviceNode, guest: &Path) -> Result<Vec<String>, Wrong> {
    let Some(asked) = written.permissions.as_deref().filter(|it| !it.is_empty()) else {
        return Ok(Vec::new());
    };
    if !asked.chars().all(|letter| "rwm".contains(letter)) {
        let reason = format!("{} has the permissions {}", shown(guest), quote(asked));
        return Err(Wrong::new(reason, "use letters of `rwm`"));
    }
    if asked.contains('r') && asked.contains('w') {
        return Ok(Vec::new());
    }
    Ok(vec![format!(
        "it is given for reading and writing, not for `{asked}` alone"
    )])
}

fn mode(written: &DeviceNode, hosts: u32) -> Result<u32, Wrong> {
    let Some(mode) = written.file_mode else {
        return Ok(hosts & PERMISSIONS);
    };
    if mode & !(PERMISSIONS | CHARACTER) != 0 {
        let reason = format!("{} has the fileMode {mode}", quote(&written.path));
        let hint = "write the mode of a character device as a decimal number: 438 is 0666";
        return Err(Wrong::new(reason, hint));
    }
    Ok(mode & PERMISSIONS)
}
