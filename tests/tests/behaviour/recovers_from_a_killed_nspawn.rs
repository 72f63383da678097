//! A guest that ends badly comes back by itself, as its `restart` says; one that powers itself off,
//! or is stopped by hand, stays off.

use ctr_api::wire::State;
use ctr_lab::{Host, Options};

use crate::guests::{booted, lab, property, running, sleeper, status, until, until_that};

#[test]
fn recovers_from_a_killed_nspawn() {
    let host = Host::with_ctr(&lab(&[booted("web", 11, ""), sleeper("other", 12, "")]));
    let other = running(&host, &["other"]);
    running(&host, &["web"]);

    host.ok(&format!(
        "kill -9 {}",
        property(&host, "ctr-lab-web", "MainPID")
    ));
    let back = until_that(&host, "web", |it| {
        it.restarts == 1 && it.state == State::Running
    });
    assert_eq!(back.last_exit.as_deref(), Some("killed by SIGKILL"));
    host.ok("ping -q -c1 -W2 10.77.3.11");

    host.ok(&format!("kill -9 {}", back.leader.expect("it runs")));
    let back = until_that(&host, "web", |it| {
        it.restarts == 2 && it.state == State::Running
    });
    assert!(back.last_exit.is_some(), "{back:#?}");

    // A reboot is no failure: it comes back without a pause, as the host itself would.
    host.run("ctr lab exec web -- systemctl reboot");
    let back = until_that(&host, "web", |it| {
        it.restarts == 3 && it.state == State::Running
    });
    assert_eq!(
        back.last_exit.as_deref(),
        Some("its init asked for a reboot")
    );
    let journal = host.ok("journalctl --sync && journalctl --unit=ctrd --output=cat");
    let said = "lab/web ended by itself (its init asked for a reboot) and is started again in 0ns";
    assert!(journal.contains(said), "{journal}");

    // More than once: whether ctrd sees it go down on the way is a matter of luck.
    let mut off = back;
    for _ in 0..4 {
        host.ok("ctr lab start web");
        host.run("ctr lab exec web -- systemctl poweroff");
        off = until(&host, "web", State::Stopped);
        assert_eq!(off.reason.as_deref(), Some("it powered itself off"));
    }
    for command in ["systemctl restart ctrd", "ctr apply"] {
        host.ok(command);
        let still = status(&host, "web");
        assert_eq!(still.state, State::Stopped, "after {command}: {still:#?}");
        assert_eq!(still.reason, off.reason, "after {command}");
    }
    host.ok("ctr lab start web");
    assert_eq!(status(&host, "web").state, State::Running);
    assert_eq!(
        running(&host, &["other"]),
        other,
        "a neighbour was disturbed"
    );
}

/// A host whose guests may have ended before it has booted.
#[track_caller]
fn with_ends(declaration: &str) -> Host {
    let host = Options::new().with_ctr(declaration).units_may_fail().boot();
    host.expect("it boots")
}

#[test]
fn the_restart_policy_decides_and_the_pause_grows() {
    let shell = |code: &str| format!("command = [\"/bin/sh\", \"-c\", \"{code}\"]\n");
    let restart = |keys: &str| format!("restart = {{ {keys} }}\n");
    let ends = |name, place, code, keys: &str| booted(name, place, &(shell(code) + &restart(keys)));
    let host = with_ends(&lab(&[
        ends("never", 11, "exit 3", "policy = \"never\""),
        ends(
            "always",
            12,
            "sleep 0.3",
            "policy = \"always\", delay = \"100ms\", max-delay = \"100ms\"",
        ),
        ends("clean", 13, "exit 0", "delay = \"100ms\""),
        ends(
            "crashes",
            14,
            "exit 7",
            "delay = \"200ms\", max-delay = \"1min\"",
        ),
    ]));

    let never = until(&host, "never", State::Failed);
    assert_eq!(never.reason.as_deref(), Some("exit status 3"));
    assert_eq!((never.next_try_ms, never.restarts), (None, 0), "{never:#?}");
    let clean = until(&host, "clean", State::Stopped);
    assert_eq!(clean.reason.as_deref(), Some("it powered itself off"));
    until_that(&host, "always", |it| it.restarts >= 3);

    let seen = until_that(&host, "crashes", |it| {
        it.restarts >= 4 && it.next_try_ms.is_some()
    });
    assert_eq!(seen.state, State::Failed, "{seen:#?}");
    assert_eq!(seen.reason.as_deref(), Some("exit status 7"));
    let journal = host.ok(
        "journalctl --sync && journalctl --unit=ctrd --output=cat --grep='crashes ended by itself'",
    );
    for (line, pause) in journal.lines().zip(["200ms", "400ms", "800ms", "1.6s"]) {
        assert!(
            line.ends_with(&format!("again in {pause}")),
            "expected {pause} in: {line}"
        );
    }
    let table = host.ok("ctr lab status crashes never; true");
    assert!(table.contains("exit status 7"), "{table}");
}

#[test]
fn what_is_stopped_by_hand_stays_stopped() {
    let always = "restart = { policy = \"always\" }\n";
    let host = Host::with_ctr(&lab(&[sleeper("web", 11, always)]));
    running(&host, &["web"]);
    host.ok("ctr lab stop web");
    for command in [
        "true",
        "systemctl restart ctrd",
        "ctr apply",
        "systemctl reload ctrd",
    ] {
        host.ok(command);
        let still = status(&host, "web");
        assert_eq!(still.state, State::Stopped, "after {command}: {still:#?}");
        assert_eq!(
            still.reason.as_deref(),
            Some("stopped by hand"),
            "after {command}"
        );
    }
    host.fails("systemctl is-active ctr-lab-web");
    host.ok("ctr lab start web");
    running(&host, &["web"]);

    // A reboot starts it, and forgets what was said of the last run: nothing in /run outlives that.
    host.ok("ctr lab stop web");
    host.ok("systemctl stop ctrd && rm -rf /run/ctr && systemctl start ctrd");
    running(&host, &["web"]);
}
