//! After `ctr down` the host is as it was before ctr came, but for the data, which it names.

use ctr_lab::{Host, Options};

use crate::talk::{PROGRAM, SOON, all_listen, answering, answers, declaration, difference, group};

/// What a person would look at, each under its heading.
const LOOKS: [(&str, &str); 9] = [
    ("links", "ip -o link | sed 's/^[0-9]*: //' | sort"),
    (
        "addresses",
        "ip -o address | sed 's/^[0-9]*: //; s/ valid_lft.*//' | sort",
    ),
    (
        "routes and rules",
        "ip route show table all | sort; ip rule",
    ),
    ("namespaces", "ls /run/netns 2>/dev/null"),
    ("firewall", "nft list ruleset"),
    (
        "mounts",
        "findmnt --raw --noheadings --output TARGET | grep -v '^/run/netns$' | sort",
    ),
    (
        "units",
        "systemctl list-units --all --plain --no-legend | grep -E 'ctr-|ctr\\\\|red-|blue-|machine-' | grep -v '^ctrd'",
    ),
    (
        "machines",
        "machinectl list --no-legend; ls /run/systemd/machines /run/ctr /run/ctr-journal /sys/fs/cgroup/machine.slice 2>/dev/null | grep -v '^/\\|^cgroup\\|^cpu\\|^memory\\|^pids\\|^io'",
    ),
    (
        "switches",
        "sysctl --all --pattern '^net[.](ipv[46][.]conf|ipv4[.]ip_forward|bridge)' 2>/dev/null | sort",
    ),
];

#[test]
fn down_leaves_nothing_behind() {
    let publish = "ports = [{ port = 8080, publish = { host-port = 18080 } }]
        binds = [{ host = \"/run/data\", guest = \"/srv/data\", create = true, data = true }]";
    let declared = declaration(&[
        &group("red", 1, "reach = [\"blue\"]"),
        &answering("red/one", "10.77.1.11", publish),
        &answering("red/two", "10.77.1.12", ""),
        &group("blue", 2, "host-ports = [7001]"),
        &answering("blue/web", "10.77.2.11", "users = \"host\""),
    ]);
    // ctrd is not started before it is asked for: the looks before know nothing of it.
    let options = Options::new()
        .file("/srv/talk.py", PROGRAM)
        .link("/dev/null", "/etc/systemd/system/ctrd.service");
    let host = options.with_ctr(&declared).boot().expect("a host boots");
    // The uplink gives itself an IPv6 address a while after the boot, and machined starts when asked.
    host.until(
        "machinectl list >/dev/null && ! ip -6 address | grep -q tentative",
        SOON,
    );
    let before = looks(&host);

    host.ok(
        "rm /etc/systemd/system/ctrd.service && systemctl daemon-reload && systemctl start ctrd",
    );
    all_listen(&host);
    assert_eq!(
        answers(&host, &["tcp/127.0.0.1/18080"]),
        ["red/one sees 10.77.1.1"]
    );
    host.ok("ctr red exec one -- touch /root/mine /srv/data/mine");
    let during = looks(&host);
    for ((heading, before), (_, during)) in before.iter().zip(&during) {
        assert_ne!(before, during, "nothing to take away of the {heading}?");
    }

    let output = host.ok("ctr down --yes");
    for kept in [
        "/var/lib/ctr/red-one",
        "/var/lib/ctr/red-two",
        "/var/lib/ctr/blue-web",
        "/run/data",
    ] {
        assert!(output.contains(kept), "{kept} is not in:\n{output}");
    }
    host.ok("test -e /run/data/mine && find /var/lib/ctr/red-one -name mine | grep -q .");
    assert_as_before(&host, &before);

    // What was taken away comes back as it was, with its data.
    host.ok("systemctl restart ctrd");
    all_listen(&host);
    host.ok("ctr red exec one -- ls /root/mine /srv/data/mine");
    host.ok("ctr down --yes && systemctl stop ctrd");
    host.until("test -z \"$(machinectl list --no-legend)\"", SOON);
    assert_as_before(&host, &before);
}

fn looks(host: &Host) -> Vec<(&'static str, String)> {
    LOOKS
        .map(|(heading, look)| (heading, host.run(look).stdout))
        .into()
}

#[track_caller]
fn assert_as_before(host: &Host, before: &[(&str, String)]) {
    let changed: Vec<_> = before
        .iter()
        .zip(looks(host))
        .map(|((heading, before), (_, after))| (*heading, difference(before, &after)))
        .filter(|(_, difference)| !difference.is_empty())
        .collect();
    assert!(changed.is_empty(), "before and after: {changed:#?}");
}
