//! A path of the host is not led astray by whoever owns a directory on it, and what ctrd writes into a
//! guest's root stays in it.

use ctr_lab::Host;

use crate::guests::{booted, declared, lab, running};

const COMMAND: &str = "command = [\"/usr/bin/sleep\", \"infinity\"]\n";
const TREE: &str = "root = { tree = \"/var/lib/machines/debian\" }\n";

#[test]
fn follows_no_link_of_a_person() {
    let bound = |name: &str, place: u8, bind: &str| {
        let keys = format!("{TREE}{COMMAND}binds = [{{ {bind} }}]\n");
        declared(name, place, &keys)
    };
    let own = format!("{COMMAND}root = {{ directory = \"/home/alice/tree\" }}\n");
    let host = Host::with_ctr(&lab(&[
        bound(
            "itself",
            11,
            "host = \"/home/alice/etc\", guest = \"/srv/a\", read-only = true",
        ),
        bound(
            "through",
            12,
            "host = \"/home/alice/up/shadow\", guest = \"/srv/a\", read-only = true",
        ),
        bound(
            "makes",
            13,
            "host = \"/home/alice/up/new\", guest = \"/srv/a\", create = true",
        ),
        bound(
            "roots",
            14,
            "host = \"/home/alice/roots\", guest = \"/srv/a\"",
        ),
        declared("tree", 15, &own),
    ]));
    host.ok(
        "mount -t tmpfs -o mode=755 home /home && useradd --create-home alice && mkdir /home/up",
    );
    let as_alice = "runuser --user alice -- ";
    for link in [
        "/etc /home/alice/etc",
        "/home/up /home/alice/up",
        "/var/lib/machines/debian /home/alice/tree",
    ] {
        host.ok(&format!("{as_alice} ln -s {link}"));
    }
    host.ok("mkdir /home/alice/www && chown alice: /home/alice/www && ln -s www /home/alice/roots");
    for (name, link) in [
        ("itself", "etc"),
        ("through", "up"),
        ("makes", "up"),
        ("tree", "tree"),
    ] {
        let refused = host.fails(&format!("ctr lab start {name}"));
        let reason = format!("leads through the link /home/alice/{link}, which belongs to alice");
        assert!(refused.stderr.contains(&reason), "{name}: {refused:#?}");
    }
    assert_eq!(host.ok("ls -A /home/up"), "", "a link was followed");
    // The control: a link that root has made there is followed.
    host.ok("ctr lab start roots && ctr lab exec roots -- touch /srv/a/page");
    assert_eq!(host.ok("stat -c %U /home/alice/www/page"), "alice\n");
    // What is opened is what is bound: a link that takes its place meanwhile changes nothing.
    host.ok(&format!(
        "{as_alice} sh -c 'cd && mv www kept && ln -s /etc www'"
    ));
    host.ok("ctr lab exec roots -- test -e /srv/a/page");
}

#[test]
fn writes_nothing_through_a_link_of_a_guest() {
    let host = Host::with_ctr(&lab(&[booted("guest", 11, "")]));
    running(&host, &["guest"]);
    // The guest itself cannot take the place of its hosts file, so the host does it for it.
    host.ok(
        "ctr lab stop guest && mkdir /run/outside && cd /var/lib/ctr/lab-guest/upper/etc && \
         for name in machine-id hostname hosts resolv.conf; do \
         ln -s --force /run/outside/$name $name; done",
    );
    // And a directory on the way, which leads to one in the guest.
    host.ok(
        "cd /var/lib/ctr/lab-guest/upper && mkdir -p run/outside && rm -r etc/systemd/system-preset && \
         ln -s /run/outside etc/systemd/system-preset",
    );
    host.ok("ctr lab start guest");
    assert_eq!(host.ok("ls -A /run/outside"), "");
    assert_eq!(host.ok("ctr lab exec guest -- hostname"), "lab-guest\n");
    host.ok("test -e /var/lib/ctr/lab-guest/upper/run/outside/00-ctr.preset");
    host.ok("ctr lab exec guest -- test -f /etc/machine-id -a ! -L /etc/machine-id");
}
