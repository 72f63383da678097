//! A guest may open its nodes at each moment of what systemd and its administrator do: reading the units
//! again, executing itself anew, other limits, another ctrd.

use std::cell::Cell;

use ctr_lab::{Background, Host};

use crate::gpus::{NVIDIA, machine};
use crate::guests::{PATIENCE, booted, lab, property, running, sleeper};

/// Opens nodes again and again, and says of each open that was not what it should be. The rounds are for the
/// test to know that it goes on.
const WATCH: &str = r"
import errno, os, sys, time
rounds = 0
while True:
    for path in sys.argv[1:]:
        try:
            os.close(os.open(path, os.O_RDWR))
            print('wrong', path, 'opened', flush=True)
        except OSError as error:
            if error.errno != errno.ENXIO:
                print('wrong', path, errno.errorcode[error.errno], flush=True)
    rounds += 1
    print('round', rounds, flush=True)
    time.sleep(0.01)
";

const GPU: &str = "gpu = { vendor = \"nvidia\" }\n";
/// What is by number is ctrd's own to say.
const OWN: &str = "[Service]\nDeviceAllow=/dev/net/tun rw\nDeviceAllow=char-misc r\n";

fn declaration(limit: &str) -> String {
    lab(&[
        sleeper("cuda", 11, &format!("{GPU}{limit}")),
        booted("boots", 12, &format!("{GPU}{limit}users = \"host\"\n")),
    ])
}

#[test]
fn access_to_a_gpu_outlives_what_systemd_does() {
    let host = machine("nvidia-laptop", &declaration(""));
    host.write("/opt/watch.py", WATCH);
    let leaders = running(&host, &["cuda", "boots"]);
    let watchers = ["cuda", "boots"].map(|guest| watch(&host, guest));

    for what in [
        "systemctl daemon-reload",
        "systemctl daemon-reexec",
        "systemctl set-property --runtime ctr-lab-cuda.service MemoryMax=1G",
        "systemctl set-property --runtime ctr-lab-boots.service TasksMax=900",
        "ctr apply",
        "systemctl restart ctrd",
        "ctr apply",
        "systemctl daemon-reload",
    ] {
        during(&host, &watchers, what);
    }
    host.write(
        "/etc/ctr/containers.toml",
        declaration("limits = { tasks-max = 800 }\n"),
    );
    during(&host, &watchers, "ctr apply");
    assert_eq!(property(&host, "ctr-lab-cuda.service", "TasksMax"), "800");

    // An administrator lets a guest use one more.
    for guest in ["cuda", "boots"] {
        let directory = format!("/etc/systemd/system/ctr-lab-{guest}.service.d");
        host.ok(&format!("mkdir -p {directory}"));
        host.write(&format!("{directory}/own.conf"), OWN);
    }
    for what in [
        "systemctl daemon-reload",
        "ctr apply",
        "systemctl restart ctrd",
        "ctr apply",
        "systemctl daemon-reexec",
    ] {
        during(&host, &watchers, what);
        for guest in ["cuda", "boots"] {
            let unit = format!("ctr-lab-{guest}.service");
            let allowed = property(&host, &unit, "DeviceAllow");
            for theirs in ["/dev/net/tun rw", "char-misc r"] {
                assert!(
                    allowed.lines().any(|it| it == theirs),
                    "{what}: {theirs} of {allowed}"
                );
            }
            assert!(allowed.contains("/dev/char/195:0 "), "{what}: {allowed}");
        }
    }
    assert_eq!(running(&host, &["cuda", "boots"]), leaders);

    // The control: what is seen when somebody takes the access away.
    host.ok("systemctl stop ctrd && rm -r /etc/systemd/system/ctr-lab-*.service.d");
    host.ok("systemctl daemon-reload");
    host.ok("systemctl set-property --runtime ctr-lab-cuda.service DeviceAllow=");
    let [cuda, _] = &watchers;
    let seen = cuda.background.expect("wrong /dev/", PATIENCE);
    seen.expect("it sees that it may not");
}

/// A guest's nodes, opened again and again.
struct Watcher {
    background: Background,
    round: Cell<u32>,
}

/// Opens a guest's nodes until it is dropped.
#[track_caller]
fn watch(host: &Host, guest: &str) -> Watcher {
    let nodes = NVIDIA.join(" ");
    let background = host.spawn(&format!(
        "ctr lab exec {guest} -- /usr/bin/python3 -c \"$(cat /opt/watch.py)\" {nodes}"
    ));
    let begun = background.expect("round 1\n", PATIENCE);
    begun.expect("it has begun");
    Watcher {
        background,
        round: Cell::new(1),
    }
}

/// Does something, and asserts that nothing went wrong before it, in it and a few rounds after it.
#[track_caller]
fn during(host: &Host, watchers: &[Watcher], what: &str) {
    host.ok(what);
    for Watcher { background, round } in watchers {
        let said = background.output();
        let last = said
            .lines()
            .rev()
            .find_map(|it| it.strip_prefix("round ")?.parse().ok());
        let until = last.unwrap_or(round.get()) + 3;
        let seen = background.expect(&format!("round {until}\n"), PATIENCE);
        let seen = seen.expect("it goes on");
        assert!(!seen.contains("wrong"), "{what}: {seen}");
        round.set(until);
    }
}
