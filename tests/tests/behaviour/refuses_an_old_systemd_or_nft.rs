//! On a host that is too old ctrd says what it needs instead of breaking half-way.

use ctr_lab::Host;

use crate::guests::{PATIENCE, lab, running, sleeper};

const OLD_NFT: &str = r#"#!/bin/sh
echo '{"nftables": [{"metainfo": {"version": "0.9.8", "release_name": "E.D.S.", "json_schema_version": 1}}]}'
"#;

/// Passes the bytes of the system bus on, in which systemd says that it is version 252.
const OLD_SYSTEMD: &str = r#"
import socket, sys, threading
def copy(source, target, old, new):
    while data := source.recv(1 << 16):
        target.sendall(data.replace(old, new))
listener = socket.socket(socket.AF_UNIX)
listener.bind("/run/old-bus")
listener.listen()
print("listening", flush=True)
while True:
    client, _ = listener.accept()
    bus = socket.socket(socket.AF_UNIX)
    bus.connect("/run/dbus/system_bus_socket")
    version = sys.argv[1].encode()
    threading.Thread(target=copy, args=(client, bus, b"", b""), daemon=True).start()
    threading.Thread(target=copy, args=(bus, client, version, b"252" + version[3:]), daemon=True).start()
"#;

#[test]
fn refuses_an_old_nft() {
    let host = Host::with_ctr(&lab(&[sleeper("web", 11, "")]));
    let leaders = running(&host, &["web"]);
    host.write("/root/nft", OLD_NFT);
    host.ok("chmod +x /root/nft && mount --bind /root/nft /usr/sbin/nft");
    host.fails("systemctl restart ctrd");
    let journal = host.ok("journalctl --sync && journalctl --unit=ctrd --output=cat");
    assert!(
        journal.contains("/usr/sbin/nft is version 0.9.8: install nftables"),
        "{journal}"
    );
    host.ok("systemctl is-active ctr-lab-web");
    host.ok("umount /usr/sbin/nft");
    // It is tried again for as long as it takes.
    host.until("ctr status", PATIENCE);
    assert_eq!(running(&host, &["web"]), leaders);
}

#[test]
fn refuses_an_old_systemd() {
    let host = Host::with_ctr("schema = 1\n");
    host.ok("systemctl stop ctrd");
    let get = "busctl get-property org.freedesktop.systemd1 /org/freedesktop/systemd1 \
               org.freedesktop.systemd1.Manager Version";
    let version = host
        .ok(get)
        .trim()
        .trim_start_matches("s ")
        .trim_matches('"')
        .to_owned();
    host.write("/root/old.py", OLD_SYSTEMD);
    let proxy = host.spawn(&format!("exec python3 /root/old.py {version}"));
    proxy
        .expect("listening", PATIENCE)
        .expect("the bus in between");
    let bus = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/old-bus";
    assert!(
        host.ok(&format!("{bus} {get}")).contains("252"),
        "the version is replaced"
    );
    let output = host.fails(&format!("{bus} timeout 20 /usr/bin/ctrd run"));
    assert_eq!(output.status, 1, "{output:#?}");
    let said = output.stdout + &output.stderr;
    assert!(
        said.contains("is too old: ctrd needs 254 or newer"),
        "{said}"
    );
}
