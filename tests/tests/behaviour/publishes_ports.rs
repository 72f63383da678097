//! A published port of the host leads to its guest: from the LAN, the host, the guest's own group,
//! and from another group only where that group may reach the port anyhow.

use crate::talk::{
    SOON, answering, answers, answers_to, answers_to_lan, apply, boot, declaration, group, leader,
};

const EVERYWHERE: &str = "{ port = 8080, publish = { host-port = 18080 } }";
const REST: &str = "{ port = 9090, protocol = \"udp\", publish = { host-port = 19090 } },
    { port = 9090, publish = { host-port = 18081, address = \"127.0.0.1\" } },
    { port = 8080, protocol = \"udp\", publish = { host-port = 18082, address = \"192.0.2.2\" } }";

#[test]
fn publishes_ports() {
    let declared = declaration(&[
        &group("red", 1, ""),
        &answering(
            "red/one",
            "10.77.1.11",
            &format!("ports = [{EVERYWHERE}, {REST}]"),
        ),
        &answering("red/two", "10.77.1.12", ""),
        &group("blue", 2, ""),
        &answering("blue/web", "10.77.2.11", ""),
        &group("green", 3, "reach = [\"red/one\"]"),
        &answering("green/web", "10.77.3.11", ""),
    ]);
    let host = boot(&declared);

    let lan = answers_to_lan(
        &host,
        &[
            "tcp/192.0.2.2/18080",
            "udp/192.0.2.2/19090",
            "udp/192.0.2.2/18082",
            "tcp/192.0.2.2/18081",
            "udp/192.0.2.2/18080",
        ],
    );
    let seen = "red/one sees 192.0.2.1";
    assert_eq!(lan, [seen, seen, seen, "refused", "refused"]);

    let from_host = answers(
        &host,
        &[
            "tcp/127.0.0.1/18080",
            "tcp/127.0.0.1/18081",
            "udp/127.0.0.1/19090",
            "tcp/192.0.2.2/18080",
            "tcp/10.77.1.1/18080",
            "tcp/10.77.1.11/8080",
            "tcp/192.0.2.2/18081",
        ],
    );
    assert!(
        from_host[..6]
            .iter()
            .all(|answer| answer.starts_with("red/one sees")),
        "{from_host:?}"
    );
    assert_eq!(from_host[6], "refused");

    // By way of the host: the own group and one that may, the guest itself, and one that may not.
    let published = ["tcp/192.0.2.2/18080", "udp/192.0.2.2/19090"];
    for guest in ["red/two", "red/one", "green/web"] {
        let answers = answers_to(&host, guest, &published);
        assert!(
            answers
                .iter()
                .all(|answer| answer.starts_with("red/one sees")),
            "{guest}: {answers:?}"
        );
    }
    assert_eq!(
        answers_to(&host, "blue/web", &published),
        ["silence", "silence"]
    );
    let loopback = answers_to(&host, "red/two", &["tcp/127.0.0.1/18080"]);
    assert_eq!(loopback, ["refused"], "a guest's loopback is its own");

    // Taken back while the guest runs: closed at once, but not for who is connected.
    let before = leader(&host, "red-one");
    let mut client = host.spawn_in_lan(
        "(echo first; until test -e /run/closed; do sleep 0.1; done; echo second) |
         python3 /srv/talk.py hold 192.0.2.2 18080",
    );
    client
        .expect("echo first", SOON)
        .expect("a connection by the published port");
    apply(&host, &declared.replace(EVERYWHERE, "{ port = 8080 }"));
    let lan = answers_to_lan(&host, &["tcp/192.0.2.2/18080", "udp/192.0.2.2/19090"]);
    assert_eq!(lan, ["refused", seen]);
    host.write("/run/closed", "");
    client
        .expect("echo second", SOON)
        .expect("a connection outlives its port's publishing");
    assert_eq!(client.wait(SOON).expect("the client ends"), 0);
    assert_eq!(leader(&host, "red-one"), before);
}
