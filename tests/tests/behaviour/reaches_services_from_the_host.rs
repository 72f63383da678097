//! The host reaches every port of every guest at the guest's own address, published or not.

use crate::talk::{SOON, answering, answers, boot, declaration, group};

#[test]
fn reaches_services_from_the_host() {
    let host = boot(&declaration(&[
        &group("red", 1, ""),
        &answering(
            "red/one",
            "10.77.1.11",
            "ports = [{ port = 8080, url = \"http\" }]",
        ),
        &group("blue", 2, ""),
        &answering("blue/web", "10.77.2.11", ""),
    ]));
    let targets = [
        "tcp/10.77.1.11/8080",
        "udp/10.77.1.11/8080",
        "ping/10.77.1.11",
        "tcp/10.77.2.11/9090",
        "tcp/10.77.2.11/9091",
    ];
    let expected = [
        "red/one sees 10.77.1.1",
        "red/one sees 10.77.1.1",
        "pong",
        "blue/web sees 10.77.2.1",
        "refused",
    ];
    assert_eq!(answers(&host, &targets), expected);
    assert_eq!(host.ok("ctr red url one"), "http://10.77.1.11:8080/\n");

    // The same address after a restart, in the same namespace.
    host.ok("ctr red restart one --timeout 30s");
    host.until("nc -z 10.77.1.11 8080", SOON);
    assert_eq!(answers(&host, &targets), expected);

    // Nobody else answers there while the guest is stopped.
    host.ok("ctr red stop one --timeout 30s");
    assert_ne!(answers(&host, &targets)[0], expected[0]);
    assert_eq!(answers(&host, &targets)[3], expected[3]);
}
