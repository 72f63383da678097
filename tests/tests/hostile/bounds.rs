//! What a guest can use up.

use crate::{PATIENCE, Row, exec, host_with, prints};

/// What is tried.
pub(crate) fn rows() -> Vec<Row> {
    let row = |guest, what, outcome: &str, control| Row {
        guest,
        what,
        outcome: format!("bounded: {outcome}"),
        control,
    };
    vec![
        row(
            "boots",
            "takes every inotify instance",
            "each of its users has 128",
            "meanwhile another guest and the host get theirs",
        ),
        row(
            "boots",
            "makes user namespaces without end",
            "each of its users has 64",
            "it makes the first ones",
        ),
        row(
            "flood",
            "fills the host's journal with its output",
            "what comes faster than its unit's rate is dropped",
            "its first lines are there",
        ),
        row(
            "boots",
            "fills the host's disk with its journal",
            "its journald keeps 256M, until its root says otherwise",
            "what it logs is there",
        ),
        row(
            "boots",
            "sends a readiness text of a megabyte with terminal sequences",
            "nothing of it is shown",
            "what it sends as its state is heard",
        ),
        row(
            "loops",
            "reboots without end",
            "the pause between its starts grows",
            "it is started again",
        ),
    ]
}

/// Opens instances until there are no more, and holds them.
const INSTANCES: &str = "python3 -c '
import ctypes
libc = ctypes.CDLL(None)
count = 0
while count < 5000 and libc.inotify_init() >= 0:
    count += 1
print(\"took\", count, flush=True)
import time
time.sleep(1000)'";

/// Makes user namespaces, each kept by a process, until there are no more.
const NAMESPACES: &str = "python3 -c '
import ctypes, os
libc = ctypes.CDLL(None)
count = 0
while count < 500:
    read, write = os.pipe()
    if os.fork() == 0:
        made = libc.unshare(0x10000000) == 0
        os.write(write, b\"1\" if made else b\"0\")
        import signal
        signal.pause()
    if os.read(read, 1) == b\"0\":
        break
    count += 1
print(count)
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.killpg(0, signal.SIGTERM)
'";

const MORE: &str = r#"
[groups.red.containers.flood]
address = "10.77.1.14"
autostart = true
root = { tree = "/var/lib/machines/debian" }
command = ["/bin/sh", "-c", "seq 200000; exec sleep infinity"]

[groups.red.containers.loops]
address = "10.77.1.15"
root = { tree = "/var/lib/machines/debian" }
command = ["/bin/sh", "-c", "exit 133"]
"#;

#[test]
fn a_guest_uses_up_its_own_share_alone() {
    let host = host_with(MORE);
    host.until("test $(cat /proc/$(machinectl show red-boots -p Leader --value)/status | grep -c NSpid) = 1", PATIENCE);
    host.until(
        "ctr red exec boots -- grep -x 128 /proc/sys/user/max_inotify_instances",
        PATIENCE,
    );
    let words = ["ctr", "red", "exec", "boots", "--", "bash", "-c", INSTANCES];
    let taking = host.command(words).spawn().expect("ctr runs");
    let took = taking.expect("\n", PATIENCE).expect("a number");
    let took: u32 = took
        .trim()
        .trim_start_matches("took ")
        .parse()
        .expect("a number");
    assert!((64..=128).contains(&took), "{took}");
    for (place, proof) in [
        ("sleeps", exec(&host, "sleeps", ONE)),
        ("host", host.run(ONE)),
    ] {
        assert!(proof.success(), "{place}: {proof:?}");
    }

    let made = exec(&host, "boots", NAMESPACES).stdout;
    let made: u32 = made.trim().parse().expect("a number");
    assert!((1..=64).contains(&made), "{made}");

    host.until(
        "journalctl -u ctr-red-flood -o cat | grep -qx 4000",
        PATIENCE,
    );
    let lines: u32 = host
        .ok("journalctl -u ctr-red-flood -o cat | wc -l")
        .trim()
        .parse()
        .expect("a number");
    assert!(
        lines < 100_000,
        "{lines} of 200000 lines are in the host's journal"
    );

    prints(
        &host,
        "boots",
        "echo kept | systemd-cat && journalctl --sync && journalctl -o cat | grep -qx kept",
    );
    prints(
        &host,
        "boots",
        "journalctl -b -o cat -u systemd-journald | grep 'max 256M'",
    );

    prints(&host, "boots", STATUS);
    let text = host.ok(
        "systemctl show -p StatusText --value ctr-red-boots; ctr red status boots; ctr red status",
    );
    assert!(!text.contains('\u{1b}') && text.len() < 20_000, "{text}");
    assert_eq!(
        host.ok("systemctl is-active ctr-red-boots").trim(),
        "active"
    );

    // It is started again, and what it does is in the status. (How the pauses grow is a decision
    // without a clock, and tested there.)
    host.ok("ctr red start loops --no-wait");
    host.until(
        "test $(ctr red status loops --json | grep -o '\"restarts\": *[0-9]*' | grep -o '[0-9]*') -ge 2",
        PATIENCE,
    );
    let units = host.ok("for u in boots sleeps strong flood; do systemctl show --value -p TasksMax ctr-red-$u; done");
    assert!(units.lines().all(|most| most == "16384"), "{units}");
}

const ONE: &str = "python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).inotify_init() < 0)'";

/// As the guest's init would: to the socket that systemd-nspawn listens on.
const STATUS: &str = "python3 -c '
import socket
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
to.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
for size in (100, 4000, 100000, 1000000):
    try:
        to.sendto(b\"STATUS=\" + b\"\\033[31mred\" * (size // 8) + b\"\\nMAINPID=1\\nSTOPPING=1\", \"/run/host/notify\")
    except OSError:
        pass
'";
