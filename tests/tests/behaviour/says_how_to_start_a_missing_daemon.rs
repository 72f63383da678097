//! Without ctrd, `ctr` says so and how to start it, and the guests run on.

use ctr_lab::Host;

use crate::guests::{PATIENCE, lab, running, sleeper};

#[test]
fn says_how_to_start_a_missing_daemon() {
    let host = Host::with_ctr(&lab(&[sleeper("web", 11, "")]));
    let leaders = running(&host, &["web"]);
    host.ok("systemctl stop ctrd");
    for request in [
        "status",
        "lab status web",
        "apply",
        "plan",
        "lab stop web",
        "down --yes",
        "lab wait web",
    ] {
        let output = host.fails(&format!("ctr {request}"));
        assert_eq!(output.status, 3, "{request}: {output:#?}");
        assert_eq!(output.stdout, "", "{request}");
        for part in [
            "error: ctrd does not answer",
            "systemctl start ctrd",
            "journalctl -u ctrd",
        ] {
            assert!(output.stderr.contains(part), "{request}: {}", output.stderr);
        }
    }
    assert_eq!(host.fails("ctr lab exec web -- true").status, 125);
    // Nothing starts a daemon that somebody stopped.
    host.fails("systemctl is-active ctrd");
    host.ok("systemctl is-active ctr-lab-web && ping -q -c1 -W2 10.77.3.11");
    host.ok("ctr check /etc/ctr/containers.toml && ctr --help");
    host.ok("systemctl start ctrd");
    host.until("ctr status", PATIENCE);
    assert_eq!(running(&host, &["web"]), leaders);
}
