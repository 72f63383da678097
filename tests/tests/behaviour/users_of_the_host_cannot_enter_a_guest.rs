//! No user of the host gets at the files that guests write: neither their state nor their mounts, and a
//! directory that everybody can reach is refused as a root that is written in place.

use ctr_lab::Host;

use crate::guests::{declared, lab, running, sleeper};
use crate::roots_of_every_kind::OWN_TREE;

#[test]
fn users_of_the_host_cannot_enter_a_guest() {
    let own =
        "root = { directory = \"/srv/roots/own\" }\ncommand = [\"/usr/bin/sleep\", \"infinity\"]\n";
    let bind = "binds = [{ host = \"/home/data\", guest = \"/srv/a\", create = true }]\n";
    let host = Host::with_ctr(&lab(&[sleeper("one", 11, ""), declared("own", 12, own)]));
    running(&host, &["one"]);
    host.ok("mount -t tmpfs -o mode=755 home /home");
    host.write(
        "/etc/ctr/containers.toml",
        lab(&[sleeper("one", 11, bind), declared("own", 12, own)]).into_bytes(),
    );
    host.ok("ctr apply");
    running(&host, &["one"]);
    host.ok("ctr lab exec one -- sh -c 'cp /usr/bin/id /root/id && chmod 4755 /root/id && chmod 755 /root'");
    let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    for path in [
        "/var/lib/ctr/lab-one/upper/root/id",
        "/run/ctr/root/lab-one/root/id",
        "/run/ctr/binds/lab-one/0",
    ] {
        host.ok(&format!("test -e {path}"));
        let stat = host.fails(&format!("{nobody} stat {path}"));
        assert!(stat.stderr.contains("Permission denied"), "{stat:#?}");
    }
    // A directory that an earlier version left open is closed by the next start.
    host.ok("chmod 755 /var/lib/ctr/lab-one && ctr lab restart one");
    assert_eq!(host.ok("stat -c %a /var/lib/ctr/lab-one"), "700\n");

    host.ok(&format!("{OWN_TREE}\nchmod 755 /srv/roots"));
    let refused = host.fails("ctr lab start own");
    assert!(
        refused
            .stderr
            .contains("every user of the host can reach the root /srv/roots/own"),
        "{refused:#?}"
    );
    assert!(
        refused.stderr.contains("chmod o-rwx /srv/roots"),
        "{refused:#?}"
    );
    host.ok("chmod o-rwx /srv/roots && ctr lab start own");
}
