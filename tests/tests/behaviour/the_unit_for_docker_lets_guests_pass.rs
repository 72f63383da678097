//! `ctr-docker.service` puts the two rules into Docker's chain for others, keeps them there over a
//! restart of Docker, and takes them away when it stops.

use crate::tenants::{ALL, shared};

/// Docker's unit, as far as it matters: each start writes its rules again.
const DOCKER: &str = "[Service]\nType=oneshot\nRemainAfterExit=yes\n\
                      ExecStart=iptables-restore --noflush /srv/docker.rules\n";
const OURS: &str = "iptables-save | grep -c 'DOCKER-USER.*group 0x637472 -j ACCEPT'";

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
    host.ok("systemctl restart docker");
    assert_eq!(host.ok(OURS).trim(), "2");
    host.ok("systemctl restart ctr-docker");
    assert_eq!(host.ok(OURS).trim(), "2");
    shared.until_silent();
    assert_eq!(shared.works(), ALL);

    // It is Docker's unit that brings it up: with the host, and never without Docker.
    host.ok("systemctl stop docker");
    host.fails("systemctl is-active ctr-docker");
    assert_eq!(
        shared.theirs(),
        theirs,
        "what it added is gone, and nothing else"
    );
    host.ok("systemctl start docker");
    host.ok("systemctl is-active ctr-docker");
    host.ok("systemctl stop ctr-docker");
    shared.until_told("Docker", &stops);
}
