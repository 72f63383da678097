//! A guest of one command hears a stop as soon as it is said to run.

use ctr_lab::Host;

use crate::guests::{lab, running, sleeper};

#[test]
fn stops_a_command_that_has_just_started() {
    let host = Host::with_ctr(&lab(&[sleeper("one", 11, "")]));
    running(&host, &["one"]);
    for _ in 0..8 {
        host.ok("ctr lab stop one && ctr lab start one && ctr lab stop one && ctr lab start one");
    }
    // A stop that was not heard ends in the unit's time-out, and is followed by SIGKILL.
    let said =
        host.ok("journalctl --sync && journalctl --no-pager -o cat UNIT=ctr-lab-one.service");
    assert!(said.contains("Stopped"), "{said}");
    assert!(!said.contains("timed out"), "{said}");
}
