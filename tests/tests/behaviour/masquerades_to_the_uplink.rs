//! Guests get out as the host, by whichever way the host has: no uplink is named anywhere.

use crate::talk::{answering, answers_to, boot, declaration, group, leader, serve};

const OUTSIDE: [&str; 4] = [
    "tcp/198.51.100.1/9000",
    "udp/198.51.100.1/9000",
    "tcp/192.0.2.1/9000",
    "ping/198.51.100.1",
];

#[test]
fn masquerades_to_the_uplink() {
    let host = boot(&declaration(&[
        &group("red", 1, ""),
        &answering("red/one", "10.77.1.11", ""),
    ]));
    let _server = serve(&host, true, "lan", &["9000"]);
    let before = leader(&host, "red-one");

    let seen = "lan sees 192.0.2.2";
    assert_eq!(
        answers_to(&host, "red/one", &OUTSIDE),
        [seen, seen, seen, "pong"]
    );

    // The uplink gets another name and another address while the guest runs.
    host.ok("
        set -e
        ip link set uplink0 down
        ip link set uplink0 name wan7
        ip address flush dev wan7
        ip address add 192.0.2.77/24 dev wan7
        ip link set wan7 up
        ip route add default via 192.0.2.1
    ");
    let seen = "lan sees 192.0.2.77";
    assert_eq!(
        answers_to(&host, "red/one", &OUTSIDE),
        [seen, seen, seen, "pong"]
    );
    assert_eq!(leader(&host, "red-one"), before);
}
