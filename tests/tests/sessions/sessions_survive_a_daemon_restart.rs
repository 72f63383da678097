//! `ctrd` is in no session's data path and no session's process tree.

use crate::{PATIENCE, host};

#[test]
fn sessions_survive_a_daemon_restart() {
    let host = host();
    let mut shell = host.terminal("ctr lab enter boots");
    shell.expect("# ", PATIENCE).expect("a prompt");
    let mut command = host.spawn("ctr lab exec sleeps -- sh -c 'echo ready; while ! test -e /tmp/go; do sleep 0.1; done; echo late; exit 9'");
    command.expect("ready", PATIENCE).expect("it started");

    // ctrd has children for a moment, to make namespaces in; a session's processes would stay.
    let alone = "test \"$(cat /sys/fs/cgroup/system.slice/ctrd.service/cgroup.procs)\" \
                 = \"$(systemctl show --value -p MainPID ctrd)\"";
    host.until(alone, PATIENCE);

    host.ok("systemctl stop ctrd");
    shell.send("echo alive=$((6*7))\r").expect("keys");
    shell
        .expect("alive=42", PATIENCE)
        .expect("the shell works with no ctrd");
    host.ok("systemctl start ctrd && systemctl kill -s KILL ctrd");
    host.until("ctr lab status", PATIENCE);
    host.ok("ctr lab exec sleeps -- touch /tmp/go");
    command.expect("late", PATIENCE).expect("its output");
    assert_eq!(command.wait(PATIENCE).expect("an end"), 9);
    shell.send("exit 4\r").expect("keys");
    assert_eq!(shell.wait(PATIENCE).expect("an end"), 4);
}
