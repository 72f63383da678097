//! What is on the host's 127.0.0.1 is for the host alone, though ctr makes its loopback lead to
//! published ports: no neighbour on the LAN and no guest gets there with a packet made by hand.

use ctr_lab::Host;

use crate::talk::{SOON, answering, answers, boot, declaration, group};

/// One port for everybody, one for the host alone.
const PORTS: &str = "ports = [
    { port = 9090, protocol = \"udp\", publish = { host-port = 19090 } },
    { port = 8080, protocol = \"udp\", publish = { host-port = 19091, address = \"127.0.0.1\" } },
]";

#[test]
fn keeps_the_hosts_loopback_to_itself() {
    let host = boot(&declaration(&[
        &group("red", 1, "host-ports = [7001]"),
        &answering("red/one", "10.77.1.11", PORTS),
    ]));
    host.write("/srv/frames.py", include_str!("frames.py"));
    let own = answers(&host, &["udp/127.0.0.1/19090", "udp/127.0.0.1/19091"]);
    assert_eq!(own, ["red/one sees 10.77.1.1"; 2]);

    // From the LAN: what would be led to the guest comes by on its bridge.
    let on_bridge = host.spawn("python3 /srv/frames.py see br-red");
    on_bridge.expect("listening", SOON).expect("somebody looks");
    let uplink = mac(&host, "uplink0");
    for (address, port, name) in [
        ("127.0.0.1", 19090, "loopback, published everywhere"),
        ("127.0.0.1", 19091, "loopback, published there alone"),
        ("192.0.2.2", 19091, "another address than the published one"),
        ("192.0.2.2", 19090, "the end"),
    ] {
        host.in_lan(&datagram("lan0", &uplink, "192.0.2.1", address, port, name));
    }
    let led = on_bridge.expect("the end", SOON).expect("a published port");
    assert_eq!(led.trim(), "the end");

    // From a guest, at a port that its group may use: but of the host's address in its group.
    let service = host.spawn("socat -u udp4-recv:7001 -");
    host.until("ss -Huln sport = :7001 | grep -q .", SOON);
    let gateway = mac(&host, "br-red");
    for (address, name) in [
        ("127.0.0.1", "loopback"),
        ("127.1.2.3", "loopback too"),
        ("10.77.1.1", "the end"),
    ] {
        let send = datagram("eth0", &gateway, "10.77.1.11", address, 7001, name);
        host.ok(&format!("ip netns exec ctr-red-one {send}"));
    }
    let received = service.expect("the end", SOON).expect("a port of the host");
    assert_eq!(received, "<<the end");
}

fn datagram(interface: &str, mac: &str, source: &str, to: &str, port: u16, name: &str) -> String {
    format!("python3 /srv/frames.py datagram {interface} {mac} {source} {to} {port} '{name}'")
}

#[track_caller]
fn mac(host: &Host, interface: &str) -> String {
    let address = host.ok(&format!("cat /sys/class/net/{interface}/address"));
    address.trim().to_owned()
}
