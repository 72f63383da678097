//! While an apply waits for a guest that takes its time to stop, everybody else is answered, and the
//! later of two declarations wins.

use ctr_api::wire::{ApplyReport, State};
use ctr_lab::Host;

use crate::guests::{PATIENCE, booted, lab, running, sleeper, status, until};

/// A guest that stops when `/run/hold/go` is there, and no earlier.
pub(crate) fn held(name: &str, place: u8, keys: &str) -> String {
    let unit = "[Unit]\\nBefore=multi-user.target\\n[Service]\\nType=oneshot\\nRemainAfterExit=yes\\n\
                ExecStart=/usr/bin/true\\nExecStop=/usr/bin/sh -c 'until test -e /hold/go; do sleep 0.1; done'\\n";
    let files = format!("files.\"/etc/systemd/system/hold.service\" = {{ text = \"{unit}\" }}\n");
    let bind =
        "binds = [{ host = \"/run/hold\", guest = \"/hold\", create = true, read-only = true }]\n";
    booted(
        name,
        place,
        &format!("enable = [\"hold.service\"]\n{files}{bind}{keys}"),
    )
}

/// An apply that is on its way; its output is in a file.
pub(crate) fn applying(host: &Host, file: &str) -> ctr_lab::Background {
    host.spawn(&format!(
        "ctr apply --json >{file} 2>&1; echo $? >{file}.status"
    ))
}

/// What an apply that was on its way said in the end.
#[track_caller]
pub(crate) fn applied(host: &Host, file: &str) -> (String, ApplyReport) {
    host.until(&format!("test -s {file}.status"), PATIENCE);
    let text = host.read(file);
    let report = text.find('{').map(|at| &text[at..]).unwrap_or_default();
    let end = report.rfind("\n}").map_or(report.len(), |at| at + 2);
    let report = serde_json::from_str(&report[..end]).unwrap_or_else(|e| panic!("{e}: {text}"));
    (
        host.read(&format!("{file}.status")).trim().to_owned(),
        report,
    )
}

#[test]
fn a_slow_stop_holds_nobody_up() {
    let (other, third) = (sleeper("other", 12, ""), sleeper("third", 13, ""));
    let host = Host::with_ctr(&lab(&[held("slow", 11, ""), other.clone(), third.clone()]));
    running(&host, &["slow", "other", "third"]);

    // It leaves, and takes its time.
    host.write(
        "/etc/ctr/containers.toml",
        lab(&[other.clone(), third.clone()]),
    );
    let _first = applying(&host, "/root/first");
    host.until(
        "ctr status | grep -q 'lab/slow is declared no more and stopping'",
        PATIENCE,
    );
    let still = |what: &str| {
        let active = host.run("systemctl is-active ctr-lab-slow.service").stdout;
        assert_eq!(active.trim(), "deactivating", "{what} waited for it");
        assert!(!host.run("test -e /root/first.status").success(), "{what}");
    };
    host.ok("ctr plan");
    still("a plan");
    host.ok("ctr lab stop other");
    still("a stop");
    host.ok("ctr lab start other");
    still("a start");
    // Another apply waits for it too, and what it says of the others is done at once.
    let fourth = sleeper("fourth", 14, "");
    host.write(
        "/etc/ctr/containers.toml",
        lab(&[other.clone(), third.clone(), fourth.clone()]),
    );
    let _second = applying(&host, "/root/second");
    host.until("ctr lab wait fourth --timeout 40s", PATIENCE);
    still("a new container");
    // Its name is refused to who would start it now.
    let refused = host.fails("ctr lab start slow");
    assert_eq!(refused.status, 4, "{refused:#?}");

    host.ok("touch /run/hold/go");
    let (status_of_first, first) = applied(&host, "/root/first");
    let (status_of_second, second) = applied(&host, "/root/second");
    // The first one was overtaken, and says so; what it did is done.
    assert_eq!(status_of_first, "1", "{first:#?}");
    let why = first.failures[0].error.clone().unwrap_or_default();
    assert!(why.contains("another one was put in force"), "{first:#?}");
    assert_eq!((status_of_second.as_str(), second.failures.len()), ("0", 0));
    assert_eq!(host.run("ctr plan --exit-code").status, 0);
    running(&host, &["other", "third", "fourth"]);
    assert!(!host.run("ip netns | grep -q ctr-lab-slow").success());
}

#[test]
fn what_is_declared_again_before_it_has_gone_stays() {
    let (slow, other) = (held("slow", 11, ""), sleeper("other", 12, ""));
    let host = Host::with_ctr(&lab(&[slow.clone(), other.clone()]));
    let before = running(&host, &["slow", "other"]);
    host.write(
        "/etc/ctr/containers.toml",
        lab(std::slice::from_ref(&other)),
    );
    let _first = applying(&host, "/root/first");
    host.until(
        "ctr status | grep -q 'lab/slow is declared no more'",
        PATIENCE,
    );

    host.write("/etc/ctr/containers.toml", lab(&[slow, other]));
    let _second = applying(&host, "/root/second");
    let leaving = || host.run("ctr status").stdout.contains("declared no more");
    host.until("ctr lab status | grep -q '^slow'", PATIENCE);
    assert!(!leaving());
    assert_eq!(status(&host, "slow").state, State::Stopping);
    host.ok("touch /run/hold/go");
    let (ended, report) = applied(&host, "/root/second");
    assert_eq!(
        (ended.as_str(), report.failures.len()),
        ("0", 0),
        "{report:#?}"
    );
    until(&host, "slow", State::Running);
    let after = running(&host, &["slow", "other"]);
    assert_ne!(after[0], before[0], "it had been asked to stop");
    assert_eq!(after[1], before[1]);
    assert_eq!(host.run("ctr plan --exit-code").status, 0);
}
