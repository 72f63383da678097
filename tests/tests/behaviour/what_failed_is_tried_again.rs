//! What something foreign stands in the way of is tried again, with pauses that grow and that status tells;
//! it comes up by itself when the way is free, and at once when somebody asks.

use ctr_api::wire::State;
use ctr_lab::{Host, Options};

use crate::guests::{PATIENCE, booted, host_status, lab, running, status, until_that};

#[test]
fn what_failed_is_tried_again() {
    let lost = booted(
        "lost",
        11,
        "command = [\"/usr/bin/sleep\", \"infinity\"]\nrestart = { max-delay = \"2s\" }\n",
    )
    .replace("machines/debian", "machines/later");
    let idle = booted("idle", 12, "command = [\"/usr/bin/sleep\", \"infinity\"]\nrestart = { delay = \"10min\", max-delay = \"10min\" }\n")
        .replace("machines/debian", "machines/later");
    let host = Host::with_ctr(&lab(&[lost, idle]));
    let failed = until_that(&host, "lost", |it| it.failed_tries >= 2);
    assert_eq!(failed.state, State::Failed);
    assert!(
        failed
            .reason
            .as_deref()
            .is_some_and(|it| it.contains("machines/later")),
        "{failed:#?}"
    );
    let table = host.ok("ctr status");
    assert!(
        table.contains("that failed") && table.contains("next try in"),
        "{table}"
    );
    assert!(
        host.run("ctr lab status lost")
            .stdout
            .contains("machines/later")
    );
    let waits = until_that(&host, "idle", |it| it.next_try_ms.is_some());
    assert_eq!(waits.failed_tries, 1);

    host.ok("mkdir /var/lib/machines/later && mount --bind /var/lib/machines/debian /var/lib/machines/later");
    // One by itself, one at once when asked.
    running(&host, &["lost"]);
    assert_eq!(
        status(&host, "idle").state,
        State::Failed,
        "its time has not come"
    );
    host.ok("ctr lab start idle --timeout 40s");
    let up = status(&host, "idle");
    assert_eq!(
        (up.state, up.failed_tries, up.next_try_ms),
        (State::Running, 0, None)
    );
}

#[test]
fn the_network_of_a_group_is_tried_again() {
    let declaration = "schema = 1\n[groups.lab]\nsubnet = \"10.77.3.0/24\"\nhost-address = \"10.77.3.10\"\n\
                       [groups.lab.containers.off]\naddress = \"10.77.3.11\"\n\
                       root = { tree = \"/var/lib/machines/debian\" }\n\
                       command = [\"/usr/bin/sleep\", \"infinity\"]\n";
    // A bridge of somebody's has the name before ctrd comes; no container wants to run.
    let options = Options::new().link("/dev/null", "/etc/systemd/system/ctrd.service");
    let host = options.with_ctr(declaration).boot().expect("a host boots");
    host.ok("ip link add br-lab type bridge && rm /etc/systemd/system/ctrd.service && systemctl daemon-reload && systemctl start ctrd");
    let group = host_status(&host).groups.remove(0);
    assert!(
        group
            .problem
            .as_deref()
            .is_some_and(|it| it.contains("br-lab")),
        "{group:#?}"
    );
    host.until("ctr status | grep -q 'problem:.*next try in'", PATIENCE);
    host.ok("ip link delete br-lab");
    host.until(
        "ip -4 address show dev br-lab | grep -q 10.77.3.10/24",
        PATIENCE,
    );
    host.until("! ctr status | grep -q problem:", PATIENCE);
}
