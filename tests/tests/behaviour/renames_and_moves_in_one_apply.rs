//! Whatever moves to another name, group, subnet, address or port does so in one apply, and nobody has
//! the address of another who is still up.

use ctr_lab::Host;

use crate::a_slow_stop_holds_nobody_up::{applying, held};
use crate::guests::{PATIENCE, lab, running, sleeper};
use crate::talk::{SOON, all_listen, answering, answers, apply, boot, declaration, group, leader};

/// Nothing is left of what was before: no name of it on any of our objects.
#[track_caller]
fn nothing_of(host: &Host, words: &[&str]) {
    let looks = "ip -o link; ip netns; nft list ruleset; systemctl list-units --all 'ctr-*' --plain --no-legend; ls /run/ctr/*";
    let text = host.run(looks).stdout;
    for word in words {
        assert!(!text.contains(word), "{word} is still there:\n{text}");
    }
    assert_eq!(host.run("ctr plan --exit-code").status, 0);
}

#[test]
fn a_group_is_renamed_and_a_subnet_moved() {
    let keep = || {
        [
            group("keep", 9, ""),
            answering("keep/one", "10.77.9.11", ""),
        ]
        .concat()
    };
    let publish = "ports = [{ port = 8080, publish = { host-port = 18080 } }]";
    let red = [
        group("red", 1, ""),
        answering("red/web", "10.77.1.11", publish),
    ]
    .concat();
    let host = boot(&declaration(&[keep(), red]));
    let untouched = leader(&host, "keep-one");
    host.ok("ctr red exec web -- touch /root/mine");

    // The whole group under another name, with everything it had.
    let blue = [
        group("blue", 1, ""),
        answering("blue/web", "10.77.1.11", publish),
    ]
    .concat();
    host.write("/etc/ctr/containers.toml", declaration(&[keep(), blue]));
    let plan = host.ok("ctr plan");
    for word in [
        "red/web   remove",
        "blue/web  start",
        "its data stays in /var/lib/ctr/red-web",
        "ctr red stop web && mv /var/lib/ctr/red-web /var/lib/ctr/blue-web",
        "create bridge br-blue 10.77.1.1/24",
        "delete interface br-red",
    ] {
        assert!(plan.contains(word), "{word} is not in:\n{plan}");
    }
    assert!(!plan.contains("overlaps"), "{plan}");
    host.ok("ctr apply");
    all_listen(&host);
    assert_eq!(
        answers(&host, &["tcp/127.0.0.1/18080"]),
        ["blue/web sees 10.77.1.1"]
    );
    nothing_of(&host, &["red-web", "br-red", "ctr:red"]);
    host.ok("test -d /var/lib/ctr/red-web");
    host.fails("ctr blue exec web -- test -e /root/mine");

    // As the plan said: the data goes along where it is moved before.
    host.ok("ctr blue stop web && rm -r /var/lib/ctr/blue-web && mv /var/lib/ctr/red-web /var/lib/ctr/blue-web && ctr blue start web");
    host.ok("ctr blue exec web -- test -e /root/mine");

    // The subnet moves.
    let moved = [
        group("blue", 2, ""),
        answering("blue/web", "10.77.2.11", publish),
    ]
    .concat();
    apply(&host, &declaration(&[keep(), moved]));
    all_listen(&host);
    assert_eq!(
        answers(&host, &["tcp/127.0.0.1/18080"]),
        ["blue/web sees 10.77.2.1"]
    );
    nothing_of(&host, &["10.77.1."]);
    host.fails("ip -4 address show dev br-blue | grep -q 10.77.1.");
    assert_eq!(leader(&host, "keep-one"), untouched);
}

#[test]
fn two_groups_swap_their_subnets() {
    let two = |red: u8, blue: u8| {
        declaration(&[
            group("red", red, ""),
            answering("red/one", &format!("10.77.{red}.11"), ""),
            group("blue", blue, ""),
            answering("blue/two", &format!("10.77.{blue}.11"), ""),
        ])
    };
    let host = boot(&two(1, 2));
    host.write("/etc/ctr/containers.toml", two(2, 1));
    let plan = host.ok("ctr plan");
    assert!(!plan.contains("overlaps"), "{plan}");
    let output = host.ok("ctr apply");
    assert!(output.contains("red/one"), "{output}");
    all_listen(&host);
    assert_eq!(
        answers(&host, &["tcp/10.77.2.11/8080", "tcp/10.77.1.11/8080"]),
        ["red/one sees 10.77.2.1", "blue/two sees 10.77.1.1"]
    );
    nothing_of(&host, &[]);

    // A ctrd that is killed in the middle ends there as well, by itself.
    host.write("/etc/ctr/containers.toml", two(1, 2));
    host.ok(
        "(ctr apply &) ; until ip -4 address show dev br-red | grep -q '10.77.1.1/' \
             || ! systemctl is-active --quiet ctr-red-one.service; do :; done; \
             systemctl kill --signal=KILL ctrd.service",
    );
    host.until("systemctl is-active ctrd.service && ctr status", SOON);
    all_listen(&host);
    host.until("ctr plan --exit-code", SOON);
    assert_eq!(
        answers(&host, &["tcp/10.77.1.11/8080", "tcp/10.77.2.11/8080"]),
        ["red/one sees 10.77.1.1", "blue/two sees 10.77.2.1"]
    );
}

