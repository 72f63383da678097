//! After a power cut the guests that start with the host run again, as they were last declared.

use ctr_api::wire::State;

use crate::guests::{boot, sleeper, status};

#[test]
#[ignore = "boots a virtual machine: cargo test -p ctr-lab --test vm -- --ignored"]
fn a_power_cut_leaves_what_was_applied() {
    let mut vm = boot(
        &[
            sleeper("one", 11, "limits = { tasks-max = 100 }"),
            sleeper("two", 12, ""),
        ],
        &["one", "two"],
    );
    vm.ok("sed -i 's/tasks-max = 100/tasks-max = 101/' /etc/ctr/containers.toml && ctr apply");
    vm.ok("ctr lab exec one -- /usr/bin/touch /srv/kept && sync && touch /run/gone");
    let before = vm.ok("cat /proc/sys/kernel/random/boot_id");

    vm.cut_power(1).expect("the machine boots again");
    assert_ne!(vm.ok("cat /proc/sys/kernel/random/boot_id"), before);
    vm.fails("test -e /run/gone");
    vm.ok("ctr lab wait one two --timeout 280s");
    for name in ["one", "two"] {
        assert_eq!(status(&vm, name).state, State::Running);
    }
    vm.ok("ctr lab exec one -- /usr/bin/test -e /srv/kept");
    let limit = vm.ok("systemctl show --value --property=TasksMax ctr-lab-one.service");
    assert_eq!(limit.trim(), "101");
    vm.ok("ctr plan --exit-code");
}
