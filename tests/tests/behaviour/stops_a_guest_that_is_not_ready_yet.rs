//! A guest that boots for ever can be stopped at once, and is given up after its `start-timeout`.

use std::time::{Duration, Instant};

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{PATIENCE, lab, slow, status, until};

#[test]
fn stops_a_guest_that_is_not_ready_yet() {
    let limited = "start-timeout = \"3s\"\nrestart = { policy = \"never\" }\n";
    let host = Host::with_ctr(&lab(&[
        slow("slow", 11, 600, ""),
        slow("limited", 12, 600, limited),
    ]));
    let begun = Instant::now();
    host.ok("ctr lab start limited --no-wait");
    host.ok("ctr lab start slow --no-wait");
    // Its init runs: a polite stop would be heard only when it has booted.
    host.until(
        "ctr lab exec slow -- systemctl is-active sysinit.target",
        PATIENCE,
    );
    assert_eq!(status(&host, "slow").state, State::Starting);

    let asked = Instant::now();
    host.ok("ctr lab stop slow");
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(10), "stopping took {took:?}");
    let stopped = status(&host, "slow");
    assert_eq!(
        (stopped.state, stopped.leader),
        (State::Stopped, None),
        "{stopped:#?}"
    );
    host.fails("machinectl show lab-slow");

    let failed = until(&host, "limited", State::Failed);
    assert_eq!(
        failed.reason.as_deref(),
        Some("not ready within its start time"),
        "{failed:#?}"
    );
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "giving up took {took:?}");
    let output = host.fails("ctr lab start limited");
    assert_eq!(output.status, 1);
    assert!(
        output.stderr.contains("not ready within its start time"),
        "{}",
        output.stderr
    );
}
