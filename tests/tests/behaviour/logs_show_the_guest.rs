//! `ctr … logs` shows what a guest wrote: on its streams, or in its own journal.

use std::time::Duration;

use ctr_lab::Host;

use crate::guests::{PATIENCE, booted, lab, running};

#[test]
fn logs_show_the_guest() {
    let says = "command = [\"/bin/sh\", \"-c\", \"echo first words; echo a complaint >&2; exec sleep infinity\"]\n";
    let host = Host::with_ctr(&lab(&[booted("says", 11, says), booted("boots", 12, "")]));
    running(&host, &["says", "boots"]);
    for words in ["first words", "a complaint"] {
        host.until(
            &format!("ctr lab logs says -n 20 | grep -q '{words}'"),
            PATIENCE,
        );
    }
    let lines = host.ok("ctr lab logs says -n 1 -o cat");
    assert_eq!(lines.lines().count(), 1, "{lines}");

    host.ok("ctr lab exec boots -- systemd-cat -t inside echo from the inside");
    host.until(
        "ctr lab logs boots -n 50 | grep -q 'from the inside'",
        PATIENCE,
    );
    host.fails("ctr lab logs says -n 500 | grep -q 'from the inside'");
    host.until("ctr lab logs -n 500 | grep -q 'from the inside'", PATIENCE);
    // Several are told apart: one speaks by its unit's output, the other by a journal of its own.
    let both = host.ok("ctr lab logs says boots -n 500");
    for line in ["says   first words", "boots  inside[", "]: from the inside"] {
        assert!(both.contains(line), "{line}: {both}");
    }
    assert!(
        !both.contains('\u{1b}'),
        "colours are for terminals: {both}"
    );
    host.fails("ctr lab logs says --since=+1h | grep -q 'first words'");

    let follow = host.spawn("exec ctr lab logs boots -f -n 0");
    // It shows what is written after it has begun to look, and does not say when that is.
    let heard = (0..60).any(|_| {
        host.ok("ctr lab exec boots -- systemd-cat -t inside echo followed");
        follow
            .expect("followed", Duration::from_millis(500))
            .is_ok()
    });
    drop(host.ok("ctr lab stop boots --timeout 60s"));
    let after = host.ok("ctr lab logs boots -n 500");
    assert!(
        after.contains("from the inside"),
        "it outlives its guest: {after}"
    );
    assert!(heard, "only this was followed: {}", follow.output());
}
