//! The host's services, by sockets.

use crate::{Attack, PATIENCE, Place, are_stopped, host};

/// What is tried.
pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        what: "reaches the host on its gateway",
        guest: "sleeps",
        script: "nc -z -w2 10.77.1.1 7777",
        stopped_by: "the firewall",
        control: "it reaches a declared `host-ports`",
        place: Place::Guest("sleeps"),
        proof: "nc -z -w2 10.77.1.1 7778",
    },
    Attack {
        what: "reaches the host on its address in the LAN",
        guest: "strong",
        script: "nc -z -w2 192.0.2.2 7777",
        stopped_by: "the firewall",
        control: "the host does",
        place: Place::Host,
        proof: "nc -z -w2 192.0.2.2 7777",
    },
    Attack {
        what: "reaches the other group",
        guest: "sleeps",
        script: "nc -z -w2 10.77.2.11 8080",
        stopped_by: "the firewall",
        control: "it reaches a neighbour of its own group",
        place: Place::Guest("strong"),
        proof: "nc -z -w2 10.77.1.12 8080",
    },
    Attack {
        what: "reaches the other group by a port published on 127.0.0.1",
        guest: "strong",
        script: "nc -z -w2 127.0.0.1 18080 || nc -z -w2 10.77.1.1 18080 || { ip route add 127.0.0.9/32 via 10.77.1.1; nc -z -w2 127.0.0.9 18080; }",
        stopped_by: "the firewall, and a loopback of its own",
        control: "the host does",
        place: Place::Host,
        proof: "nc -z -w2 127.0.0.1 18080",
    },
    Attack {
        what: "has its own link route 127.0.0.1",
        guest: "strong",
        script: "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet",
        stopped_by: "`/proc/sys` is read-only",
        control: "it sets a route that is its own",
        place: Place::Guest("strong"),
        proof: "ip route replace 192.0.2.200/32 via 10.77.1.1",
    },
    Attack {
        what: "calls an abstract socket of the host",
        guest: "strong",
        script: "socat -u OPEN:/dev/null ABSTRACT-CONNECT:host",
        stopped_by: "its network namespace",
        control: "the host does",
        place: Place::Host,
        proof: "socat -u OPEN:/dev/null ABSTRACT-CONNECT:host",
    },
    Attack {
        what: "calls ctrd on the host's bus",
        guest: "boots",
        script: "busctl list --no-legend | grep org.kernelcore",
        stopped_by: "its mounts: the sockets there are its own",
        control: "the host does",
        place: Place::Host,
        proof: "busctl list --no-legend | grep -q org.kernelcore",
    },
    Attack {
        what: "looks for a socket of the host in its files",
        guest: "strong",
        script: "ls /run/dbus/system_bus_socket /run/systemd/private /run/host/*/bus /run/ctr 2>/dev/null | grep -q .",
        stopped_by: "its mounts",
        control: "the host has them",
        place: Place::Host,
        proof: "ls /run/dbus/system_bus_socket /run/systemd/private",
    },
    Attack {
        what: "makes a socket that knows no network namespace (`AF_VSOCK`)",
        guest: "boots",
        script: "python3 -c 'import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)'",
        stopped_by: "the address families of its unit",
        control: "it makes one of IPv4",
        place: Place::Guest("boots"),
        proof: "python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM)'",
    },
    Attack {
        what: "makes a raw socket",
        guest: "boots",
        script: "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'",
        stopped_by: "its network belongs to the host",
        control: "a guest with the host's users and `CAP_NET_RAW` does",
        place: Place::Guest("strong"),
        proof: "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'",
    },
    Attack {
        what: "gives itself another address",
        guest: "boots",
        script: "ip address add 10.77.1.99/24 dev eth0",
        stopped_by: "its network belongs to the host",
        control: "root of the host can, in the same namespace",
        place: Place::Host,
        // ctrd takes it away too, perhaps before that.
        proof: "boots='ip -netns ctr-red-boots address'; $boots add 10.77.1.99/24 dev eth0 && { $boots del 10.77.1.99/24 dev eth0 || ! $boots show | grep -F 10.77.1.99; }",
    },
    Attack {
        what: "takes its link down",
        guest: "boots",
        script: "ip link set eth0 down",
        stopped_by: "its network belongs to the host",
        control: "it sees its link",
        place: Place::Guest("boots"),
        proof: "ip link show eth0",
    },
];

#[test]
fn the_hosts_services_are_out_of_reach() {
    let host = host();
    let mut kept = Vec::new();
    for listener in [
        "socat TCP-LISTEN:7777,fork,reuseaddr OPEN:/dev/null",
        "socat TCP-LISTEN:7778,fork,reuseaddr OPEN:/dev/null",
        "socat ABSTRACT-LISTEN:host,fork OPEN:/dev/null",
    ] {
        kept.push(host.spawn(listener));
    }
    for ready in [
        "nc -z -w2 127.0.0.1 7777",
        "nc -z -w2 127.0.0.1 7778",
        "socat -u OPEN:/dev/null ABSTRACT-CONNECT:host",
        "nc -z -w2 127.0.0.1 18080",
    ] {
        host.until(ready, PATIENCE);
    }
    are_stopped(&host, ATTACKS);
}
