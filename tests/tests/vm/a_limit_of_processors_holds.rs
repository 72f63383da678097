//! A guest that may use a tenth of a processor is made to wait, and one without a limit is not.

use crate::guests::{boot, cgroup, figure, sleeper};

#[test]
#[ignore = "boots a virtual machine: cargo test -p ctr-lab --test vm -- --ignored"]
fn a_limit_of_processors_holds() {
    let containers = [
        sleeper("tenth", 11, "limits = { cpus = 0.1 }"),
        sleeper("free", 12, ""),
    ];
    let vm = boot(&containers, &["tenth", "free"]);
    for name in ["tenth", "free"] {
        vm.ok(&format!(
            "systemd-run --quiet --unit=busy-{name} -- \
             ctr lab exec {name} -- /usr/bin/python3 -c 'while True: pass'"
        ));
    }
    let stat = format!("{}/cpu.stat", cgroup(&vm, "tenth"));
    vm.until(&format!("! grep --quiet '^nr_throttled 0$' {stat}"));
    assert!(figure(&vm, "tenth", "cpu.stat throttled_usec ") > 0);
    // The other ran into nothing, though it ran as much: there the kernel counts too.
    let stat = format!("{}/cpu.stat", cgroup(&vm, "free"));
    vm.until(&format!(
        "awk '/^usage_usec/ {{ exit $2 < 1000000 }}' {stat}"
    ));
    assert_eq!(figure(&vm, "free", "cpu.stat nr_throttled "), 0);
}
