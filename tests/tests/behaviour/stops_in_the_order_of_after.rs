//! Of containers that are stopped, restarted or taken away together, one that is declared to be after
//! another stops first; one whose stop takes its time holds up those only that it is after, and they say so.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::a_slow_stop_holds_nobody_up::held;
use crate::guests::{PATIENCE, lab, property, running, sleeper, status, until, until_that};

/// `web` is after `db`, which takes no time; `web` stops when `/run/hold/go` is there.
fn pair() -> String {
    lab(&[
        sleeper("db", 11, ""),
        held("web", 12, "after = [\"lab/db\"]\n"),
        sleeper("other", 13, ""),
    ])
}

fn unit(host: &Host, name: &str) -> String {
    property(host, &format!("ctr-lab-{name}.service"), "ActiveState")
}

/// `web` is on its way down, and `db`, which it is after, waits for that while it runs on.
#[track_caller]
fn held_up(host: &Host) {
    host.until(
        "systemctl is-active ctr-lab-web.service | grep -q deactivating",
        PATIENCE,
    );
    let db = until_that(host, "db", |it| it.reason.is_some());
    assert_eq!(
        (db.state, db.reason.as_deref()),
        (State::Stopping, Some("waits for lab/web to stop"))
    );
    assert_eq!(unit(host, "db"), "active");
}

#[test]
fn stops_in_the_order_of_after() {
    let host = Host::with_ctr(&pair());
    running(&host, &["db", "web", "other"]);
    host.ok("ctr lab stop-all --no-wait");
    held_up(&host);
    // Who has nothing to do with them is not held up.
    until(&host, "other", State::Stopped);
    host.ok("touch /run/hold/go");
    until(&host, "web", State::Stopped);
    until(&host, "db", State::Stopped);
    host.ok("rm /run/hold/go && ctr lab start-all --timeout 40s");

    // A restart of all goes down in this order, and up in the other.
    let before = running(&host, &["db", "web"]);
    host.ok("ctr lab restart-all --no-wait");
    held_up(&host);
    host.ok("touch /run/hold/go");
    until(&host, "web", State::Waiting);
    let after = running(&host, &["db", "web"]);
    assert!(after[0] != before[0] && after[1] != before[1]);
    let began = |name: &str| status(&host, name).since_ms;
    assert!(began("db") <= began("web"));
    host.ok("rm /run/hold/go");

    // The control: alone it is not held up by one that stays.
    host.ok("ctr lab restart db --timeout 40s");
    assert_eq!(running(&host, &["web"])[0], after[1]);

    // Everything is taken away.
    let _down = host.spawn("ctr down --yes; touch /root/down");
    host.until(
        "systemctl is-active ctr-lab-web.service | grep -q deactivating",
        PATIENCE,
    );
    host.until(
        "ctr status | grep -q 'lab/db is declared no more and stopping'",
        PATIENCE,
    );
    assert_eq!(unit(&host, "db"), "active");
    host.ok("touch /run/hold/go");
    host.until("test -e /root/down", PATIENCE);
    assert_eq!(unit(&host, "db"), "inactive");
}

#[test]
fn another_ctrd_stops_them_in_that_order_too() {
    let host = Host::with_ctr(&pair());
    running(&host, &["db", "web", "other"]);
    host.ok("ctr lab stop-all --no-wait");
    held_up(&host);
    let killed = property(&host, "ctrd", "MainPID");
    host.ok("systemctl kill --signal=KILL ctrd");
    host.until(
        &format!("test $(systemctl show --value -p MainPID ctrd) != {killed} && ctr status"),
        PATIENCE,
    );
    held_up(&host);
    until(&host, "other", State::Stopped);
    assert_eq!(unit(&host, "db"), "active");
    host.ok("touch /run/hold/go");
    until(&host, "web", State::Stopped);
    until(&host, "db", State::Stopped);
}
