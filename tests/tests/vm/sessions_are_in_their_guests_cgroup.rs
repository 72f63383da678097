//! On pure cgroup v2: a guest's figures are in its status, and what enters it is counted there.

use ctr_lab::Vm;

use crate::guests::{boot, cgroup, sleeper, status};

#[test]
#[ignore = "boots a virtual machine: cargo test -p ctr-lab --test vm -- --ignored"]
fn sessions_are_in_their_guests_cgroup() {
    let vm = boot(
        &[sleeper("one", 11, ""), sleeper("two", 12, "")],
        &["one", "two"],
    );
    let controllers = vm.ok("cat /sys/fs/cgroup/cgroup.controllers");
    for controller in ["cpu", "memory", "pids"] {
        assert!(controllers.contains(controller), "{controllers}");
    }

    let usage = status(&vm, "one")
        .usage
        .expect("a running guest uses something");
    assert!(usage.memory.is_some_and(|bytes| bytes > 0), "{usage:?}");
    assert!(usage.cpu_usec.is_some_and(|time| time > 0), "{usage:?}");

    vm.ok("systemd-run --quiet -- ctr lab exec one -- /usr/bin/sleep 1001");
    // A terminal for `enter`, and somebody who types and stays.
    vm.write(
        "/root/enter",
        "(echo exec /usr/bin/sleep 1002; exec sleep infinity) | script --quiet --command 'ctr lab enter two' /dev/null",
    );
    vm.ok("systemd-run --quiet -- bash /root/enter");
    vm.ok("systemd-run --quiet -- /usr/bin/sleep 1003");
    for (sleep, at) in [("1001", "one"), ("1002", "two")] {
        for name in ["one", "two"] {
            assert_eq!(is_in(&vm, sleep, name), name == at, "{sleep} in {name}");
        }
    }
    // What nobody put into a guest is in none.
    assert!(!is_in(&vm, "1003", "one"));
}

/// Whether the process that sleeps for so long is in the cgroup of that guest.
fn is_in(vm: &Vm, sleep: &str, name: &str) -> bool {
    let find = format!("pgrep --exact --full '/usr/bin/sleep {sleep}'");
    let of_process = vm.until(&format!("cat /proc/$({find})/cgroup"));
    let cgroup = cgroup(vm, name);
    let path = cgroup.trim_start_matches("/sys/fs/cgroup");
    of_process.contains(&format!("{path}/"))
}
