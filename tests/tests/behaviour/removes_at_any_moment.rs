//! What leaves the declaration goes whatever it does at that moment: while it starts, while it stops, while
//! somebody is in it.

use crate::a_slow_stop_holds_nobody_up::{applied, applying, held};
use crate::guests::{PATIENCE, lab, running, sleeper, slow, until};
use ctr_api::wire::State;
use ctr_lab::Host;

const FILE: &str = "/etc/ctr/containers.toml";

#[test]
fn removes_at_any_moment() {
    let kept = sleeper("kept", 12, "");
    let all = [
        slow("starts", 11, 60, "autostart = true\n"),
        kept.clone(),
        sleeper("entered", 13, ""),
        held("stops", 14, ""),
    ];
    let host = Host::with_ctr(&lab(&all));
    let before = running(&host, &["kept", "entered", "stops"])[0];
    until(&host, "starts", State::Starting);
    let mut session = host.spawn("ctr lab exec entered -- sh -c 'echo inside; sleep infinity'");
    session.expect("inside", PATIENCE).expect("it is inside");
    host.ok("ctr lab stop stops --no-wait");
    host.until(
        "systemctl is-active ctr-lab-stops.service | grep -q deactivating",
        PATIENCE,
    );

    host.write(FILE, lab(&[kept]));
    let _apply = applying(&host, "/root/apply");
    // Two go at once, and the third takes its time.
    host.until(
        "test \"$(ls /run/netns | xargs)\" = 'ctr-lab-kept ctr-lab-stops'",
        PATIENCE,
    );
    assert_ne!(session.wait(PATIENCE).expect("it ends"), 0);
    host.ok("touch /run/hold/go");
    let (ended, report) = applied(&host, "/root/apply");
    assert_eq!(
        (ended.as_str(), report.failures.len()),
        ("0", 0),
        "{report:#?}"
    );
    assert_eq!(host.ok("ls /run/netns").trim(), "ctr-lab-kept");
    assert!(
        !host
            .ok("systemctl list-units --all --plain --no-legend 'ctr-lab-*'")
            .contains("stops")
    );
    assert_eq!(running(&host, &["kept"])[0], before);
    assert_eq!(host.run("ctr plan --exit-code").status, 0);
}
