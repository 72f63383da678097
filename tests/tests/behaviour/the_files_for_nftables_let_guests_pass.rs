//! A person's own `/etc/nftables.conf` lets guests pass when it includes the files of `dist/nftables`, at
//! the places where they say that they belong.

use crate::tenants::{ALL, shared};

const FORWARD: &str = include_str!("../../../dist/nftables/ctr-forward.nft");
const INPUT: &str = include_str!("../../../dist/nftables/ctr-input.nft");

#[test]
fn the_files_for_nftables_let_guests_pass() {
    let shared = shared();
    let host = &shared.host;
    let rules = host.read("/srv/workstation.nft");
    let load = "systemctl reload-or-restart nftables";
    host.write("/etc/nftables.conf", format!("flush ruleset\n{rules}"));
    host.ok(load);
    shared.until_told(
        "the table inet filter",
        &[
            "from guests to the internet",
            "from guest to guest in the group",
            "from guests to port 8080/tcp of blue/api",
            "from guests to the host's port 5432",
            "from elsewhere to the published port 18080/tcp (web)",
        ],
    );
    assert_eq!(shared.works(), []);

    host.write("/usr/share/ctr/nftables/ctr-forward.nft", FORWARD);
    host.write("/usr/share/ctr/nftables/ctr-input.nft", INPUT);
    let include = |rules: &str, after: &str, name: &str| {
        let line = format!("{after}\n        include \"/usr/share/ctr/nftables/{name}\"");
        assert!(rules.contains(after), "{rules}");
        rules.replace(after, &line)
    };
    let input = "type filter hook input priority filter; policy accept;";
    let forward = "type filter hook forward priority filter; policy drop;";
    let rules = include(&rules, input, "ctr-input.nft");
    let rules = include(&rules, forward, "ctr-forward.nft");
    host.write("/etc/nftables.conf", format!("flush ruleset\n{rules}"));
    host.ok(load);
    shared.until_silent();
    assert_eq!(shared.works(), ALL);
}
