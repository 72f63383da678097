//! Nobody on the LAN reaches a guest at its own address, though the host forwards packets and a
//! neighbour may well set a route by it.

use crate::talk::{answering, answers, answers_to_lan, boot, declaration, group, serve};

#[test]
fn closes_guests_to_the_lan() {
    let publish = "ports = [{ port = 8080, publish = { host-port = 18080 } }]";
    let host = boot(&declaration(&[
        &group("red", 1, ""),
        &answering("red/one", "10.77.1.11", publish),
        &answering("red/two", "10.77.1.12", ""),
    ]));
    let _server = serve(&host, true, "lan", &["9000"]);
    host.in_lan("ip route add 10.77.1.0/24 via 192.0.2.2");

    // The route leads to the host, the host forwards, and the guests answer others.
    assert_eq!(host.ok("cat /proc/sys/net/ipv4/ip_forward"), "1\n");
    let own = answers(&host, &["tcp/10.77.1.11/8080", "udp/10.77.1.12/9090"]);
    assert_eq!(own, ["red/one sees 10.77.1.1", "red/two sees 10.77.1.1"]);
    let targets = [
        "ping/10.77.1.1",
        "tcp/192.0.2.2/18080",
        "tcp/10.77.1.11/8080",
        "tcp/10.77.1.11/9090",
        "udp/10.77.1.12/9090",
        "tcp/10.77.1.12/8080",
        "ping/10.77.1.11",
    ];
    let expected = [
        "pong",
        "red/one sees 192.0.2.1",
        "silence",
        "silence",
        "silence",
        "silence",
        "silence",
    ];
    assert_eq!(answers_to_lan(&host, &targets), expected);

    // Nor by having been called: a guest's connection outwards opens nothing besides itself.
    host.ok("ctr red exec two -- python3 /srv/talk.py ask udp/192.0.2.1/9000");
    assert_eq!(answers_to_lan(&host, &targets[2..]), expected[2..]);
}
