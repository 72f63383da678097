//! Docker drops what is forwarded and is not its own. `ctr status` and the journal say so, with the rule
//! and what to add, and the guests work when it is added.

use crate::tenants::{Works, shared};

const FORWARDED: [&str; 3] = [
    "from guests to the internet",
    "from guests to port 8080/tcp of blue/api",
    "from elsewhere to the published port 18080/tcp (web)",
];

#[test]
fn says_what_docker_stops() {
    let shared = shared();
    let host = &shared.host;
    host.ok("sysctl --quiet --write net.bridge.bridge-nf-call-iptables=0");
    host.ok("iptables-restore /srv/docker.rules");
    let rules = shared.theirs();
    shared.until_told("Docker", &FORWARDED);
    assert_eq!(shared.works(), [Works::Group, Works::HostPort]);

    // With br_netfilter, which Docker turns on, it also stands between guests of one group.
    host.ok("sysctl --quiet --write net.bridge.bridge-nf-call-iptables=1");
    host.ok("ctr apply");
    let mut stops = FORWARDED.to_vec();
    stops.push("from guest to guest in the group");
    let told = shared.until_told("Docker", &stops);
    assert_eq!(shared.works(), [Works::HostPort]);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0].rule, "table ip filter, chain FORWARD, policy drop");

    // Where a person looks.
    let detail = host.ok("ctr red status web");
    assert!(detail.contains("problem: Docker stops traffic"), "{detail}");
    let alone = host.ok("ctr red status db --json");
    assert!(alone.contains("\"owner\": \"Docker\""), "{alone}");
    let said = "blue: Docker stops traffic from guests to the internet (table ip filter";
    assert_eq!(shared.said(said), 1);

    assert_eq!(shared.theirs(), rules, "nothing of theirs is changed");
    shared.follow_the_advice();
    assert_eq!(shared.said(said), 1, "once, not at every look");
}
