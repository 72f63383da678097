//! Guests of a group reach each other freely, and of another group what `reach` names: the declared
//! ports of the containers it names, to which the other group's own `reach` adds nothing.

use crate::talk::{SOON, answering, answers_to, boot, declaration, group};

const OWN_GROUP: [&str; 4] = [
    "tcp/10.77.1.12/8080",
    "udp/10.77.1.12/9090",
    "tcp/10.77.1.12/9090",
    "ping/10.77.1.12",
];

#[test]
fn isolates_groups() {
    let host = boot(&declaration(&[
        &group("red", 1, "reach = [\"blue/web\", \"green\"]"),
        &answering("red/one", "10.77.1.11", "ports = [{ port = 8080 }]"),
        &answering("red/two", "10.77.1.12", ""),
        &group("blue", 2, "reach = [\"red\"]"),
        &answering(
            "blue/web",
            "10.77.2.11",
            "ports = [{ port = 8080 }, { port = 9090, protocol = \"udp\" }]",
        ),
        &answering("blue/db", "10.77.2.12", "ports = [{ port = 8080 }]"),
        &group("green", 3, ""),
        &answering("green/web", "10.77.3.11", "ports = [{ port = 8080 }]"),
        &answering("green/db", "10.77.3.12", "ports = [{ port = 9090 }]"),
    ]));

    let two = "red/two sees 10.77.1.11";
    assert_eq!(
        answers_to(&host, "red/one", &OWN_GROUP),
        [two, two, two, "pong"]
    );
    let red = [
        ("tcp/10.77.2.11/8080", "blue/web sees 10.77.1.11"),
        ("udp/10.77.2.11/9090", "blue/web sees 10.77.1.11"),
        ("udp/10.77.2.11/8080", "silence"),
        ("tcp/10.77.2.11/9090", "silence"),
        ("ping/10.77.2.11", "silence"),
        ("tcp/10.77.2.12/8080", "silence"),
        ("tcp/10.77.3.11/8080", "green/web sees 10.77.1.11"),
        ("tcp/10.77.3.12/9090", "green/db sees 10.77.1.11"),
        ("tcp/10.77.3.11/9090", "silence"),
        ("udp/10.77.3.11/8080", "silence"),
    ];
    assert_answers(&host, "red/one", &red);
    // `reach` both ways: each way opens what the other group declares.
    let blue = [
        ("tcp/10.77.1.11/8080", "red/one sees 10.77.2.11"),
        ("tcp/10.77.1.11/9090", "silence"),
        ("tcp/10.77.1.12/8080", "silence"),
        ("tcp/10.77.3.11/8080", "silence"),
    ];
    assert_answers(&host, "blue/web", &blue);
    // Being reached is not reaching.
    let green = [
        ("tcp/10.77.3.11/8080", "green/web sees 10.77.3.12"),
        ("ping/10.77.3.1", "pong"),
        ("tcp/10.77.1.11/8080", "silence"),
        ("udp/10.77.1.11/8080", "silence"),
        ("ping/10.77.1.11", "silence"),
        ("tcp/10.77.2.11/8080", "silence"),
    ];
    assert_answers(&host, "green/db", &green);

    // What is open follows the declaration, in a running guest.
    let narrower = host
        .read("/etc/ctr/containers.toml")
        .replace("\"blue/web\", ", "");
    crate::talk::apply(&host, &narrower);
    assert_answers(
        &host,
        "red/one",
        &[
            ("tcp/10.77.2.11/8080", "silence"),
            ("udp/10.77.2.11/9090", "silence"),
            ("tcp/10.77.3.11/8080", "green/web sees 10.77.1.11"),
        ],
    );
    host.until("ctr red wait --timeout 1s", SOON);
}

#[track_caller]
fn assert_answers(host: &ctr_lab::Host, guest: &str, expected: &[(&str, &str)]) {
    let (targets, expected): (Vec<_>, Vec<_>) = expected.iter().copied().unzip();
    let answers = answers_to(host, guest, &targets);
    assert_eq!(answers, expected, "{guest} asks {targets:?}");
}
