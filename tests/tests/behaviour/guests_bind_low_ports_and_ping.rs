//! A guest whose root is nobody on the host serves port 80 and pings all the same, and so do its
//! other users.

use crate::talk::{answers, answers_to, boot, declaration, group, running};

#[test]
fn guests_bind_low_ports_and_ping() {
    let serve = |port: &str| format!("\"serve\", \"port {port}\", \"{port}\"");
    let host = boot(&declaration(&[
        &group("red", 1, ""),
        &running("red/root", "10.77.1.11", &serve("80"), ""),
        &running(
            "red/nobody",
            "10.77.1.12",
            &serve("53"),
            "user = \"nobody\"",
        ),
    ]));
    let map = host.ok("ctr red exec root -- cat /proc/self/uid_map");
    let first: u32 = map
        .split_whitespace()
        .nth(1)
        .map_or(0, |uid| uid.parse().expect("a number"));
    assert!(first > 65535, "root is somebody on the host: {map}");

    let served = [
        "tcp/10.77.1.11/80",
        "udp/10.77.1.11/80",
        "tcp/10.77.1.12/53",
        "udp/10.77.1.12/53",
    ];
    assert_eq!(
        answers(&host, &served),
        [
            "port 80 sees 10.77.1.1",
            "port 80 sees 10.77.1.1",
            "port 53 sees 10.77.1.1",
            "port 53 sees 10.77.1.1"
        ]
    );
    let pinged = [
        "ping/127.0.0.1",
        "ping/10.77.1.1",
        "ping/10.77.1.12",
        "ping/192.0.2.1",
    ];
    assert_eq!(answers_to(&host, "red/root", &pinged), ["pong"; 4]);
    host.ok("ctr red exec -u nobody root -- ping -c1 -W5 10.77.1.12");
}
