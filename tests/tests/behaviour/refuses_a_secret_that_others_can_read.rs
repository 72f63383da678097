//! A secret that every user can read, or that is no secret file, keeps its container from starting
//! and stops none that runs. The others are no worse for it.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{lab, running, sleeper, status, until, write_secret};

#[test]
fn refuses_a_secret_that_others_can_read() {
    let retry = "restart = { delay = \"200ms\", max-delay = \"1s\" }\n";
    let guest = |name, place, path: &str| {
        let credential = format!("credentials.db = \"{path}\"\n{retry}");
        sleeper(name, place, &credential)
    };
    let host = Host::with_ctr(&lab(&[
        sleeper("good", 11, ""),
        guest("fine", 12, "/run/secrets/fine"),
        guest("open", 13, "/run/secrets/open"),
        guest("missing", 14, "/run/secrets/missing"),
        guest("large", 15, "/run/secrets/large"),
        guest("directory", 16, "/run/secrets"),
        guest("link", 17, "/run/secrets/link"),
    ]));
    write_secret(&host, "/run/secrets/fine", "a secret");
    write_secret(&host, "/run/secrets/open", "a secret");
    host.ok("chmod o+r /run/secrets/open");
    host.ok("head --bytes=1048577 /dev/zero | install -m 0600 /dev/stdin /run/secrets/large");
    host.ok("ln -s fine /run/secrets/link && chown -h nobody /run/secrets/link");
    host.run("ctr apply");
    let before = running(&host, &["good", "fine"]);
    for (name, reason, hint) in [
        (
            "open",
            "can be read by every user of this host",
            "chmod o-r /run/secrets/open",
        ),
        ("missing", "/run/secrets/missing does not exist", "write it"),
        ("large", "more than 1048576 bytes", "bind it"),
        ("directory", "is a directory", "the file that holds"),
        (
            "link",
            "the link /run/secrets/link, which belongs to nobody (65534)",
            "make the link as root",
        ),
    ] {
        let failed = until(&host, name, State::Failed);
        let (said, help) = (
            failed.reason.unwrap_or_default(),
            failed.hint.unwrap_or_default(),
        );
        assert!(
            said.contains(reason) && help.contains(hint),
            "{name}: {said} {help}"
        );
        let plan = host.ok("ctr plan");
        assert!(
            plan.contains(reason) && plan.contains(hint),
            "{name}: {plan}"
        );
        let apply = host.fails("ctr apply").stderr;
        assert!(
            apply.contains(reason) && apply.contains(hint),
            "{name}: {apply}"
        );
    }
    assert_eq!(running(&host, &["good", "fine"]), before);

    // A guest that runs goes on running, although its declaration changed as well.
    host.ok("chmod o+r /run/secrets/fine");
    host.ok(
        "sed -i '/containers.fine/,/credentials/ s/infinity/1000000/' /etc/ctr/containers.toml",
    );
    let apply = host.fails("ctr apply").stderr;
    assert!(
        apply.contains("lab/fine could not be brought there"),
        "{apply}"
    );
    let restart = host.fails("ctr lab restart fine").stderr;
    assert!(restart.contains("was not stopped"), "{restart}");
    let now = status(&host, "fine");
    assert_eq!((now.state, now.leader), (State::Running, Some(before[1])));
    assert!(now.reason.expect("a reason").contains("every user"));
    let plan = host.ok("ctr plan");
    assert!(plan.contains("it runs on as it is"), "{plan}");
    host.ok("ctr lab stop good && ctr lab start good");

    // The cause is gone: what is down starts by itself, what runs is restarted when asked.
    host.ok("chmod o-r /run/secrets/open /run/secrets/fine");
    until(&host, "open", State::Running);
    write_secret(&host, "/run/secrets/missing", "a secret");
    until(&host, "missing", State::Running);
    host.run("ctr apply");
    let after = running(&host, &["fine"]);
    assert_ne!(after[0], before[1]);
    assert_eq!(status(&host, "fine").reason, None);
}
