//! `ctr apply` shows on a terminal what it waits for, and whoever interrupts it harms nothing.

use ctr_lab::Host;

use crate::guests::{PATIENCE, booted, lab, running};

const FILE: &str = "/etc/ctr/containers.toml";

/// A guest whose shutdown waits for /leave.
fn lingering(keys: &str) -> String {
    let unit = "[Unit]\\n[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nTimeoutStopSec=infinity\\n\
                ExecStart=/usr/bin/true\\n\
                ExecStop=/bin/sh -c 'until test -e /leave; do sleep 0.1; done'\\n";
    let unit = format!(
        "files.\"/etc/systemd/system/linger.service\" = {{ text = \"{unit}\" }}\nenable = [\"linger.service\"]\n"
    );
    booted("lingers", 11, &format!("{unit}{keys}"))
}

#[test]
fn apply_shows_what_it_does() {
    let host = Host::with_ctr(&lab(&[lingering("")]));
    // Under a mounted overlay nobody writes to its layers: as root of the guest, which has ended to be entered.
    let leave = |leaders: &[u32]| {
        let leader = leaders[0];
        host.ok(&format!(
            "nsenter --target {leader} --user --mount touch /leave"
        ));
    };
    let state = "test $(ctr lab status lingers --json | grep -c stopping) = 1";
    let before = running(&host, &["lingers"]);

    host.write(FILE, lab(&[lingering("environment = { A = \"1\" }\n")]));
    let mut terminal = host.terminal("ctr apply");
    let shown = terminal.expect("stopping", PATIENCE).expect("it is shown");
    assert!(shown.contains("lab/lingers"), "{shown}");
    leave(&before);
    terminal.expect("restarted", PATIENCE).expect("it is told");
    assert_eq!(terminal.wait(PATIENCE).expect("it ends"), 0);
    let after = running(&host, &["lingers"]);
    assert_ne!(after, before);

    // Interrupted: ctrd goes on, and there is nothing left to do.
    host.ok("ctr lab exec lingers -- rm -f /leave");
    host.write(FILE, lab(&[lingering("environment = { A = \"2\" }\n")]));
    let mut terminal = host.terminal("ctr apply");
    terminal.expect("stopping", PATIENCE).expect("it is shown");
    terminal.send("\x03").expect("typed");
    terminal
        .expect("ctrd goes on", PATIENCE)
        .expect("it is told");
    assert_eq!(terminal.wait(PATIENCE).expect("it ends"), 130);
    host.until(state, PATIENCE);
    leave(&after);
    host.until("ctr plan --exit-code", PATIENCE);
    let now = running(&host, &["lingers"]);
    assert_ne!(now, after);
    assert_eq!(
        host.ok("ctr lab exec lingers -- sh -c 'tr \"\\0\" \"\\n\" </proc/1/environ | grep ^A='"),
        "A=2\n"
    );
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");

    // Whose words go into a file is told what was done, and nothing that moves.
    host.write(FILE, lab(&[lingering("environment = { A = \"3\" }\n")]));
    let quiet = host.run("ctr apply");
    assert_eq!((quiet.status, &*quiet.stderr), (0, ""), "{quiet:#?}");
    assert!(
        quiet.stdout.contains("lab/lingers  restarted"),
        "{quiet:#?}"
    );
}
