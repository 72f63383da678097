//! Somebody flushes the whole ruleset, as a restart of `nftables.service` does. The next `ctr apply`
//! puts every rule back while the guests run on; so does a restart of ctrd.

use ctr_lab::Host;

use crate::talk::{answering, answers_to, answers_to_lan, boot, declaration, group, leader};

const LAN: [&str; 2] = ["tcp/192.0.2.2/18080", "tcp/10.77.2.11/8080"];
const RED: [&str; 3] = [
    "tcp/10.77.2.11/8080",
    "tcp/10.77.1.12/8080",
    "ping/198.51.100.1",
];

#[test]
fn apply_restores_the_firewall() {
    let publish = "ports = [{ port = 8080, publish = { host-port = 18080 } }]";
    let host = boot(&declaration(&[
        &group("red", 1, ""),
        &answering("red/one", "10.77.1.11", publish),
        &answering("red/two", "10.77.1.12", ""),
        &group("blue", 2, ""),
        &answering("blue/web", "10.77.2.11", ""),
    ]));
    host.in_lan("ip route add 10.77.2.0/24 via 192.0.2.2");
    let before = leader(&host, "red-one");
    assert_firewall(&host);
    let rules = host.ok(RULES);

    // It would mend the tables by itself before anybody could see that they are gone.
    let held = [
        (
            "systemctl kill --signal=SIGSTOP ctrd",
            "systemctl kill --signal=SIGCONT ctrd && ctr apply",
        ),
        ("systemctl stop ctrd", "systemctl start ctrd && ctr apply"),
    ];
    for (hold, restore) in held {
        host.ok(hold);
        host.ok("nft flush ruleset");
        assert_eq!(
            answers_to_lan(&host, &LAN),
            ["refused", "blue/web sees 192.0.2.1"]
        );
        host.ok(restore);
        assert_firewall(&host);
        assert_eq!(host.ok(RULES), rules, "after `{restore}`");
        assert_eq!(leader(&host, "red-one"), before);
    }
}

/// Rules and elements: what nft prints, whose order does not depend on the time.
const RULES: &str = "nft list ruleset | tr -s ' \\n\\t' '\\n' | tr -d ',' | sort";

#[track_caller]
fn assert_firewall(host: &Host) {
    assert_eq!(
        answers_to_lan(host, &LAN),
        ["red/one sees 192.0.2.1", "silence"]
    );
    let red = answers_to(host, "red/one", &RED);
    assert_eq!(red, ["silence", "red/two sees 10.77.1.11", "pong"]);
}
