//! k3s has a hundred rules, and none of them is in the way: nothing is said of them.

use crate::tenants::{ALL, shared};

#[test]
fn says_nothing_of_rules_that_stop_nothing() {
    let shared = shared();
    shared.host.ok("iptables-restore /srv/k3s.rules");
    let rules = shared.theirs();
    assert_eq!(shared.works(), ALL);
    // It looks: with a rule that does stop something, it says that.
    shared
        .host
        .ok("iptables -A FLANNEL-FWD -i br-red ! -o br-red -j DROP");
    let told = shared.until_told(
        "Kubernetes",
        &[
            "from guests to the internet",
            "from guests to port 8080/tcp of blue/api",
        ],
    );
    assert!(
        told[0].rule.contains("chain FLANNEL-FWD, rule "),
        "{told:#?}"
    );
    shared
        .host
        .ok("iptables -D FLANNEL-FWD -i br-red ! -o br-red -j DROP");
    shared.until_silent();
    assert_eq!(shared.theirs(), rules);
    assert_eq!(shared.said("stops traffic"), 1);
}
