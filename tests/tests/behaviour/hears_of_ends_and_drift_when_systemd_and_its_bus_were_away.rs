//! `systemctl daemon-reload`, `daemon-reexec` and a restart of machined or of dbus disturb no guest and
//! trouble nobody, and what happens afterwards is heard as before.

use ctr_api::wire::State;
use ctr_lab::{Host, Options};

use crate::guests::{PATIENCE, lab, running, sleeper, status, until_that};

const AWAY: [&str; 4] = [
    "systemctl daemon-reload",
    "systemctl daemon-reexec",
    "systemctl restart systemd-machined",
    "systemctl restart dbus",
];

#[test]
fn hears_of_ends_and_drift_when_systemd_and_its_bus_were_away() {
    let declaration = lab(&[
        sleeper("web", 11, "restart = { delay = \"100ms\" }\n"),
        sleeper("db", 12, ""),
    ]);
    let boot = Options::new()
        .with_ctr(&declaration)
        .units_may_fail()
        .boot();
    let host: Host = boot.expect("it boots");
    for away in AWAY {
        let leaders = running(&host, &["web", "db"]);
        let restarts = status(&host, "web").restarts;
        host.ok(away);
        // Where the bus went, ctrd went with it and is back in a moment.
        host.until("ctr status", PATIENCE);
        // A look at each while whoever should answer may still be away.
        host.until("ctr plan --exit-code", PATIENCE);
        assert_eq!(running(&host, &["web", "db"]), leaders, "after {away}");
        for name in ["web", "db"] {
            let now = status(&host, name);
            assert_eq!(
                (now.state, &now.reason),
                (State::Running, &None),
                "after {away}: {now:#?}"
            );
        }

        host.ok("ip link set ctr-lab-web down");
        host.until("ip link show ctr-lab-web | grep -q ',UP'", PATIENCE);
        host.ok("nft flush ruleset");
        host.until("nft list table inet ctr", PATIENCE);
        let restarts = if away.ends_with("dbus") { 0 } else { restarts };
        host.ok(&format!("kill -9 {}", leaders[0]));
        let back = until_that(&host, "web", |it| {
            it.restarts == restarts + 1 && it.state == State::Running
        });
        assert_ne!(back.leader, Some(leaders[0]), "after {away}");
        assert_eq!(running(&host, &["db"]), leaders[1..], "after {away}");
    }
    let said = host.ok("journalctl --sync && journalctl --unit=ctrd --output=cat");
    assert!(!said.contains("db is failed"), "{said}");
}
