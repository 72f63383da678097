//! What a guest writes into a bind belongs to the owner of the bind and to nobody else: the files of a
//! person stay that person's, and none of the host's root is ever made.

use ctr_lab::Host;

use crate::guests::{declared, lab, running};

const TREE: &str = "root = { tree = \"/var/lib/machines/debian\" }\n";
const COMMAND: &str = "command = [\"/usr/bin/sleep\", \"infinity\"]\n";
const AS_WWW_DATA: &str = "setpriv --reuid 33 --regid 33 --clear-groups";

/// People with homes, and directories of theirs and of root's. The lab's own root cannot be idmapped.
const PEOPLE: &str = "mount -t tmpfs -o mode=755 home /home && useradd --create-home alice && \
    useradd --create-home bob && mkdir /home/roots /home/alice/notes && \
    chown alice:alice /home/alice/notes && echo roots >/home/roots/file && \
    echo roots >/home/alice/notes/roots && chmod 644 /home/alice/notes/roots && chmod 755 /home/alice";

fn bound(name: &str, place: u8, bind: &str) -> String {
    let binds = format!("binds = [{{ {bind} }}]\n");
    declared(name, place, &format!("{TREE}{COMMAND}{binds}"))
}

#[test]
fn a_bind_belongs_to_one_owner() {
    let alices = "host = \"/home/alice/www\", guest = \"/srv/a\", create = true, \
                  owner = \"www-data\", host-owner = \"alice\"";
    let host = Host::with_ctr(&lab(&[
        bound("made", 11, alices),
        bound(
            "notes",
            12,
            "host = \"/home/alice/notes\", guest = \"/srv/a\"",
        ),
        bound("roots", 13, "host = \"/home/roots\", guest = \"/srv/a\""),
        bound(
            "reader",
            14,
            "host = \"/home/roots\", guest = \"/srv/a\", read-only = true",
        ),
        bound(
            "accepts",
            15,
            "host = \"/home/roots\", guest = \"/srv/a\", host-owner = \"root\"",
        ),
        bound(
            "bobs",
            16,
            "host = \"/home/alice/notes\", guest = \"/srv/a\", host-owner = \"bob\"",
        ),
        bound(
            "nobodys",
            17,
            "host = \"/home/x\", guest = \"/srv/a\", create = true, host-owner = \"carol\"",
        ),
        bound(
            "file",
            18,
            "host = \"/home/alice/notes/roots\", guest = \"/srv/a\", read-only = true",
        ),
    ]));
    host.ok(PEOPLE);
    host.ok("ctr lab start made notes reader accepts file");
    running(&host, &["made", "notes", "reader", "accepts", "file"]);

    let owner = |path: &str| host.ok(&format!("stat -c %U:%G {path}"));
    assert_eq!(owner("/home/alice/www"), "alice:alice\n");
    host.ok(&format!(
        "ctr lab exec made -- {AS_WWW_DATA} touch /srv/a/page"
    ));
    assert_eq!(owner("/home/alice/www/page"), "alice:alice\n");
    let seen = host.ok("ctr lab exec made -- stat -c %U:%G /srv/a/page");
    assert_eq!(seen, "www-data:www-data\n");
    // Nobody else of the guest can leave a file there, not even its root.
    let others = host.fails("ctr lab exec made -- touch /srv/a/roots");
    assert!(others.stderr.contains("Value too large"), "{others:#?}");
    host.fails("ctr lab exec made -- chown 0:0 /srv/a/page");

    no_file_of_the_hosts_root(&host);
    what_belongs_to_root(&host);

    for (name, reason, hint) in [
        (
            "roots",
            "/home/roots belongs to the host's root",
            "host-owner = \"root\"",
        ),
        ("bobs", "/home/alice/notes belongs to user", "host-owner"),
        (
            "nobodys",
            "the host has no user `carol`",
            "declare a user of the host",
        ),
    ] {
        let refused = host.fails(&format!("ctr lab start {name}"));
        assert!(
            refused.stderr.contains(reason) && refused.stderr.contains(hint),
            "{name}: {refused:#?}"
        );
    }
    host.fails("test -e /home/x");
}

/// Where the guest's root stands for alice, a setuid program that it leaves is hers.
fn no_file_of_the_hosts_root(host: &Host) {
    host.ok("ctr lab exec notes -- cp /usr/bin/id /srv/a/id");
    host.ok("ctr lab exec notes -- chmod 4755 /srv/a/id");
    assert_eq!(
        host.ok("stat -c '%U %a' /home/alice/notes/id"),
        "alice 4755\n"
    );
    let roots = host.ok("find /home/alice -uid 0");
    assert_eq!(roots, "/home/alice/notes/roots\n", "what was there before");
    // What is root's there is nobody's in the guest: readable as its mode says, and no more.
    let seen = host.ok("ctr lab exec notes -- stat -c %u /srv/a/roots");
    assert_eq!(seen, "65534\n");
    host.ok("ctr lab exec notes -- grep roots /srv/a/roots");
    host.fails("ctr lab exec notes -- sh -c 'echo more >>/srv/a/roots'");
    host.fails("ctr lab exec notes -- chmod 4755 /srv/a/roots");
}

fn what_belongs_to_root(host: &Host) {
    assert_eq!(
        host.ok("ctr lab exec reader -- stat -c %U:%G /srv/a/file"),
        "root:root\n"
    );
    let write = host.fails("ctr lab exec reader -- touch /srv/a/other");
    assert!(write.stderr.contains("Read-only file system"), "{write:#?}");
    host.fails("ctr lab exec reader -- mount -o remount,bind,rw /srv/a");
    host.ok("ctr lab exec accepts -- touch /srv/a/accepted");
    assert_eq!(host.ok("stat -c %u:%g /home/roots/accepted"), "0:0\n");
    assert_eq!(host.ok("ctr lab exec file -- cat /srv/a"), "roots\n");
}
