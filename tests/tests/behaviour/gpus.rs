//! Recorded machines with graphics processors, and what a guest is told when it opens their nodes.
//!
//! The nodes are real ones of drivers that are not there. ENXIO says that whoever opened one may: the kernel
//! looked for the driver. EPERM says that the unit's list of devices does not have it, EACCES that its owner
//! and mode do not let that user, ENOENT that there is none.

use ctr_lab::{Host, Options, recorded_machine};

/// Opens nodes as a user without further rights, or as root; one line for each: the path, the error, and of
/// one that is there its mode, its owner and its group.
const OPEN: &str = r"
import errno, os, sys
who, paths = sys.argv[1], sys.argv[2:]
if who != 'root':
    os.setgroups([])
    os.setgid(int(who.split(':')[1]))
    os.setuid(int(who.split(':')[0]))
for path in paths:
    try:
        os.close(os.open(path, os.O_RDWR))
        said = 'opened'
    except OSError as error:
        said = errno.errorcode[error.errno]
    try:
        found = os.stat(path)
        said += ' %o %d:%d' % (found.st_mode & 0o7777, found.st_uid, found.st_gid)
    except OSError:
        pass
    print(path, said)
";

/// Where the script stands on the host; guests are told all of it.
const PLACE: &str = "/opt/open.py";

/// All nodes of the recorded laptop, those that nobody is to have among them.
pub(crate) const LAPTOP: [&str; 13] = [
    "/dev/dri/card0",
    "/dev/dri/card1",
    "/dev/dri/renderD128",
    "/dev/dri/renderD129",
    "/dev/kfd",
    "/dev/nvidia-caps/nvidia-cap1",
    "/dev/nvidia-caps/nvidia-cap2",
    "/dev/nvidia-modeset",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
    "/dev/nvidia0",
    "/dev/nvidia1",
    "/dev/nvidiactl",
];

/// What the laptop's NVIDIA card takes to be used.
pub(crate) const NVIDIA: [&str; 7] = [
    "/dev/dri/renderD129",
    "/dev/nvidia-caps/nvidia-cap2",
    "/dev/nvidia-modeset",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
    "/dev/nvidia0",
    "/dev/nvidiactl",
];

/// What the laptop's Intel processor takes.
pub(crate) const INTEL: [&str; 2] = ["/dev/dri/card1", "/dev/dri/renderD128"];

/// Boots the host of a recorded machine, with the script that opens nodes.
#[track_caller]
pub(crate) fn machine(name: &str, declaration: &str) -> Host {
    options(name, declaration).boot().expect("a host")
}

/// The same, for more to be added.
#[track_caller]
pub(crate) fn options(name: &str, declaration: &str) -> Options {
    Options::new()
        .with_ctr(declaration)
        .file(PLACE, OPEN)
        .hardware(recorded_machine(name).expect("a recorded machine"))
}

/// What a guest of `lab` is told about each node, as root of it or as `user:group`.
#[track_caller]
pub(crate) fn opens(host: &Host, guest: &str, who: &str, paths: &[&str]) -> Vec<String> {
    let said = host.ok(&format!("{} {who} {}", command(guest), paths.join(" ")));
    said.lines().map(str::to_owned).collect()
}

/// The script in a guest, as bash text to which its words are added.
pub(crate) fn command(guest: &str) -> String {
    format!("ctr lab exec {guest} -- /usr/bin/python3 -c \"$(cat {PLACE})\"")
}

/// The error that a guest's root is told about one node.
#[track_caller]
pub(crate) fn error(host: &Host, guest: &str, path: &str) -> String {
    let said = opens(host, guest, "root", &[path]);
    let words = said.iter().flat_map(|line| line.split(' '));
    words.skip(1).take(1).collect()
}

/// Asserts that a guest has these of all nodes, may open them, and has no others.
#[track_caller]
pub(crate) fn has_only(host: &Host, guest: &str, given: &[&str], all: &[&str]) {
    for line in opens(host, guest, "root", all) {
        let (path, said) = line.split_once(' ').expect("a path and what was said");
        let error = said.split(' ').next().unwrap_or_default();
        let expected = if given.contains(&path) {
            "ENXIO"
        } else {
            "ENOENT"
        };
        assert_eq!(error, expected, "{guest}: {line}");
    }
}

/// Waits until a guest's root is told this error about a node.
#[track_caller]
pub(crate) fn until_it_says(host: &Host, guest: &str, path: &str, error: &str) {
    let asked = format!("{} root {path}", command(guest));
    host.until(
        &format!("{asked} | grep -q '^{path} {error}'"),
        crate::guests::PATIENCE,
    );
}

/// Commands that give a driver a major number in /proc/devices.
pub(crate) fn with_major(driver: &str, major: u32) -> String {
    format!("sed -i '/^Character/a {major} {driver}' /run/hardware/proc/devices\n")
}
