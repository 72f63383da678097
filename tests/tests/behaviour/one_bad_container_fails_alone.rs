//! What is wrong on the host is the failure of one container: it says why and what to do, the others
//! run, and it starts by itself when the cause is gone.

use ctr_api::wire::State;
use ctr_lab::Options;

use crate::guests::{PATIENCE, booted, lab, property, running, sleeper, status, until};

const COMMAND: &str = "command = [\"/usr/bin/sleep\", \"infinity\"]\n";
const RETRY: &str = "restart = { delay = \"200ms\", max-delay = \"1s\" }\n";

/// A unit of somebody else that is there before ctrd looks.
fn before_ctrd(options: Options, name: &str, text: &str) -> Options {
    let path = format!("/etc/systemd/system/{name}");
    let wants = format!("/etc/systemd/system/multi-user.target.wants/{name}");
    options
        .file(path.clone(), format!("[Unit]\nBefore=ctrd.service\n{text}"))
        .link(path, wants)
}

#[test]
fn one_bad_container_fails_alone() {
    let tree = "\"/var/lib/machines/debian\"";
    let bad = |name, place, keys: &str| sleeper(name, place, &format!("{keys}\n{RETRY}"));
    let declaration = lab(&[
        sleeper("good", 11, ""),
        booted("root", 12, &format!("{COMMAND}{RETRY}")).replace(tree, "\"/srv/nowhere\""),
        bad(
            "bind",
            13,
            "binds = [{ host = \"/tmp/none\", guest = \"/srv/data\" }]",
        ),
        bad(
            "port",
            14,
            "ports = [{ port = 80, publish = { host-port = 18080 } }]",
        ),
        bad("unit", 15, ""),
        bad("taken", 16, ""),
    ]);
    let sleep = "[Service]\nExecStart=/usr/bin/sleep infinity\n";
    let nspawn = "[Service]\nType=notify\nExecStart=/usr/bin/systemd-nspawn --quiet --keep-unit \
                  --read-only --private-network --machine=lab-taken \
                  --directory=/var/lib/machines/debian --as-pid2 /usr/bin/sleep infinity\n";
    let options = Options::new().with_ctr(&declaration);
    let options = options.file("/etc/systemd/system/busy.service", sleep);
    let options = before_ctrd(options, "busy.socket", "[Socket]\nListenStream=18080\n");
    let options = before_ctrd(options, "ctr-lab-unit.service", sleep);
    let host = before_ctrd(options, "stranger.service", nspawn)
        .boot()
        .expect("the host boots");
    let good = running(&host, &["good"]);
    let foreign = property(&host, "ctr-lab-unit", "MainPID");

    let expected = [
        ("root", "the root /srv/nowhere does not exist", "make it"),
        (
            "bind",
            "/tmp/none, which is bound into the container, does not exist",
            "create = true",
        ),
        ("port", "port 18080/tcp is to be published", "ss -lnp"),
        (
            "unit",
            "a unit ctr-lab-unit.service exists and ctrd did not make it",
            "systemctl cat",
        ),
        (
            "taken",
            "the machine name lab-taken belongs to stranger.service",
            "systemctl stop",
        ),
    ];
    for (name, reason, hint) in expected {
        let failed = until(&host, name, State::Failed);
        let said = (
            failed.reason.unwrap_or_default(),
            failed.hint.unwrap_or_default(),
        );
        assert!(
            said.0.contains(reason) && said.1.contains(hint),
            "{name}: {said:?}"
        );
        assert!(failed.next_try_ms.is_some(), "{name} is not tried again");
        let start = host.fails(&format!("ctr lab start {name}"));
        assert!(
            start.status == 1 && start.stderr.contains(reason),
            "{start:#?}"
        );
    }
    // What is somebody else's is touched by nothing that is asked of a container.
    host.run("ctr lab stop unit && ctr lab start unit --no-wait");
    assert_eq!(property(&host, "ctr-lab-unit", "MainPID"), foreign);
    host.ok("systemctl is-active stranger busy.socket");
    assert_eq!(host.fails("ctr apply").status, 1);
    assert_eq!(running(&host, &["good"]), good);

    host.ok("mkdir -p /tmp/none /srv/nowhere && chown 1000:1000 /tmp/none");
    host.ok("mount --bind /var/lib/machines/debian /srv/nowhere");
    host.ok("systemctl stop busy.socket ctr-lab-unit.service stranger.service");
    host.ok("rm /etc/systemd/system/ctr-lab-unit.service && systemctl daemon-reload");
    for (name, ..) in expected {
        until(&host, name, State::Running);
        assert_eq!(status(&host, name).reason, None);
    }
    host.until("ctr apply", PATIENCE);
    assert_eq!(running(&host, &["good"]), good);
}
