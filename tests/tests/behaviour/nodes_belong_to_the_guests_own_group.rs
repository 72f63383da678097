//! A node of the host's group `render` belongs to the guest's own group of that name, under a user
//! namespace too; where the guest has no such group nobody in it is shut out. What is changed on the
//! host's node reaches the guest that runs.

use ctr_lab::Host;

use crate::gpus::{machine, opens};
use crate::guests::{PATIENCE, lab, running, sleeper, status};

const RENDER: &str = "/dev/dri/renderD128";
const CARD: &str = "/dev/dri/card1";
const NOBODY: &str = "65534:65534";
const MEMBER: &str = "1000:4998";

#[test]
fn nodes_belong_to_the_guests_own_group() {
    let gpu = "gpu = { vendor = \"intel\" }\n";
    let host = machine(
        "nvidia-laptop",
        &lab(&[
            sleeper("with", 11, gpu),
            sleeper("without", 12, gpu),
            sleeper("hosts", 13, &format!("{gpu}users = \"host\"\n")),
        ]),
    );
    running(&host, &["with", "without", "hosts"]);
    // Debian's guests have `video`, and no `render`.
    let in_guest = host.ok("ctr lab exec with -- /usr/bin/getent group video");
    assert!(in_guest.starts_with("video:x:44:"), "{in_guest}");
    host.ok("! ctr lab exec with -- /usr/bin/getent group render");
    host.ok("ctr lab exec with -- /usr/sbin/groupadd --gid 4998 render");
    host.ok("ctr lab exec hosts -- /usr/sbin/groupadd --gid 4998 render");
    host.ok("ctr lab restart with hosts");
    running(&host, &["with", "hosts"]);
    for guest in ["with", "hosts"] {
        says(&host, guest, "root", RENDER, "ENXIO 660 0:4998");
        says(&host, guest, MEMBER, RENDER, "ENXIO 660 0:4998");
        says(&host, guest, NOBODY, RENDER, "EACCES 660 0:4998");
        says(&host, guest, "1000:44", CARD, "ENXIO 660 0:44");
        says(&host, guest, NOBODY, CARD, "EACCES 660 0:44");
    }
    for who in ["root", MEMBER, NOBODY] {
        says(&host, "without", who, RENDER, "ENXIO 666 0:0");
    }
    says(&host, "without", NOBODY, CARD, "EACCES 660 0:44");

    let before = running(&host, &["with", "without", "hosts"]);
    host.ok(&format!("chmod 0600 /run/hardware{RENDER}"));
    for guest in ["with", "without", "hosts"] {
        comes_to_say(&host, guest, MEMBER, "EACCES 600");
        says(
            &host,
            guest,
            "root",
            RENDER,
            &expected(guest, "ENXIO 600 0:4998"),
        );
    }
    host.ok(&format!("chmod 0660 /run/hardware{RENDER}"));
    comes_to_say(&host, "with", MEMBER, "ENXIO 660 0:4998");
    host.ok(&format!("chgrp video /run/hardware{RENDER}"));
    comes_to_say(&host, "with", MEMBER, "EACCES 660 0:44");
    comes_to_say(&host, "without", NOBODY, "EACCES 660 0:44");
    for (guest, leader) in ["with", "without", "hosts"].iter().zip(before) {
        assert_eq!(status(&host, guest).leader, Some(leader), "{guest}");
    }
}

/// What is said in a guest without the group.
fn expected(guest: &str, with_group: &str) -> String {
    if guest == "without" {
        with_group.replace("0:4998", "0:0")
    } else {
        with_group.to_owned()
    }
}

#[track_caller]
fn says(host: &Host, guest: &str, who: &str, path: &str, expected: &str) {
    let said = opens(host, guest, who, &[path]);
    assert_eq!(said, [format!("{path} {expected}")], "{guest}: {who}");
}

/// Waits until that is said of the render node.
#[track_caller]
fn comes_to_say(host: &Host, guest: &str, who: &str, expected: &str) {
    let begins = format!("{RENDER} {expected}");
    let asked = crate::gpus::command(guest);
    host.until(
        &format!("{asked} {who} {RENDER} | grep -q '^{begins}'"),
        PATIENCE,
    );
}
