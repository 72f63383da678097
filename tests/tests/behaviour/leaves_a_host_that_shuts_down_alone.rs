//! A host that shuts down ends its guests. ctrd starts none of them again, repairs nothing, and does not
//! take it for the guests' own doing, so that all of them are there after it.

use ctr_api::wire::State;
use ctr_lab::{Host, Options};

use crate::guests::{PATIENCE, booted, lab, running, sleeper, status, until_that};

/// Holds the shutdown while ctrd still runs: what is ordered after it is stopped before it.
const HOLD: &str = "[Unit]\nAfter=ctrd.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
    ExecStart=/usr/bin/true\nExecStop=/bin/sh -c 'until test -e /run/go-on; do sleep 0.1; done'\n\
    TimeoutStopSec=infinity\n[Install]\nWantedBy=multi-user.target\n";

const STOPPED: &str = "! systemctl is-active ctr-lab-web && ! systemctl is-active ctr-lab-boots";

fn host() -> Host {
    let always = "restart = { policy = \"always\", delay = \"100ms\" }\n";
    let declaration = lab(&[sleeper("web", 11, always), booted("boots", 12, "")]);
    let boot = Options::new()
        .with_ctr(&declaration)
        .file("/etc/systemd/system/hold.service", HOLD)
        .units_may_fail()
        .boot();
    let host = boot.expect("it boots");
    host.ok("systemctl start hold.service");
    running(&host, &["web", "boots"]);
    host
}

#[test]
fn leaves_a_host_that_shuts_down_alone() {
    let host = host();
    // The control: the same end without a shutdown.
    host.ok("systemctl stop ctr-lab-web");
    let back = until_that(&host, "web", |it| {
        it.restarts == 1 && it.state == State::Running
    });
    let before = host.ok("systemctl show --value --property=NRestarts ctrd");

    host.ok("systemctl start --no-block poweroff.target");
    host.until(STOPPED, PATIENCE);
    // It saw them end, and says so; it runs on as long as the shutdown takes.
    for name in ["web", "boots"] {
        let now = until_that(&host, name, |it| it.state == State::Stopped);
        assert_eq!(
            now.reason.as_deref(),
            Some("the host is shutting down"),
            "{now:#?}"
        );
        assert_eq!(now.next_try_ms, None);
    }
    assert_eq!(status(&host, "web").restarts, back.restarts);
    // It waits for the end, and does not ask for it over and over.
    let turns = "cat /proc/$(systemctl show --value --property=MainPID ctrd)/status | \
        awk '/^voluntary/ { print $2 }'";
    let turns = || host.ok(turns).trim().parse::<u64>().expect("a number");
    let before_a_while = turns();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let turned = turns() - before_a_while;
    assert!(turned < 100, "it does not come to rest: {turned} turns");
    host.ok("ip link set br-lab down && nft delete table inet ctr");
    let refused = host.run("ctr lab start web --timeout 5s");
    assert!(!refused.success(), "{refused:#?}");
    host.ok("ls -A /run/ctr/mark | wc -l | grep -qx 0");
    let said = host.ok("journalctl --sync && journalctl --unit=ctrd --output=cat");
    assert!(!said.contains("changed by somebody else"), "{said}");
    assert_eq!(
        said.matches("ended by itself").count(),
        1,
        "only the control: {said}"
    );
    assert_eq!(
        host.ok("systemctl show --value --property=NRestarts ctrd"),
        before
    );
    host.fails("nft list table inet ctr");

    // Called off: everything is as it is declared again.
    host.ok("systemctl cancel");
    host.ok("touch /run/go-on");
    running(&host, &["web", "boots"]);
    host.until(
        "nft list table inet ctr && ip link show br-lab | grep -q ',UP'",
        PATIENCE,
    );
}

#[test]
fn what_logind_announces_is_enough() {
    let host = host();
    let leaders = running(&host, &["web", "boots"]);
    // Somebody delays the shutdown: nothing of it has begun, and it has been announced.
    let delay = "systemd-inhibit --what=shutdown --mode=delay --why=test sleep infinity";
    let inhibitor = host.spawn(delay);
    host.until(
        "systemd-inhibit --list --no-legend | grep -q test",
        PATIENCE,
    );
    host.ok("systemctl poweroff --no-block");
    host.until(
        "journalctl --sync; journalctl --unit=ctrd --output=cat | grep -q 'about to shut down'",
        PATIENCE,
    );
    host.ok(&format!("kill -9 {}", leaders[0]));
    let now = until_that(&host, "web", |it| it.state == State::Stopped);
    assert_eq!(now.reason.as_deref(), Some("the host is shutting down"));
    assert_eq!(now.restarts, 0, "{now:#?}");
    drop(inhibitor);
}
