//! Declarations that the tests have in common, and what `ctr status` and the kernel say of a guest.

use std::thread;
use std::time::{Duration, Instant};

use ctr_api::wire::{ContainerStatus, HostStatus};
use ctr_lab::Vm;

/// Long enough for a guest's start on an emulated processor that others use too.
const PATIENCE: Duration = Duration::from_secs(300);

/// A declaration of the group `lab` with these containers.
pub(crate) fn lab(containers: &[String]) -> String {
    let group = "subnet = \"10.77.3.0/24\"\nhost-address = \"10.77.3.10\"\n";
    format!("schema = 1\n\n[groups.lab]\n{group}{}", containers.concat())
}

/// A container at 10.77.3.`place` on the guests' tree that starts with the host and runs this.
pub(crate) fn running(name: &str, place: u8, command: &[&str], keys: &str) -> String {
    format!(
        "\n[groups.lab.containers.{name}]\naddress = \"10.77.3.{place}\"\nautostart = true\n\
         root = {{ tree = \"/var/lib/machines/debian\" }}\ncommand = {command:?}\n{keys}\n"
    )
}

/// A container that starts with the host and sleeps.
pub(crate) fn sleeper(name: &str, place: u8, keys: &str) -> String {
    running(name, place, &["/usr/bin/sleep", "infinity"], keys)
}

/// Boots a machine with these containers, and waits until those of `names` run.
#[track_caller]
pub(crate) fn boot(containers: &[String], names: &[&str]) -> Vm {
    let vm = Vm::with_ctr(&lab(containers));
    started(&vm, names);
    vm
}

/// Waits until these containers run.
#[track_caller]
pub(crate) fn started(vm: &Vm, names: &[&str]) {
    vm.ok(&format!("ctr lab wait {} --timeout 280s", names.join(" ")));
}

/// What `ctr status` knows of one container.
#[track_caller]
pub(crate) fn status(vm: &Vm, name: &str) -> ContainerStatus {
    let text = vm.ok("ctr status --json");
    let host: HostStatus = serde_json::from_str(&text).expect("the document that is promised");
    let mut all = host.groups.into_iter().flat_map(|group| group.containers);
    all.find(|it| it.name == name)
        .expect("a declared container")
}

/// Waits until something is true of a container.
#[track_caller]
pub(crate) fn until_that(
    vm: &Vm,
    name: &str,
    is_true: impl Fn(&ContainerStatus) -> bool,
) -> ContainerStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = status(vm, name);
        if is_true(&now) {
            return now;
        }
        assert!(Instant::now() < deadline, "still {now:#?}");
        thread::sleep(Duration::from_millis(300));
    }
}

/// The directory of a container's cgroup.
#[track_caller]
pub(crate) fn cgroup(vm: &Vm, name: &str) -> String {
    let show = format!("systemctl show --value --property=ControlGroup ctr-lab-{name}.service");
    format!("/sys/fs/cgroup{}", vm.ok(&show).trim())
}

/// A number in a file of a container's cgroup: all of the file, or what follows a word there.
#[track_caller]
pub(crate) fn figure(vm: &Vm, name: &str, file: &str) -> u64 {
    let (file, word) = file.split_once(' ').unwrap_or((file, ""));
    let text = vm.ok(&format!("cat {}/{file}", cgroup(vm, name)));
    text.lines()
        .find_map(|line| {
            line.strip_prefix(word)
                .and_then(|rest| rest.trim().parse().ok())
        })
        .expect("a number of the kernel")
}