#[test]
fn containers_swap_addresses_and_ports_and_change_groups() {
    let publish = "ports = [{ port = 8080, publish = { host-port = 18080 } }]";
    let first = declaration(&[
        group("red", 1, ""),
        answering("red/one", "10.77.1.11", publish),
        answering("red/two", "10.77.1.12", ""),
        group("blue", 2, ""),
        answering("blue/far", "10.77.2.11", ""),
    ]);
    let host = boot(&first);
    let far = leader(&host, "blue-far");
    let one = leader(&host, "red-one");

    // The port alone goes over to the other one: nobody is restarted.
    let second = declaration(&[
        group("red", 1, ""),
        answering("red/one", "10.77.1.11", ""),
        answering("red/two", "10.77.1.12", publish),
        group("blue", 2, ""),
        answering("blue/far", "10.77.2.11", ""),
    ]);
    apply(&host, &second);
    assert_eq!(
        answers(&host, &["tcp/127.0.0.1/18080"]),
        ["red/two sees 10.77.1.1"]
    );
    assert_eq!(leader(&host, "red-one"), one);

    // The addresses are swapped, and the port with them.
    let third = declaration(&[
        group("red", 1, ""),
        answering("red/one", "10.77.1.12", publish),
        answering("red/two", "10.77.1.11", ""),
        group("blue", 2, ""),
        answering("blue/far", "10.77.2.11", ""),
    ]);
    apply(&host, &third);
    all_listen(&host);
    assert_eq!(
        answers(
            &host,
            &[
                "tcp/127.0.0.1/18080",
                "tcp/10.77.1.12/8080",
                "tcp/10.77.1.11/8080"
            ]
        ),
        [
            "red/one sees 10.77.1.1",
            "red/one sees 10.77.1.1",
            "red/two sees 10.77.1.1"
        ]
    );
    assert_eq!(leader(&host, "blue-far"), far);

    // One changes its group, another its name at the same address.
    let fourth = declaration(&[
        group("red", 1, ""),
        answering("red/uno", "10.77.1.12", publish),
        group("blue", 2, ""),
        answering("blue/far", "10.77.2.11", ""),
        answering("blue/two", "10.77.2.12", ""),
    ]);
    apply(&host, &fourth);
    all_listen(&host);
    assert_eq!(
        answers(&host, &["tcp/127.0.0.1/18080", "tcp/10.77.2.12/8080"]),
        ["red/uno sees 10.77.1.1", "blue/two sees 10.77.2.1"]
    );
    nothing_of(&host, &["red-one", "red-two"]);
    assert_eq!(leader(&host, "blue-far"), far);
}

#[test]
fn who_comes_waits_for_who_goes() {
    let other = sleeper("other", 12, "");
    let host = Host::with_ctr(&lab(&[held("old", 11, ""), other.clone()]));
    let before = running(&host, &["old", "other"]);

    // The new name at the old address, beside one that needs nobody's.
    let (new, free) = (sleeper("new", 11, ""), sleeper("free", 13, ""));
    host.write("/etc/ctr/containers.toml", lab(&[new, free, other]));
    let _apply = applying(&host, "/root/apply");
    host.until(
        "ctr lab status | grep '^new *waiting' | grep -q 'waits for lab-old, which still has 10.77.3.11'",
        PATIENCE,
    );
    host.ok("ctr lab wait free --timeout 40s");
    assert_eq!(
        host.run("systemctl is-active ctr-lab-old.service")
            .stdout
            .trim(),
        "deactivating"
    );
    // Also for a ctrd that knows nothing of it.
    host.ok("systemctl restart ctrd");
    host.until("ctr lab status | grep -q '^new *waiting'", PATIENCE);
    host.ok("touch /run/hold/go");
    let after = running(&host, &["new", "free", "other"]);
    assert_eq!(after[2], before[1]);
    host.until("! ip netns | grep -q ctr-lab-old", PATIENCE);
    host.until("ctr plan --exit-code", PATIENCE);
}

#[test]
fn what_is_not_ours_stays_in_the_way() {
    let host = boot(&declaration(&[
        group("red", 1, ""),
        answering("red/one", "10.77.1.11", ""),
    ]));
    host.ok("ip link add br-own type bridge && ip address add 10.77.2.1/24 dev br-own && ip link set br-own up");
    host.write(
        "/etc/ctr/containers.toml",
        declaration(&[group("red", 2, ""), answering("red/one", "10.77.2.11", "")]),
    );
    let failed = host.fails("ctr apply");
    assert!(
        failed
            .stderr
            .contains("10.77.2.1 is already on the interface br-own"),
        "{failed:#?}"
    );
    host.ok("ip -4 address show dev br-own | grep -q 10.77.2.1/24");
    host.ok("ip link delete br-own && ctr apply");
    all_listen(&host);
    assert_eq!(
        answers(&host, &["tcp/10.77.2.11/8080"]),
        ["red/one sees 10.77.2.1"]
    );
}
