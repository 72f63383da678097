//! Who follows a log goes on when the journals are rotated, and hears a guest that had never started.

use std::time::Duration;

use ctr_lab::{Background, Host};

use crate::guests::{PATIENCE, booted, declared, lab, running};

#[test]
fn logs_go_on_over_a_rotation() {
    let later = declared(
        "later",
        12,
        "root = { tree = \"/var/lib/machines/debian\" }\n",
    );
    let host = Host::with_ctr(&lab(&[booted("boots", 11, ""), later]));
    running(&host, &["boots"]);
    // Nothing was ever written in its name.
    host.fails("ctr lab logs later | grep -q lab-later");
    let one = host.spawn("exec ctr lab logs boots --follow --lines=0");
    let all = host.spawn("exec ctr lab logs --follow --lines=0");
    let new = host.spawn("exec ctr lab logs later --follow");
    says(&host, &one, "before");

    host.ok("journalctl --rotate && ctr lab exec boots -- journalctl --rotate");
    says(&host, &one, "between");
    // The files from before the first rotation are gone now.
    let rotate = "journalctl --rotate && journalctl --vacuum-files=1";
    host.ok(&format!(
        "{rotate} && ctr lab exec boots -- sh -c '{rotate}'"
    ));
    says(&host, &one, "after");
    says(&host, &all, "to all");

    host.ok("ctr lab start later");
    // One is as journalctl has it; several have their names.
    for (process, line) in [
        (&new, "lab-later systemd[1]: "),
        (&all, "later  systemd[1]: "),
    ] {
        process
            .expect(line, PATIENCE)
            .expect("the words of its first boot");
    }
    // What systemd says of the unit, which stands in the host's own journal.
    host.ok("ctr lab stop boots");
    one.expect("Stopped ctr-lab-boots.service", PATIENCE)
        .expect("the host's words");
}

/// The guest's words are heard by who follows. One that has just begun does not say when it listens,
/// so they are said again until they are heard.
fn says(host: &Host, follow: &Background, words: &str) {
    let heard = (0..60).any(|_| {
        host.ok(&format!(
            "ctr lab exec boots -- systemd-cat -t inside echo heard {words}"
        ));
        follow
            .expect(&format!("heard {words}"), Duration::from_millis(500))
            .is_ok()
    });
    assert!(
        heard,
        "{words}: only this was followed: {}",
        follow.output()
    );
}
