//! A guest uses of the host what `host-ports` of its group names, whichever of the host's addresses
//! it calls, and pings its gateway.

use crate::talk::{answering, answers_to, answers_to_lan, apply, boot, declaration, group, serve};

#[test]
fn closes_the_host_to_guests_but_for_host_ports() {
    let declared = declaration(&[
        &group("red", 1, "host-ports = [7001]"),
        &answering("red/one", "10.77.1.11", ""),
        &group("blue", 2, ""),
        &answering("blue/web", "10.77.2.11", ""),
    ]);
    let host = boot(&declared);
    let _server = serve(&host, false, "host", &["7001", "7002"]);

    let of_red = [
        "tcp/10.77.1.1/7001",
        "udp/10.77.1.1/7001",
        "tcp/192.0.2.2/7001",
        "tcp/10.77.1.1/7002",
        "udp/10.77.1.1/7002",
        "tcp/192.0.2.2/7002",
        "tcp/10.77.2.1/7002",
        "ping/10.77.1.1",
        "ping/192.0.2.2",
        "ping/10.77.2.1",
    ];
    let open = "host sees 10.77.1.11";
    assert_eq!(
        answers_to(&host, "red/one", &of_red),
        [
            open, open, open, "silence", "silence", "silence", "silence", "pong", "silence",
            "silence"
        ]
    );
    let of_blue = [
        "tcp/10.77.2.1/7001",
        "udp/10.77.2.1/7001",
        "tcp/10.77.1.1/7001",
        "tcp/192.0.2.2/7002",
        "ping/10.77.2.1",
    ];
    let closed = ["silence", "silence", "silence", "silence", "pong"];
    assert_eq!(answers_to(&host, "blue/web", &of_blue), closed);
    // Others are no business of ctr: the LAN reaches the host's services as before.
    let lan = answers_to_lan(&host, &["tcp/192.0.2.2/7002", "udp/192.0.2.2/7002"]);
    assert_eq!(lan, ["host sees 192.0.2.1", "host sees 192.0.2.1"]);

    // Both directions live: opened to one group, closed to the other.
    apply(&host, &declared.replace("[7001]", "[7002]"));
    let red = answers_to(
        &host,
        "red/one",
        &["tcp/10.77.1.1/7001", "udp/10.77.1.1/7002"],
    );
    assert_eq!(red, ["silence", open]);
}
