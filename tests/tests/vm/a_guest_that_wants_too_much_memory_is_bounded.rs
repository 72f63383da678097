//! What goes above a guest's memory is killed in that guest, and its status says so.

use ctr_api::wire::State;

use crate::guests::{boot, cgroup, figure, running, sleeper, status, until_that};

/// 160 MiB, all of them touched.
const TAKE: &str = "print(len(b'x' * (160 << 20)))";

#[test]
#[ignore = "boots a virtual machine: cargo test -p ctr-lab --test vm -- --ignored"]
fn a_guest_that_wants_too_much_memory_is_bounded() {
    let takes = ["/usr/bin/python3", "-c", TAKE];
    let containers = [
        sleeper("small", 11, "limits = { memory-max = \"96M\" }"),
        sleeper("large", 12, "limits = { memory-max = \"384M\" }"),
        running(
            "itself",
            13,
            &takes,
            "limits = { memory-max = \"96M\" }\nrestart = { policy = \"never\" }\n",
        ),
    ];
    let vm = boot(&containers, &["small", "large"]);
    let take = |name: &str| {
        vm.run(&format!(
            "ctr lab exec {name} -- {} -c \"{TAKE}\"",
            takes[0]
        ))
    };

    let output = take("large");
    assert_eq!(output.stdout, "167772160\n", "{output:?}");
    assert_eq!(figure(&vm, "large", "memory.events oom_kill "), 0);

    let output = take("small");
    assert_eq!((output.status, output.stdout.as_str()), (137, ""));
    assert!(figure(&vm, "small", "memory.events oom_kill ") >= 1);
    assert!(figure(&vm, "small", "memory.peak") <= 96 << 20);
    let small = status(&vm, "small");
    assert_eq!((small.state, small.restarts), (State::Running, 0));
    assert_eq!(small.limits.memory_max, Some(96 << 20));
    let killed = small.usage.as_ref().and_then(|it| it.oom_kills);
    assert!(killed >= Some(1), "{small:#?}");
    let said = vm.ok("ctr lab status small");
    assert!(said.contains("killed for memory since the start"), "{said}");
    let large = status(&vm, "large").usage.and_then(|it| it.oom_kills);
    assert_eq!(large, Some(0));
    vm.ok("ctr lab exec small -- /usr/bin/true");

    // What the guest is there for is killed: that is the guest's end.
    let itself = until_that(&vm, "itself", |it| it.state == State::Failed);
    assert_eq!(
        itself.last_exit.as_deref(),
        Some("exit status 255, its memory used up")
    );

    // A running guest follows a new bound.
    vm.ok("sed -i 's/\"96M\"/\"385M\"/' /etc/ctr/containers.toml && ctr apply");
    assert_eq!(
        vm.ok(&format!("cat {}/memory.max", cgroup(&vm, "small")))
            .trim(),
        (385_u64 << 20).to_string()
    );
    assert_eq!(take("small").stdout, "167772160\n");
    assert_eq!(status(&vm, "small").leader, small.leader);
}
