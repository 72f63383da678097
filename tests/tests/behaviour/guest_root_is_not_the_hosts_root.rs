//! The root of a guest is nobody on the host: every guest has users of its own, the trees and binds of
//! the host keep their owners, and no guest sees another's files.

use ctr_lab::Host;

use crate::guests::{declared, lab, running, sleeper};

const RANGES: std::ops::RangeInclusive<u32> = 524_288..=1_878_982_655;

#[test]
fn guest_root_is_not_the_hosts_root() {
    let binds = "binds = [\n\
        { host = \"/var/lib/ctr-data/shared\", guest = \"/srv/shared\" },\n\
        { host = \"/var/lib/ctr-data/fixed\", guest = \"/srv/fixed\", read-only = true },\n\
        { host = \"/var/lib/ctr-data/made\", guest = \"/srv/made\", create = true, owner = \"www-data\" },\n]\n";
    let bound = declared("bound", 13, &format!("{TREE}{COMMAND}{binds}"));
    let host = Host::with_ctr(&lab(&[
        sleeper("one", 11, ""),
        sleeper("two", 12, ""),
        bound,
        sleeper("hosts", 14, "users = \"host\"\n"),
    ]));
    // The lab's own root cannot be idmapped, a tmpfs can.
    host.ok("mkdir /var/lib/ctr-data && mount -t tmpfs data /var/lib/ctr-data");
    host.ok(
        "cd /var/lib/ctr-data && mkdir shared fixed && echo fixed >fixed/file && chown -R 2147352576:2147352576 shared",
    );
    host.ok("ctr lab start bound");
    let leaders = running(&host, &["one", "two", "hosts"]);

    let mut bases = Vec::new();
    for (name, leader) in ["one", "two"].into_iter().zip(&leaders) {
        let base = base(&host, *leader);
        assert!(
            RANGES.contains(&base) && base.is_multiple_of(65_536),
            "{name}: {base}"
        );
        let owner = host.ok(&format!("stat -c %u:%g /var/lib/ctr/lab-{name}"));
        assert_eq!(owner, format!("{base}:{base}\n"));
        let runs_as = host.ok(&format!("stat -c %u /proc/{leader}"));
        assert_eq!(runs_as, format!("{base}\n"), "the guest's root on the host");
        assert_eq!(host.ok(&format!("ctr lab exec {name} -- id -u")), "0\n");
        bases.push(base);
    }
    assert_ne!(bases[0], bases[1], "two guests have the same users");
    assert_eq!(base(&host, leaders[2]), 0);
    assert_eq!(host.ok("stat -c %u /var/lib/ctr/lab-hosts"), "0\n");

    the_tree_is_shared_and_stays_as_it_is(&host);
    binds_keep_their_owners(&host);
    no_guest_sees_anothers_files(&host);
}

const TREE: &str = "root = { tree = \"/var/lib/machines/debian\" }\n";
const COMMAND: &str = "command = [\"/usr/bin/sleep\", \"infinity\"]\n";

/// The host's id of a guest's root.
fn base(host: &Host, leader: u32) -> u32 {
    let map = host.read(&format!("/proc/{leader}/uid_map"));
    let words: Vec<&str> = map.split_whitespace().collect();
    assert_eq!(words[0], "0", "{map}");
    assert!(words[1] == "0" || words[2] == "65536", "{map}");
    words[1].parse().expect("an id")
}

fn the_tree_is_shared_and_stays_as_it_is(host: &Host) {
    let tree = "/var/lib/machines/debian";
    let before = host.ok(&format!(
        "stat -c '%u %Z' {tree}/etc/passwd; md5sum {tree}/etc/passwd"
    ));
    assert_eq!(host.ok("ctr lab exec one -- stat -c %u /etc/passwd"), "0\n");
    host.ok("ctr lab exec one -- sh -c 'echo changed >>/etc/passwd; rm /etc/profile'");
    let after = host.ok(&format!(
        "stat -c '%u %Z' {tree}/etc/passwd; md5sum {tree}/etc/passwd"
    ));
    assert_eq!(after, before, "the tree was changed");
    host.ok(&format!("test -e {tree}/etc/profile"));
    host.ok("ctr lab exec two -- test -e /etc/profile");
    let copied: u32 = host
        .ok("du -sk /var/lib/ctr/lab-two | cut -f1")
        .trim()
        .parse()
        .expect("kB");
    assert!(copied < 1024, "{copied} kB of a shared tree were copied");
}

fn binds_keep_their_owners(host: &Host) {
    let as_1000 = "setpriv --reuid 1000 --regid 1000 --clear-groups";
    host.ok("ctr lab exec bound -- chmod 777 /srv/shared");
    host.ok(&format!(
        "ctr lab exec bound -- {as_1000} touch /srv/shared/by-1000"
    ));
    host.ok("ctr lab exec bound -- touch /srv/shared/by-root");
    let owner = |file: &str| host.ok(&format!("stat -c %u:%g /var/lib/ctr-data/{file}"));
    let foreign = |id: u32| format!("{}:{}\n", 2_147_352_576 + id, 2_147_352_576 + id);
    assert_eq!(owner("shared/by-1000"), foreign(1000));
    assert_eq!(owner("shared/by-root"), foreign(0));
    assert_eq!(owner("made"), foreign(33), "the guest's www-data");
    assert_eq!(
        host.ok("ctr lab exec bound -- stat -c %U /srv/made"),
        "www-data\n"
    );
    assert_eq!(
        host.ok("ctr lab exec bound -- cat /srv/fixed/file"),
        "fixed\n"
    );
    let write = host.fails("ctr lab exec bound -- touch /srv/fixed/other");
    assert!(write.stderr.contains("Read-only file system"), "{write:#?}");
    host.fails("ctr lab exec bound -- mount -o remount,bind,rw /srv/fixed");
}

fn no_guest_sees_anothers_files(host: &Host) {
    host.ok("ctr lab exec two -- sh -c 'echo secret >/root/secret'");
    host.ok("test -e /var/lib/ctr/lab-two/upper/root/secret");
    for place in [
        "/var/lib/ctr",
        "/var/lib/machines",
        "/run/ctr",
        "/run/netns",
    ] {
        let seen = host.ok(&format!(
            "ctr lab exec one -- sh -c 'ls -A {place} 2>/dev/null; true'"
        ));
        assert_eq!(seen, "", "in {place}");
    }
    let found = host.ok("ctr lab exec one -- sh -c 'cat /proc/*/cmdline | tr \"\\0\" \" \"'");
    assert!(
        !found.contains("ctrd") && !found.contains("nspawn"),
        "{found}"
    );
    host.fails("ctr lab exec one -- sh -c 'ls /dev | grep -qE \"^(sd|vd|nvme|kmsg|mem)\"'");
    host.fails("ctr lab exec one -- mknod /root/disk b 8 0");
}
