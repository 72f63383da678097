//! A directory that `create` makes belongs to nobody of the host and to every user of the guests: two
//! containers share it by number, whatever their ranges are, and whoever they run as.

use ctr_lab::Host;

use crate::guests::{declared, lab, running};

/// The first id of systemd's foreign range.
const FOREIGN: u32 = 2_147_352_576;

#[test]
fn a_created_directory_is_shared_by_number() {
    let bound = |name: &str, place: u8, keys: &str| {
        let keys = format!(
            "root = {{ tree = \"/var/lib/machines/debian\" }}\n\
             command = [\"/usr/bin/sleep\", \"infinity\"]\n{keys}\n\
             binds = [{{ host = \"/home/data/deep\", guest = \"/srv/a\", create = true, owner = \"www-data\" }}]\n"
        );
        declared(name, place, &keys)
    };
    let host = Host::with_ctr(&lab(&[
        bound("one", 11, ""),
        bound("two", 12, ""),
        bound("hosts", 13, "users = \"host\""),
    ]));
    host.ok("mount -t tmpfs -o mode=755 home /home && ctr lab start one two hosts");
    running(&host, &["one", "two", "hosts"]);
    let owner = |path: &str| host.ok(&format!("stat -c %u:%g {path}"));
    let foreign = |id: u32| format!("{}:{}\n", FOREIGN + id, FOREIGN + id);
    assert_eq!(
        owner("/home/data"),
        "0:0\n",
        "what is above is root's as /home"
    );
    assert_eq!(owner("/home/data/deep"), foreign(33));

    host.ok("ctr lab exec one -- touch /srv/a/roots");
    host.ok("ctr lab exec one -- sh -c 'touch /srv/a/theirs && chown 105:105 /srv/a/theirs'");
    assert_eq!(owner("/home/data/deep/roots"), foreign(0));
    assert_eq!(owner("/home/data/deep/theirs"), foreign(105));
    for name in ["one", "two", "hosts"] {
        let seen = host.ok(&format!(
            "ctr lab exec {name} -- stat -c %u /srv/a /srv/a/roots /srv/a/theirs"
        ));
        assert_eq!(seen, "33\n0\n105\n", "{name}");
        host.ok(&format!(
            "ctr lab exec {name} -- sh -c 'echo {name} >>/srv/a/theirs'"
        ));
    }
    assert_eq!(host.read("/home/data/deep/theirs"), "one\ntwo\nhosts\n");
    let of_the_host = host.ok("find /home/data/deep -uid -65536");
    assert_eq!(of_the_host, "", "a user of the host owns files there");
}
