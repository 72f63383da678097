//! What is declared with `autostart` starts with the host, all at once, except for what `after` says.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{booted, declared, lab, number, running, sleeper, status};

const BEGUN: &str = "InactiveExitTimestampMonotonic";
const READY: &str = "ActiveEnterTimestampMonotonic";

#[test]
fn starts_at_boot_in_parallel() {
    let idle = "root = { tree = \"/var/lib/machines/debian\" }\n";
    let host = Host::with_ctr(&lab(&[
        booted("one", 11, ""),
        booted("two", 12, ""),
        booted("three", 13, ""),
        sleeper("last", 14, "after = [\"lab/two\"]\n"),
        declared("idle", 15, idle),
    ]));
    running(&host, &["one", "two", "three", "last"]);

    let at = |name: &str, what| number(&host, &format!("ctr-lab-{name}"), what);
    let together = ["one", "two", "three"];
    let begun = together.map(|name| at(name, BEGUN)).into_iter().max();
    let ready = together.map(|name| at(name, READY)).into_iter().min();
    assert!(
        begun < ready,
        "one is ready at {ready:?} before another begins at {begun:?}"
    );

    assert!(
        at("last", BEGUN) >= at("two", READY),
        "lab/last did not wait for lab/two"
    );
    let journal = host.ok("journalctl --sync && journalctl --unit=ctrd --output=cat");
    assert!(
        journal.contains("lab/last is waiting: waits for lab/two to be ready"),
        "{journal}"
    );

    assert_eq!(status(&host, "idle").state, State::Stopped);
    host.fails("systemctl is-active ctr-lab-idle");
}
