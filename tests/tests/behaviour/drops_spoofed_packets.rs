//! Nothing leaves a guest's cable but IPv4 and ARP of its own two addresses, whatever the guest may
//! do: a false sender reaches neither the host nor a neighbour.

use ctr_lab::Host;

use crate::talk::{SOON, answering, answers, boot, declaration, group};

const TRUE: [&str; 3] = ["true IPv4", "true ARP", "the end"];

#[test]
fn drops_spoofed_packets() {
    let host = boot(&declaration(&[
        &group("red", 1, ""),
        &answering("red/one", "10.77.1.11", "users = \"host\""),
        &answering("red/two", "10.77.1.12", ""),
    ]));
    host.write("/srv/frames.py", include_str!("frames.py"));
    // From the namespace, with every right there is: more than a guest ever has.
    let one = "ip netns exec ctr-red-one";
    let mac = host.ok(&format!("{one} cat /sys/class/net/eth0/address"));
    let mac = mac.trim();

    let on_host = host.spawn("python3 /srv/frames.py see br-red");
    let on_neighbour = host.spawn("ip netns exec ctr-red-two python3 /srv/frames.py see eth0");
    for watcher in [&on_host, &on_neighbour] {
        watcher.expect("listening", SOON).expect("somebody looks");
    }
    host.ok(&format!(
        "{one} python3 /srv/frames.py send {mac} 10.77.1.11"
    ));
    for watcher in [&on_host, &on_neighbour] {
        let seen = watcher.expect("the end", SOON).expect("true frames arrive");
        assert_eq!(seen.trim().lines().collect::<Vec<_>>(), TRUE);
    }
    host.fails("ip neighbour show 10.77.1.99 | grep -q lladdr");

    // The same with the kernel's own means: another address, then another link-layer address. Without
    // ctrd, which would put them back: the tables alone have to hold.
    host.ok("systemctl stop ctrd");
    assert!(pings(&host, "10.77.1.11"), "its own address is a true one");
    host.ok(&format!("{one} ip address add 10.77.1.99/24 dev eth0"));
    assert!(
        !pings(&host, "10.77.1.99"),
        "a second address is a false one"
    );
    host.ok(&format!("{one} ip link set eth0 address 02:00:00:00:00:63"));
    assert!(
        !pings(&host, "10.77.1.11"),
        "another link-layer address is a false one"
    );
    host.ok(&format!("{one} ip link set eth0 address {mac}"));
    host.until(&format!("{one} ping -c1 -W1 -I 10.77.1.11 10.77.1.1"), SOON);

    // A guest that takes its neighbour's address takes nothing else: the neighbour is still called.
    host.ok(&format!("{one} ip address add 10.77.1.12/24 dev eth0"));
    host.ok("ip neighbour flush dev br-red");
    let two = answers(&host, &["tcp/10.77.1.12/8080", "udp/10.77.1.12/9090"]);
    assert_eq!(two, ["red/two sees 10.77.1.1", "red/two sees 10.77.1.1"]);

    // No router advertisement makes an address on the bridge: it has no IPv6 at all.
    assert_eq!(host.ok("ip -6 address show dev br-red"), "");
    host.ok("systemctl start ctrd");
    host.until("ctr status", SOON);
    assert_eq!(host.ok("ctr red exec two -- ip -6 address"), "");
}

fn pings(host: &Host, source: &str) -> bool {
    let command = format!("ip netns exec ctr-red-one ping -c2 -W1 -I {source} 10.77.1.1");
    host.run(&command).success()
}
