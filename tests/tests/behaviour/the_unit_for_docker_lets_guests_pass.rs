//! `ctr-docker.service` puts the two rules into Docker's chain for others, keeps them there over a
//! restart of Docker, and takes them away when it stops.

use crate::talk::SOON;
use crate::tenants::{ALL, shared};

/// Docker's unit, as far as it matters: each start writes its rules again.
const DOCKER: &str = "[Service]\nType=oneshot\nRemainAfterExit=yes\n\
                      ExecStart=iptables-restore --noflush /srv/docker.rules\n";
/// Each of the two rules is there once.
const OURS: &str = "test $(iptables-save | grep -c 'DOCKER-USER.*group 0x637472 -j ACCEPT') = 2";

#[test]
fn the_unit_for_docker_lets_guests_pass() {
    let shared = shared();
    let host = &shared.host;
    host.write("/etc/systemd/system/docker.service", DOCKER);
    host.ok("systemctl daemon-reload && systemctl start docker");
    let theirs = shared.theirs();
    let stops = [
        "from guests to the internet",
        "from guest to guest in the group",
        "from guests to port 8080/tcp of blue/api",
        "from elsewhere to the published port 18080/tcp (web)",
    ];
    let told = shared.until_told("Docker", &stops);
    let hint = told[0].hint.as_deref().unwrap_or_default();
    let enable = "systemctl enable --now ctr-docker.service";
    assert!(hint.contains(enable), "{hint}");

    host.ok(enable);
    shared.until_silent();
    assert_eq!(shared.works(), ALL);
    host.ok("systemctl stop ctr-docker");
    assert_eq!(
        shared.theirs(),
        theirs,
        "what it added is gone, and nothing else"
    );
    shared.until_told("Docker", &stops);

    // It is Docker's unit that brings it up, at each start, and never without Docker. The job of the one
    // is done a moment before the other's.
    for _ in 0..2 {
        host.ok("systemctl restart docker");
        host.until(OURS, SOON);
    }
    host.ok("systemctl restart ctr-docker");
    host.ok(OURS);
    shared.until_silent();
    assert_eq!(shared.works(), ALL);
    host.ok("systemctl stop docker");
    host.fails("systemctl is-active ctr-docker || iptables-save | grep 'group 0x637472'");
}
