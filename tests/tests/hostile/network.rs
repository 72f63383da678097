//! False packets, from a guest that may make any.

use crate::{PATIENCE, Row, exec, host, prints};

/// What is tried.
pub(crate) fn rows() -> Vec<Row> {
    let firewall = || "fails: the firewall drops them where they leave its link".to_owned();
    vec![
        Row {
            guest: "strong",
            what: "sends ARP replies, IPv4, VLAN and IPv6 with router advertisements in another's name",
            outcome: firewall(),
            control: "what it sends in its own name arrives at the host and at a neighbour",
        },
        Row {
            guest: "strong",
            what: "takes another address, and another link-layer address",
            outcome: firewall(),
            control: "with its own it reaches the gateway",
        },
        Row {
            guest: "strong",
            what: "sends to the host's 127.0.0.1 by the host's link-layer address",
            outcome: firewall(),
            control: "the same to a declared `host-ports` arrives",
        },
    ]
}

#[test]
fn a_guest_with_raw_sockets_speaks_for_itself_alone() {
    let host = host();
    let mac = prints(&host, "strong", "cat /sys/class/net/eth0/address");
    let on_host = host.spawn("python3 /srv/frames.py see br-red");
    let neighbour = host.spawn("ip netns exec ctr-red-sleeps python3 /srv/frames.py see eth0");
    for watcher in [&on_host, &neighbour] {
        watcher
            .expect("listening", PATIENCE)
            .expect("somebody looks");
    }
    let send = format!("python3 /srv/frames.py send {mac} 10.77.1.13");
    prints(&host, "strong", &send);
    for watcher in [&on_host, &neighbour] {
        let seen = watcher
            .expect("the end", PATIENCE)
            .expect("true frames arrive");
        let seen: Vec<_> = seen.trim().lines().collect();
        assert_eq!(seen, ["true IPv4", "true ARP", "the end"]);
    }

    assert!(exec(&host, "strong", "ping -c2 -W1 10.77.1.1").success());
    prints(&host, "strong", "ip address add 10.77.1.99/24 dev eth0");
    assert!(!exec(&host, "strong", "ping -c2 -W1 -I 10.77.1.99 10.77.1.1").success());
    // ctrd puts a changed link-layer address back: without it the tables alone have to hold.
    host.ok("systemctl stop ctrd");
    let one = "ip netns exec ctr-red-strong";
    let ping = format!("{one} ping -c1 -W1 -I 10.77.1.13 10.77.1.1");
    host.until(&ping, PATIENCE);
    host.ok(&format!("{one} ip link set eth0 address 02:00:00:00:00:63"));
    host.fails(&ping);
    host.ok("systemctl start ctrd");
    host.until(&ping, PATIENCE);
    assert_eq!(
        host.ok(&format!("{one} cat /sys/class/net/eth0/address"))
            .trim(),
        mac.trim()
    );
}

#[test]
fn a_frame_for_the_hosts_loopback_ends_at_the_host() {
    let host = host();
    let gateway = host.ok("cat /sys/class/net/br-red/address");
    let listen = |port: u16| {
        host.spawn(&format!(
            "echo listening; exec socat -u UDP-RECV:{port} STDOUT"
        ))
    };
    let (closed, open) = (listen(7779), listen(7778));
    for it in [&closed, &open] {
        it.expect("listening", PATIENCE).expect("it listens");
    }
    host.until(
        "ss -uln | grep -q :7779 && ss -uln | grep -q :7778",
        PATIENCE,
    );
    let send = |to: &str, port: u16, name: &str| {
        let words = format!(
            "datagram eth0 {} 10.77.1.13 {to} {port} '{name}'",
            gateway.trim()
        );
        prints(&host, "strong", &format!("python3 /srv/frames.py {words}"));
    };
    send("127.0.0.1", 7779, "false");
    send("10.77.1.1", 7779, "false");
    send("10.77.1.1", 7778, "the end");
    open.expect("the end", PATIENCE)
        .expect("what is declared arrives");
    assert!(!closed.output().contains("false"), "{}", closed.output());
    host.ok("echo true | socat -u - UDP:127.0.0.1:7779");
    closed
        .expect("true", PATIENCE)
        .expect("the host itself is heard");
}
