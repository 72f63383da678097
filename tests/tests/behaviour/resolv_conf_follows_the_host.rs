//! A guest asks the name servers that the host asks, from the moment the host does; the host's own
//! loopback is none of them. Name servers that are declared win.

use ctr_lab::Host;

use crate::talk::{SOON, answering, apply, boot, declaration, group, leader};

#[test]
fn resolv_conf_follows_the_host() {
    let declared = declaration(&[
        &group("red", 1, ""),
        &answering("red/one", "10.77.1.11", ""),
    ]);
    let host = boot(&declared);
    let before = leader(&host, "red-one");

    host.write("/etc/resolv.conf", "nameserver 192.0.2.53\n");
    until_it_asks(&host, "192.0.2.53");

    host.write(
        "/etc/resolv.conf",
        "# by hand\nnameserver 127.0.0.53\nnameserver 198.51.100.53\nnameserver 192.0.2.54\noptions edns0\n",
    );
    until_it_asks(&host, "198.51.100.53 192.0.2.54");

    // Most programs write a new file and rename it over the old one.
    host.ok("echo nameserver 192.0.2.55 >/etc/resolv.conf.new && mv /etc/resolv.conf.new /etc/resolv.conf");
    until_it_asks(&host, "192.0.2.55");

    // The servers behind the stub of systemd-resolved, which comes up after ctrd.
    host.write("/etc/resolv.conf", "nameserver 127.0.0.53\n");
    host.write(
        "/run/systemd/resolve/resolv.conf",
        "nameserver 192.0.2.56\n",
    );
    until_it_asks(&host, "192.0.2.56");

    apply(
        &host,
        &format!("nameservers = [\"203.0.113.53\"]\n{declared}"),
    );
    assert_eq!(asked(&host), "203.0.113.53");
    host.write(
        "/run/systemd/resolve/resolv.conf",
        "nameserver 192.0.2.57\n",
    );
    host.ok("ctr apply");
    assert_eq!(asked(&host), "203.0.113.53");
    apply(&host, &declared);
    until_it_asks(&host, "192.0.2.57");
    assert_eq!(leader(&host, "red-one"), before);
}

fn until_it_asks(host: &Host, servers: &str) {
    let look = format!("test \"$({ASKED})\" = \"{servers}\"");
    if host.try_until(&look, SOON).is_err() {
        assert_eq!(asked(host), servers);
    }
}

const ASKED: &str =
    "ctr red exec one -- cat /etc/resolv.conf | awk '$1 == \"nameserver\" {print $2}' | xargs";

#[track_caller]
fn asked(host: &Host) -> String {
    host.ok(ASKED).trim().to_owned()
}
