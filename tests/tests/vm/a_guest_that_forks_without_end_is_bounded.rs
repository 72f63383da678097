//! A guest that forks without end takes its own tasks, and nobody else's. One that runs follows a new bound.

use ctr_api::wire::State;
use ctr_lab::Options;

use crate::guests::{cgroup, figure, lab, sleeper, started, status, until_that};

/// Every process makes more of them, for as long as it is let.
const BOMB: &str = "import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(1)
";

/// Makes as many processes as it is told, and says how many it could have.
const COUNT: &str = "import os, signal, sys
children = []
try:
    for _ in range(int(sys.argv[1])):
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
except BlockingIOError:
    pass
print(len(children))
for child in children:
    os.kill(child, signal.SIGKILL)
for child in children:
    os.waitpid(child, 0)
";

#[test]
#[ignore = "boots a virtual machine: cargo test -p ctr-lab --test vm -- --ignored"]
fn a_guest_that_forks_without_end_is_bounded() {
    let containers = [
        sleeper("bounded", 11, "limits = { tasks-max = 200 }"),
        sleeper("roomy", 12, "limits = { tasks-max = 1000 }"),
        sleeper("default", 13, ""),
        sleeper("other", 14, ""),
    ];
    // As many as a host with half a GiB can have: by default a guest gets a quarter of them.
    let vm = Options::new()
        .with_ctr(&lab(&containers))
        .file("/etc/sysctl.d/small.conf", "kernel.threads-max = 4000\n")
        .boot_vm()
        .expect("a small host boots");
    started(&vm, &["bounded", "roomy", "default", "other"]);
    assert_eq!(figure(&vm, "default", "pids.max"), 1000);
    vm.write("/root/bomb.py", BOMB);
    vm.write("/root/count.py", COUNT);

    // The same processes: more than the one may have, and as many as the other wants.
    let count = |name: &str| -> u64 {
        let text = vm.ok(&format!(
            "ctr lab exec {name} -- /usr/bin/python3 -c \"$(cat /root/count.py)\" 300"
        ));
        text.trim().parse().expect("a number of processes")
    };
    assert_eq!(count("roomy"), 300);
    assert!(count("bounded") < 200);

    // Another bound holds while they run on: more for the one, less for the other.
    let leaders = ["bounded", "roomy"].map(|name| status(&vm, name).leader);
    vm.ok(
        "sed -i 's/tasks-max = 200/tasks-max = 400/; s/tasks-max = 1000/tasks-max = 150/' \
         /etc/ctr/containers.toml && ctr apply",
    );
    assert_eq!(count("bounded"), 300);
    assert!(count("roomy") < 150);
    let now = ["bounded", "roomy"].map(|name| status(&vm, name));
    assert_eq!(now.each_ref().map(|it| it.leader), leaders);
    assert_eq!(now.map(|it| it.limits.tasks_max), [Some(400), Some(150)]);

    for name in ["bounded", "default"] {
        let limit = figure(&vm, name, "pids.max");
        vm.ok(&format!(
            "systemd-run --quiet --unit=bomb-{name} -- \
             ctr lab exec {name} -- /usr/bin/python3 -c \"$(cat /root/bomb.py)\""
        ));
        let events = format!("{}/pids.events", cgroup(&vm, name));
        vm.until(&format!("grep --quiet '^max [1-9]' {events}"));
        assert!(figure(&vm, name, "pids.current") <= limit);
        assert!(figure(&vm, name, "pids.peak") <= limit);

        // Processes of the host, of another guest, and of ctrd.
        vm.ok("systemd-run --quiet --wait /usr/bin/true");
        let said = vm.ok("ctr lab exec other -- /usr/bin/echo still here");
        assert_eq!(said, "still here\n");
        assert_eq!(status(&vm, name).state, State::Running);

        vm.ok(&format!("ctr lab stop {name} --timeout 120s"));
        until_that(&vm, name, |it| it.state == State::Stopped);
        vm.fails(&format!("systemctl is-active ctr-lab-{name}.service"));
        assert_eq!(vm.run("pgrep --full os.fork").stdout, "");
    }
    assert_eq!(status(&vm, "other").restarts, 0);
}
