//! systemd-networkd with a file that matches every interface, and `NetworkManager`, which takes every
//! interface that it finds, leave the bridges and links of ctrd alone where the files of `dist/` say so.

use ctr_lab::Host;

use crate::talk::{SOON, answering, answers, answers_to, boot, declaration, group, leader};

const NETWORKD: &str = include_str!("../../../dist/networkd/10-ctr.network");
const NETWORK_MANAGER: &str = include_str!("../../../dist/NetworkManager/60-ctr.conf");
/// What the file for networkd says about bridges: to add them.
const WITH_BRIDGE: &str = "Name=cv-* ctr-* br-red";

/// Both take an interface without udev where `/sys` cannot be written, as in a container: there is no
/// udev on this host.
fn guests() -> Host {
    let host = boot(&declaration(&[
        &group("red", 1, ""),
        &answering("red/web", "10.77.1.11", ""),
        &answering("red/db", "10.77.1.12", ""),
    ]));
    host.ok("mount -o remount,bind,ro /sys");
    host
}

#[track_caller]
fn assert_untouched(host: &Host, addresses: &str, leader_before: &str) {
    assert_eq!(host.ok(ADDRESSES), addresses);
    let web = ["tcp/10.77.1.11/8080"];
    assert_eq!(answers(host, &web), ["red/web sees 10.77.1.1"]);
    assert_eq!(
        answers_to(host, "red/db", &web),
        ["red/web sees 10.77.1.12"]
    );
    assert_eq!(leader(host, "red-web"), leader_before);
}

const ADDRESSES: &str = "ip -brief address show | grep -E '^(br-|cv-)' | sort";

#[test]
fn networkd_leaves_ours_alone() {
    let host = guests();
    let (addresses, before) = (host.ok(ADDRESSES), leader(&host, "red-web"));
    let ours = NETWORKD.replace("Name=cv-* ctr-*\n", &format!("{WITH_BRIDGE}\n"));
    assert!(ours.contains(&format!("\n{WITH_BRIDGE}\n")), "{ours}");
    host.write("/etc/systemd/network/10-ctr.network", ours);
    let everything = "[Match]\nName=*\n[Network]\nDHCP=yes\nLinkLocalAddressing=ipv4\n";
    host.write("/etc/systemd/network/50-all.network", everything);
    host.ok("systemctl start systemd-networkd");
    // It has come to the interfaces that it is to manage.
    host.until("networkctl list uplink0 | grep -q configuring", SOON);
    let unmanaged = "networkctl list --no-legend 'br-*' 'cv-*' | grep -vq unmanaged";
    host.fails(unmanaged);
    assert_untouched(&host, &addresses, &before);
    host.ok("systemctl restart systemd-networkd");
    host.until("networkctl list uplink0 | grep -q configuring", SOON);
    assert_untouched(&host, &addresses, &before);

    // Without the file it takes them.
    host.ok("rm /etc/systemd/network/10-ctr.network && systemctl restart systemd-networkd");
    host.until(unmanaged, SOON);
}

#[test]
fn network_manager_leaves_ours_alone() {
    let host = guests();
    let (addresses, before) = (host.ok(ADDRESSES), leader(&host, "red-web"));
    host.write("/etc/NetworkManager/conf.d/60-ctr.conf", NETWORK_MANAGER);
    let bridge = "[keyfile]\nunmanaged-devices+=interface-name:br-red\n";
    host.write("/etc/NetworkManager/conf.d/61-ctr-bridges.conf", bridge);
    host.ok("systemctl start NetworkManager");
    // It has come to the interfaces that it is to manage.
    host.until(
        "nmcli -t device | grep -q '^uplink0:ethernet:connected'",
        SOON,
    );
    let managed = "nmcli -t device | grep -E '^(br-|cv-)' | grep -vq ':unmanaged:'";
    host.fails(managed);
    assert_untouched(&host, &addresses, &before);

    // Without the file it takes them.
    host.ok("rm /etc/NetworkManager/conf.d/6?-ctr*.conf && systemctl restart NetworkManager");
    host.until(managed, SOON);
}
