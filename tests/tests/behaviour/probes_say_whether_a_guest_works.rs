//! A probe of each kind says whether its guest works, in its own words; where that is declared, a guest
//! that does not is started again.

use ctr_api::wire::{ContainerStatus, State};
use ctr_lab::Host;

use crate::guests::{lab, running, sleeper, status, until, until_that};

/// Probed as quickly as a test wants to know, with time to answer on a busy machine.
const QUICK: &str = "interval = \"2s\", start-interval = \"100ms\", failures = 2";

fn words(it: &ContainerStatus) -> &str {
    let health = it.health.as_ref().expect("a probe is declared");
    health.last.as_deref().unwrap_or("no result")
}

/// A server of the directory /srv of a guest, on port 8080.
const SERVER: &str = "/usr/bin/python3 -m http.server --directory /srv 8080";

#[test]
fn a_probe_of_each_kind_turns_healthy_and_unhealthy() {
    let http = format!("health = {{ http = {{ port = 8080, path = \"/up\" }}, {QUICK} }}\n");
    let tcp = format!("health = {{ tcp = 8080, {QUICK} }}\n");
    let command = format!(
        "health = {{ command = [\"sh\", \"-c\", \"echo looked; test -e /run/up\"], {QUICK} }}\n"
    );
    let host = Host::with_ctr(&lab(&[
        sleeper("http", 11, &http),
        sleeper("tcp", 12, &tcp),
        sleeper("command", 13, &command),
        sleeper("plain", 14, ""),
    ]));
    // Nobody answers: none is ready, and each says what it found.
    for (name, found) in [
        ("http", "refused"),
        ("tcp", "refused"),
        ("command", "exit status 1: looked"),
    ] {
        let coming = until_that(&host, name, |it| words(it) == found);
        assert_eq!(coming.state, State::Starting, "{coming:#?}");
        let reason = coming.reason.as_deref();
        assert_eq!(reason, Some(format!("not ready yet: {found}").as_str()));
    }
    let plain = until(&host, "plain", State::Running);
    assert_eq!(
        plain.health, None,
        "what is not probed is not healthy either"
    );
    // They work.
    host.ok("ctr lab exec http -- touch /srv/up");
    let web = host.spawn(&format!("ctr lab exec http -- {SERVER}"));
    let port = host.spawn(&format!("ctr lab exec tcp -- {SERVER}"));
    host.ok("ctr lab exec command -- touch /run/up");
    host.ok("ctr lab wait http tcp command --for healthy --timeout 40s");
    for (name, found) in [
        ("http", "status 200"),
        ("tcp", "accepted"),
        ("command", "exit status 0: looked"),
    ] {
        let healthy = until_that(&host, name, |it| words(it) == found);
        assert_eq!((healthy.state, healthy.restarts), (State::Healthy, 0));
    }
    // And they do not any more, while they run on.
    let leaders = ["http", "tcp", "command"].map(|name| status(&host, name).leader);
    host.ok("ctr lab exec http -- rm /srv/up && ctr lab exec command -- rm /run/up");
    drop(port);
    host.ok("ctr lab exec tcp -- pkill -f http.server || true");
    for (name, found) in [
        ("http", "status 404"),
        ("tcp", "refused"),
        ("command", "exit status 1: looked"),
    ] {
        let sick = until(&host, name, State::Unhealthy);
        assert_eq!(sick.reason.as_deref(), Some(found), "{sick:#?}");
    }
    let shown = host.run("ctr lab status http");
    assert_eq!(shown.status, 5, "{shown:?}");
    for words in [
        "\nunhealthy for ",
        "\n  http 8080/up: status 404\n",
        "\n  hint: `ctr lab logs http -n 50` says more",
        " failed 2 of 2 times\n",
        "\n  start took ",
    ] {
        assert!(shown.stdout.contains(words), "{words}: {shown:?}");
    }
    host.ok("ctr lab exec http -- touch /srv/up");
    until(&host, "http", State::Healthy);
    host.ok("ctr lab status http");
    drop(web);
    let now = ["http", "tcp", "command"].map(|name| status(&host, name).leader);
    assert_eq!(
        now, leaders,
        "nobody is restarted for a probe unless it is declared"
    );
}

#[test]
fn an_unhealthy_guest_is_started_again_where_that_is_declared() {
    let probe =
        format!("health = {{ command = [\"test\", \"!\", \"-e\", \"/run/sick\"], {QUICK} }}\n");
    let restart = "restart = { on-unhealthy = true, delay = \"100ms\" }\n";
    let host = Host::with_ctr(&lab(&[
        sleeper("mended", 11, &format!("{probe}{restart}")),
        sleeper("left", 12, &probe),
    ]));
    running(&host, &["mended", "left"]);
    // A guest's /run is new with each of its runs.
    host.ok("ctr lab exec mended -- touch /run/sick && ctr lab exec left -- touch /run/sick");
    let mended = until_that(&host, "mended", |it| {
        it.restarts == 1 && it.state == State::Healthy
    });
    assert_eq!(
        mended.last_exit.as_deref(),
        Some("unhealthy: exit status 1")
    );
    let left = until(&host, "left", State::Unhealthy);
    assert_eq!((left.restarts, left.last_exit), (0, None));
}

#[test]
fn whoever_has_no_success_in_its_start_time_has_failed() {
    let late = "start-timeout = \"3s\"\nhealth = { tcp = 8080, start-interval = \"100ms\" }\n";
    let never = "restart = { policy = \"never\" }\n";
    let host = Host::with_ctr(&lab(&[
        sleeper("late", 11, &format!("{late}{never}")),
        sleeper("other", 12, ""),
    ]));
    let failed = until(&host, "late", State::Failed);
    let why = "not ready within 3s: refused";
    assert_eq!(failed.reason.as_deref(), Some(why), "{failed:#?}");
    assert_eq!((failed.next_try_ms, failed.leader), (None, None));
    until(&host, "other", State::Running);
}

#[test]
fn another_ctrd_probes_again_and_restarts_nobody() {
    let probe =
        format!("health = {{ command = [\"test\", \"!\", \"-e\", \"/run/sick\"], {QUICK} }}\n");
    let host = Host::with_ctr(&lab(&[
        sleeper("well", 11, &probe),
        sleeper("sick", 12, &probe),
    ]));
    let leaders = running(&host, &["well", "sick"]);
    host.ok("ctr lab exec sick -- touch /run/sick");
    until(&host, "sick", State::Unhealthy);
    host.ok("systemctl kill --signal=KILL ctrd");
    host.until("ctr status", crate::guests::PATIENCE);
    let well = until(&host, "well", State::Healthy);
    let sick = until_that(&host, "sick", |it| words(it) == "exit status 1");
    assert_eq!(
        [well.leader, sick.leader],
        [Some(leaders[0]), Some(leaders[1])]
    );
    assert_eq!((well.restarts, sick.restarts), (0, 0));
}
