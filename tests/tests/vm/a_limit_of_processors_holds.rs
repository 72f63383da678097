//! A guest that may use a tenth of a processor is made to wait, and one without a limit is not, until it gets
//! one while it runs.

use crate::guests::{boot, cgroup, figure, running, status};

#[test]
#[ignore = "boots a virtual machine: cargo test -p ctr-lab --test vm -- --ignored"]
fn a_limit_of_processors_holds() {
    // What the guests are there for, and no session of theirs: one that is opened in a guest with next to no
    // processor, on an emulated one, may take longer than anybody waits for it.
    let busy = ["/usr/bin/python3", "-c", "while True: pass"];
    let containers = [
        running("tenth", 11, &busy, "limits = { cpus = 0.1 }"),
        running("free", 12, &busy, ""),
    ];
    let vm = boot(&containers, &["tenth", "free"]);
    let stat = format!("{}/cpu.stat", cgroup(&vm, "tenth"));
    vm.until(&format!("! grep --quiet '^nr_throttled 0$' {stat}"));
    assert!(figure(&vm, "tenth", "cpu.stat throttled_usec ") > 0);
    // The other ran into nothing, though it ran as much: there the kernel counts too.
    let stat = format!("{}/cpu.stat", cgroup(&vm, "free"));
    vm.until(&format!(
        "awk '/^usage_usec/ {{ exit $2 < 1000000 }}' {stat}"
    ));
    assert_eq!(figure(&vm, "free", "cpu.stat nr_throttled "), 0);

    // The busy guests run on, and change places: what is set is what the kernel enforces at once.
    let leaders = ["tenth", "free"].map(|name| status(&vm, name).leader);
    vm.ok(
        "sed -i '/^limits/d; /^address = \"10.77.3.12\"/a limits = { cpus = 0.1 }' \
         /etc/ctr/containers.toml && ctr apply",
    );
    vm.until(&format!("! grep --quiet '^nr_throttled 0$' {stat}"));
    let free_again = format!("{}/cpu.max", cgroup(&vm, "tenth"));
    assert!(vm.ok(&format!("cat {free_again}")).starts_with("max "));
    let (before, used) = (
        figure(&vm, "tenth", "cpu.stat nr_throttled "),
        figure(&vm, "tenth", "cpu.stat usage_usec "),
    );
    let stat = format!("{}/cpu.stat", cgroup(&vm, "tenth"));
    vm.until(&format!(
        "awk '/^usage_usec/ {{ exit $2 < {} }}' {stat}",
        used + 1_000_000
    ));
    assert_eq!(figure(&vm, "tenth", "cpu.stat nr_throttled "), before);
    let now = ["tenth", "free"].map(|name| status(&vm, name));
    assert_eq!(now.each_ref().map(|it| it.leader), leaders);
    assert_eq!(now.map(|it| it.limits.milli_cpus), [None, Some(100)]);
}
