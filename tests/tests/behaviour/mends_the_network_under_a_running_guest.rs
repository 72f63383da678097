//! Whatever somebody does to the bridge, the links, the addresses, the routes or the namespaces of
//! running guests: it is noticed and mended by itself, no guest is restarted for it, and their
//! connections go on.

use ctr_lab::{Background, Host};

use crate::guests::{PATIENCE, lab, running, sleeper};

/// Says how often a byte went there and back over one connection.
const ECHOES: &str = "/run/echoes";

const CLIENT: &str = r#"
import socket, sys, time
s = socket.create_connection((sys.argv[1], 8080), timeout=30)
count = 0
while True:
    s.sendall(b"x")
    assert s.recv(1) == b"x"
    count += 1
    with open("/run/echoes.new", "w") as f:
        f.write(str(count))
    import os
    os.rename("/run/echoes.new", "/run/echoes")
    time.sleep(0.02)
"#;

const SERVER: &str = "import socket; l = socket.create_server(('', 8080)); s, _ = l.accept()\nwhile True: s.sendall(s.recv(1))";

/// True when everything of the two guests' network is as it should be, as the kernel tells it.
const WHOLE: &str = r#"
whole() {
    ip -o -4 addr show dev br-lab | grep -q ' 10.77.3.10/24 ' &&
    test $(ip -o -4 addr show dev br-lab | wc -l) = 1 &&
    ip link show br-lab | grep -q ',UP' && ip link show br-lab | grep -qx ' *alias ctr:lab' &&
    test $(ip -o link show master br-lab | grep -c ',UP') = 2 &&
    test $(ip -d link show master br-lab | grep -c 'hairpin on') = 2 &&
    ip link show ctr-lab-web | grep -qx ' *alias ctr:lab-web' &&
    test $(cat /proc/sys/net/ipv4/ip_forward) = 1 &&
    for place in 11 12; do
        guest=$(test $place = 11 && echo web || echo db)
        ip -n ctr-lab-$guest -o -4 addr show dev eth0 | grep -q " 10.77.3.$place/24 " &&
        test $(ip -n ctr-lab-$guest -o -4 addr show dev eth0 | wc -l) = 1 &&
        ip -n ctr-lab-$guest route show default | grep -q '^default via 10.77.3.10 ' &&
        ip -n ctr-lab-$guest link show lo | grep -q ',UP' &&
        ip -n ctr-lab-$guest link show eth0 | grep -q ',UP' || return 1
    done &&
    test "$(ip -n ctr-lab-web link show eth0 | awk '/ether/ { print $2 }')" = "$(cat /run/mac)"
}
"#;

const DRIFTS: [&str; 21] = [
    "ip link del br-lab",
    "ip link set br-lab down",
    "ip addr del 10.77.3.10/24 dev br-lab",
    "ip addr add 10.77.3.99/24 dev br-lab",
    "ip link set br-lab alias ''",
    "ip link del ctr-lab-web",
    "ip link set ctr-lab-web down",
    "ip link set ctr-lab-web nomaster",
    "ip link add br-theirs type bridge && ip link set ctr-lab-web master br-theirs",
    "ip link set ctr-lab-web alias ''",
    "ip link set ctr-lab-web type bridge_slave hairpin off",
    "ip -n ctr-lab-web link del eth0",
    "ip -n ctr-lab-web link set eth0 down",
    "ip -n ctr-lab-web link set lo down",
    "ip -n ctr-lab-web addr flush dev eth0",
    "ip -n ctr-lab-web addr add 10.77.3.77/24 dev eth0",
    "ip -n ctr-lab-web route del default",
    "ip -n ctr-lab-web link set eth0 address 0a:00:00:00:00:01",
    "ip netns del ctr-lab-web",
    "ip netns del ctr-lab-web && ip link set ctr-lab-web down",
    "sysctl -qw net.ipv4.ip_forward=0",
];

#[test]
fn mends_the_network_under_a_running_guest() {
    let host = Host::with_ctr(&lab(&[sleeper("web", 11, ""), sleeper("db", 12, "")]));
    let leaders = running(&host, &["web", "db"]);
    let server = host.spawn(&format!(
        "ctr lab exec web -- /usr/bin/python3 -c \"{SERVER}\""
    ));
    host.until(
        "ip netns exec ctr-lab-web ss -ltn | grep -q :8080",
        PATIENCE,
    );
    host.write("/run/client.py", CLIENT);
    let mut client = host.spawn("python3 /run/client.py 10.77.3.11");
    host.until(&format!("test -s {ECHOES}"), PATIENCE);
    host.ok("ip -n ctr-lab-web link show eth0 | awk '/ether/ { print $2 }' > /run/mac");
    host.write("/run/whole.sh", WHOLE);
    host.until(". /run/whole.sh; whole", PATIENCE);
    for drift in DRIFTS {
        mended(&host, drift, &mut client);
        assert_eq!(running(&host, &["web", "db"]), leaders, "after {drift}");
    }
    assert!(client.is_running().expect("asked"), "{}", client.output());
    drop(server);
    let said = host.ok("journalctl --sync && journalctl --unit=ctrd --output=cat");
    for line in [
        "the network of lab was changed by somebody else: create bridge br-lab 10.77.3.10/24",
        "lab/web: its network was changed by somebody else: switch eth0 on in ctr-lab-web",
        " its name ctr-lab-web back",
    ] {
        assert!(said.contains(line), "no `{line}` in:\n{said}");
    }
    host.ok("ctr plan --exit-code");
}

/// Does damage while ctrd cannot see it, and waits until it is mended and the connection goes on.
#[track_caller]
fn mended(host: &Host, drift: &str, client: &mut Background) {
    // The control: without ctrd it stays as it is.
    host.ok(&format!(
        "systemctl kill --signal=SIGSTOP ctrd && {{ {drift}; }} && . /run/whole.sh && ! whole"
    ));
    let mend = ". /run/whole.sh
        begun=$(date +%s%N)
        systemctl kill --signal=SIGCONT ctrd
        for try in $(seq 400); do
            if whole; then echo $((($(date +%s%N) - begun) / 1000000)); exit 0; fi
            sleep 0.02
        done
        exit 1";
    let mended = host.run(mend);
    assert!(
        mended.success(),
        "not mended: {drift}\n{}",
        host.ok("ip -d link; ip addr; journalctl --unit=ctrd --lines=20 --output=cat")
    );
    eprintln!("{:>6} ms  {drift}", mended.stdout.trim());
    let echoes: u64 = host.read(ECHOES).parse().expect("a number");
    let goes_on = host.try_until(&format!("test $(cat {ECHOES}) -gt {echoes}"), PATIENCE);
    assert!(
        goes_on.is_ok() && client.is_running().expect("asked"),
        "its connection did not survive {drift}: {}",
        client.output()
    );
    host.run("ip link del br-theirs 2>/dev/null");
}
