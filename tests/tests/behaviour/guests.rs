//! What these tests declare, and how they ask a host about it.

use std::thread;
use std::time::{Duration, Instant};

use ctr_api::wire::{ContainerStatus, HostStatus, State};
use ctr_lab::Host;

/// Long enough for a guest's start on a busy machine, far too long for anything that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// A declaration of the group `lab` with these containers.
pub(crate) fn lab(containers: &[String]) -> String {
    let group = "subnet = \"10.77.3.0/24\"\nhost-address = \"10.77.3.10\"\n";
    format!("schema = 1\n\n[groups.lab]\n{group}{}", containers.concat())
}

/// A container of `lab` at 10.77.3.`place`, with nothing but these further keys.
pub(crate) fn declared(name: &str, place: u8, keys: &str) -> String {
    format!("\n[groups.lab.containers.{name}]\naddress = \"10.77.3.{place}\"\n{keys}\n")
}

/// A container on the shared tree that starts with the host and boots.
pub(crate) fn booted(name: &str, place: u8, keys: &str) -> String {
    let tree = "autostart = true\nroot = { tree = \"/var/lib/machines/debian\" }\n";
    declared(name, place, &format!("{tree}{keys}"))
}

/// A container on the shared tree that starts with the host and sleeps.
pub(crate) fn sleeper(name: &str, place: u8, keys: &str) -> String {
    let command = "command = [\"/usr/bin/sleep\", \"infinity\"]\n";
    booted(name, place, &format!("{command}{keys}"))
}

/// A container that boots and takes `seconds` more to be ready, and would take as long to shut down;
/// it starts only when asked.
pub(crate) fn slow(name: &str, place: u8, seconds: u32, keys: &str) -> String {
    let unit = format!(
        "[Unit]\\nBefore=multi-user.target\\n[Service]\\nType=oneshot\\nKillSignal=SIGCONT\\nExecStart=/usr/bin/sleep {seconds}\\n"
    );
    let files = format!("files.\"/etc/systemd/system/slow.service\" = {{ text = \"{unit}\" }}\n");
    let root = "root = { tree = \"/var/lib/machines/debian\" }\nenable = [\"slow.service\"]\n";
    declared(name, place, &format!("{root}{files}{keys}"))
}

/// Everything that `ctr status` knows.
#[track_caller]
pub(crate) fn host_status(host: &Host) -> HostStatus {
    serde_json::from_str(&host.ok("ctr status --json")).expect("the document that is promised")
}

/// One container of `lab`.
#[track_caller]
pub(crate) fn status(host: &Host, name: &str) -> ContainerStatus {
    let groups = host_status(host).groups;
    let mut all = groups.into_iter().flat_map(|group| group.containers);
    all.find(|it| it.name == name)
        .expect("a declared container")
}

/// Waits until a container of `lab` is in a state.
#[track_caller]
pub(crate) fn until(host: &Host, name: &str, state: State) -> ContainerStatus {
    until_that(host, name, |it| it.state == state)
}

/// Waits until something is true of a container of `lab`.
#[track_caller]
pub(crate) fn until_that(
    host: &Host,
    name: &str,
    is_true: impl Fn(&ContainerStatus) -> bool,
) -> ContainerStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = status(host, name);
        if is_true(&now) {
            return now;
        }
        assert!(Instant::now() < deadline, "still {now:#?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until the containers run, and returns their first processes.
#[track_caller]
pub(crate) fn running(host: &Host, names: &[&str]) -> Vec<u32> {
    host.ok(&format!("ctr lab wait {} --timeout 40s", names.join(" ")));
    let leader = |name: &&str| {
        status(host, name)
            .leader
            .expect("a running guest has a leader")
    };
    names.iter().map(leader).collect()
}

/// A property of a unit of the host.
#[track_caller]
pub(crate) fn property(host: &Host, unit: &str, name: &str) -> String {
    host.ok(&format!("systemctl show --value --property={name} {unit}"))
        .trim()
        .to_owned()
}

/// A property of a unit of the host that is a number.
#[track_caller]
pub(crate) fn number(host: &Host, unit: &str, name: &str) -> u64 {
    property(host, unit, name).parse().expect("a number")
}

/// Writes a secret that only root can read. It is never an argument of a program.
#[track_caller]
pub(crate) fn write_secret(host: &Host, path: &str, content: &str) {
    let install = format!("mkdir -p $(dirname {path}) && install -m 0600 /dev/stdin {path}");
    let written = host.bash(&install).stdin(content).output();
    let written = written.expect("the command runs");
    assert!(written.success(), "{written:#?}");
}
