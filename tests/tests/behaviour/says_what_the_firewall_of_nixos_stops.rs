//! NixOS's firewall is in the guests' way to the host's ports, and with `filterForward` everywhere. What
//! it stops is said, for both of its modes, and no more than that.

use crate::tenants::{Works, shared};

const HOST_PORT: &str = "from guests to the host's port 5432";

#[test]
fn says_what_the_firewall_of_nixos_stops_in_its_mode_for_iptables() {
    let shared = shared();
    shared.host.ok("iptables-restore /srv/nixos-iptables.rules");
    let told = shared.until_told("NixOS's firewall", &[HOST_PORT]);
    assert!(
        told[0]
            .rule
            .starts_with("table ip filter, chain nixos-fw-refuse, rule ")
    );
    assert!(told[0].rule.ends_with(": `drop`"), "{told:#?}");
    let works = [
        Works::Group,
        Works::Reach,
        Works::Internet,
        Works::Published,
    ];
    assert_eq!(shared.works(), works);
    shared.follow_the_advice();
}

#[test]
fn says_what_the_firewall_of_nixos_stops_in_its_mode_for_nftables() {
    let shared = shared();
    shared.host.ok("nft -f /srv/nixos.nft");
    let told = shared.until_told("NixOS's firewall", &[HOST_PORT]);
    assert_eq!(
        told[0].rule,
        "table inet nixos-fw, chain input, policy drop"
    );
    let works = [
        Works::Group,
        Works::Reach,
        Works::Internet,
        Works::Published,
    ];
    assert_eq!(shared.works(), works);

    shared.host.ok("nft -f /srv/nixos-filter-forward.nft");
    let stops = [
        HOST_PORT,
        "from guests to the internet",
        "from guest to guest in the group",
        "from guests to port 8080/tcp of blue/api",
    ];
    shared.until_told("NixOS's firewall", &stops);
    // It lets through whatever was led elsewhere.
    assert_eq!(shared.works(), [Works::Published]);
    shared.follow_the_advice();
}
