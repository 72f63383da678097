//! The firewalls that distributions turn on: the programs themselves, as they come.

use crate::tenants::{Works, shared};

const FORWARDED: [&str; 4] = [
    "from guests to the host's port 5432",
    "from guests to the internet",
    "from guest to guest in the group",
    "from guests to port 8080/tcp of blue/api",
];

#[test]
fn says_what_ufw_stops() {
    let shared = shared();
    shared.host.ok("ufw --force enable");
    let mut stops = FORWARDED.to_vec();
    stops.push("from elsewhere to the published port 18080/tcp (web)");
    shared.until_told("ufw", &stops);
    assert_eq!(shared.works(), []);
    shared.follow_the_advice();
}

#[test]
fn says_what_firewalld_stops() {
    let shared = shared();
    shared.host.ok("systemctl start firewalld");
    shared.until_told("firewalld", &FORWARDED);
    assert_eq!(shared.works(), [Works::Published]);
    shared.follow_the_advice();
}
