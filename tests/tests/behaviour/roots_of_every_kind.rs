//! A shared tree has a private layer, a directory is written in place, and each keeps or drops its
//! state as declared. (A NixOS system is `boots_a_nixos_system`.)

use ctr_lab::Host;

use crate::guests::{booted, declared, lab, running, sleeper};

#[test]
fn a_shared_tree_has_a_private_layer() {
    let enable = "enable = [\"postgresql.service\"]\n";
    let host = Host::with_ctr(&lab(&[
        booted("plain", 11, ""),
        booted("base", 12, enable),
        sleeper("short", 13, "ephemeral = true\n"),
    ]));
    running(&host, &["plain", "base", "short"]);
    for name in ["plain", "base"] {
        assert_eq!(
            host.ok(&format!(
                "ctr lab exec {name} -- systemctl list-units --failed --no-legend"
            )),
            ""
        );
        assert_eq!(
            host.ok(&format!(
                "ctr lab exec {name} -- systemctl is-system-running"
            )),
            "running\n"
        );
    }
    let id = |name: &str| host.ok(&format!("ctr lab exec {name} -- cat /etc/machine-id"));
    assert!(id("plain") != id("base") && id("plain") != host.read("/etc/machine-id"));
    assert_eq!(id("plain").trim().len(), 32);
    assert_eq!(host.ok("ctr lab exec plain -- hostname"), "lab-plain\n");

    // Packages of the tree enable nothing by themselves; a declaration does.
    host.fails("ctr lab exec plain -- pgrep -x postgres");
    host.fails("ctr lab exec plain -- systemctl is-active caddy");
    host.ok("ctr lab exec base -- systemctl is-active postgresql");

    let before = id("plain");
    host.ok("ctr lab exec plain -- touch /root/kept; ctr lab exec short -- touch /root/dropped");
    host.ok("ctr lab restart plain short");
    host.ok("ctr lab exec plain -- test -e /root/kept");
    host.fails("ctr lab exec short -- test -e /root/dropped");
    assert_eq!(id("plain"), before, "it became another machine");
    host.fails("test -e /var/lib/machines/debian/root/kept");
    host.ok("ctr lab exec short -- touch /root/dropped && ctr lab stop short");
    host.fails("find /var/lib/ctr/lab-short -name dropped | grep .");
}

/// A tree of the few files that `sleep`, `touch` and `stat` need.
pub(crate) const OWN_TREE: &str = r"
mkdir /srv/roots && mount -t tmpfs -o mode=700 roots /srv/roots && cd /srv/roots && mkdir own && cd own
mkdir -p usr/bin usr/lib usr/lib64 etc dev proc sys run tmp var root
ln -s usr/bin bin; ln -s usr/lib lib; ln -s usr/lib64 lib64
cp /usr/bin/{sleep,touch,stat} usr/bin/
for lib in $(ldd usr/bin/* | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do cp --parents -L $lib .; done
cp -a /etc/{passwd,group,os-release} etc/; cp /usr/lib/os-release usr/lib/
";

#[test]
fn a_directory_is_written_in_place() {
    let root =
        "root = { directory = \"/srv/roots/own\" }\ncommand = [\"/usr/bin/sleep\", \"infinity\"]\n";
    let host = Host::with_ctr(&lab(&[declared("own", 11, root)]));
    host.ok(OWN_TREE);
    host.ok("ctr lab start own");
    let leader = running(&host, &["own"])[0];
    host.ok("ctr lab exec own -- /usr/bin/touch /root/marker");
    assert_eq!(host.ok("stat -c %u /srv/roots/own/root/marker"), "0\n");
    assert_ne!(host.ok(&format!("stat -c %u /proc/{leader}")), "0\n");
    assert_eq!(
        host.ok("ctr lab exec own -- /usr/bin/stat -c %u /usr/bin/sleep"),
        "0\n"
    );
    assert_eq!(host.ok("stat -c %u /srv/roots/own/usr/bin/sleep"), "0\n");
    // The mount points that nspawn has made there belong to the guest's root as well.
    assert_eq!(host.ok("find /srv/roots/own ! -uid 0"), "");
    host.ok("ctr lab restart own && ctr lab exec own -- /usr/bin/stat /root/marker");
}
