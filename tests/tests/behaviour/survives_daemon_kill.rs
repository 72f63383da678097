//! ctrd may die at any moment: the guests run on, and the next ctrd finds them as they are.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{PATIENCE, booted, lab, property, running, sleeper, slow, status, until};

const GUESTS: [&str; 2] = ["boots", "sleeps"];

#[test]
fn survives_daemon_kill() {
    let host = Host::with_ctr(&lab(&[
        booted("boots", 11, ""),
        sleeper("sleeps", 12, ""),
        slow("slow", 13, 4, ""),
    ]));
    let leaders = running(&host, &GUESTS);
    let since = GUESTS.map(|name| status(&host, name).since_ms);
    let undisturbed = |why: &str| {
        host.until("ctr status", PATIENCE);
        assert_eq!(
            running(&host, &GUESTS),
            leaders,
            "guests were restarted: {why}"
        );
        for (name, since) in GUESTS.into_iter().zip(since) {
            let now = status(&host, name);
            assert_eq!(
                (now.state, now.restarts),
                (State::Running, 0),
                "{why}: {now:#?}"
            );
            assert_eq!(now.since_ms, since, "{why}: {now:#?}");
        }
    };

    kill_ctrd(&host);
    undisturbed("ctrd was killed");
    host.ok("systemctl restart ctrd");
    undisturbed("ctrd was restarted");
    host.ok("systemctl stop ctrd");
    for name in GUESTS {
        host.ok(&format!("systemctl is-active ctr-lab-{name}"));
    }
    host.ok("systemctl start ctrd");
    undisturbed("ctrd was stopped and started");

    // What the ctrd before began is finished by the next one, and not begun again.
    host.ok("ctr lab start slow --no-wait");
    let unit = "ctr-lab-slow";
    host.until(
        &format!("systemctl show -p ActiveState {unit} | grep -qx ActiveState=activating"),
        PATIENCE,
    );
    let invocation = property(&host, unit, "InvocationID");
    kill_ctrd(&host);
    host.until("ctr status", PATIENCE);
    until(&host, "slow", State::Running);
    assert_eq!(
        property(&host, unit, "InvocationID"),
        invocation,
        "it was started twice"
    );
    undisturbed("ctrd was killed while a guest started");

    host.ok("ctr lab stop sleeps && ctr lab start sleeps");
    let now = status(&host, "sleeps");
    assert_eq!(now.state, State::Running);
    assert_ne!(now.leader, Some(leaders[1]), "it was stopped and started");
    host.ok("ping -q -c1 -W2 10.77.3.12");
}

/// Kills ctrd, and waits until systemd has started another.
fn kill_ctrd(host: &Host) {
    let pid = property(host, "ctrd", "MainPID");
    host.ok(&format!("kill -9 {pid}"));
    host.until(
        &format!("systemctl is-active ctrd && test \"$(systemctl show --value -p MainPID ctrd)\" != {pid}"),
        PATIENCE,
    );
}
