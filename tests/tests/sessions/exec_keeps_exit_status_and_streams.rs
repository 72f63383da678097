//! `ctr exec` is the command and nothing else: its streams apart and unchanged, its exit status,
//! and the signals it is sent.

use crate::{KINDS, PATIENCE, exec, host, prints};

#[test]
fn exec_keeps_exit_status_and_streams() {
    let host = host();
    for guest in KINDS {
        for (script, status) in [
            ("true", 0),
            ("exit 77", 77),
            ("kill -TERM $$", 143),
            ("kill -9 $$", 137),
        ] {
            assert_eq!(
                exec(&host, guest, script).status,
                status,
                "{guest}: {script}"
            );
        }
        let output = exec(&host, guest, "echo out; echo err >&2");
        assert_eq!(
            (output.stdout.as_str(), output.stderr.as_str()),
            ("out\n", "err\n")
        );

        let sum = host.ok("head -c 20000000 /dev/urandom > /tmp/big; md5sum < /tmp/big");
        assert_eq!(
            host.ok(&format!("ctr lab exec {guest} -- cat < /tmp/big | md5sum")),
            sum,
            "as a file"
        );
        assert_eq!(
            host.ok(&format!(
                "cat /tmp/big | ctr lab exec {guest} -- cat | md5sum"
            )),
            sum,
            "as a pipe"
        );

        assert_eq!(
            host.ok(&format!("ctr lab exec {guest} -- wc -c <&-"))
                .trim(),
            "0"
        );
        assert_eq!(
            host.ok(&format!("ctr lab exec {guest} -- yes | head -1"))
                .trim(),
            "y"
        );
        assert_eq!(
            host.ok(&format!(
                "echo 'echo from the shell' | ctr lab enter {guest}"
            ))
            .trim(),
            "from the shell"
        );
        assert_eq!(
            prints(&host, guest, "sleep 60 & echo left behind"),
            "left behind"
        );
    }
}

#[test]
fn what_cannot_run_has_the_statuses_of_shells() {
    let host = host();
    for (words, status, says) in [
        ("boots -- no-such-command", 127, "no-such-command"),
        ("boots -- /no/such/file", 127, "/no/such/file"),
        ("boots -- /etc/passwd", 126, "/etc/passwd"),
        (
            "--user nobody-there boots -- true",
            125,
            "no user `nobody-there`",
        ),
    ] {
        let output = host.run(&format!("ctr lab exec {words}"));
        assert_eq!(output.status, status, "{output:?}");
        assert!(output.stderr.contains(says), "{output:?}");
    }
}

#[test]
fn the_user_is_one_of_the_guest() {
    let host = host();
    for guest in KINDS {
        let as_user = |user: &str, script: &str| {
            host.ok(&format!(
                "ctr lab exec --user {user} {guest} -- sh -c '{script}'"
            ))
            .trim()
            .to_owned()
        };
        assert_eq!(
            as_user("games", "id"),
            "uid=5(games) gid=60(games) groups=60(games)"
        );
        let postgres = as_user("postgres", "id -Gn");
        assert_eq!(postgres, "postgres ssl-cert", "the groups of the guest");
        assert_eq!(
            as_user("1234", "id -u; id -g").replace('\n', " "),
            "1234 1234"
        );
        assert_eq!(
            as_user("nobody", "grep CapPrm /proc/self/status | cut -f2"),
            "0000000000000000"
        );
        // The pipes are ctr's, and the guest's own user opens them again.
        assert_eq!(as_user("nobody", "echo again > /dev/stdout"), "again");
    }
}

#[test]
fn signals_reach_the_command() {
    let host = host();
    for (signal, number) in [("INT", 2), ("TERM", 15), ("USR1", 10), ("HUP", 1)] {
        let script =
            format!("trap 'echo got {signal}; exit 5' {signal}; echo ready; sleep 60 & wait");
        let mut command = host.spawn(&format!("exec ctr lab exec boots -- sh -c \"{script}\""));
        command.expect("ready", PATIENCE).expect("it started");
        host.ok(&format!("pkill -{number} -x ctr"));
        command
            .expect(&format!("got {signal}"), PATIENCE)
            .expect("it was told");
        assert_eq!(command.wait(PATIENCE).expect("an end"), 5, "{signal}");
    }
}

#[test]
fn many_at_once_do_not_get_in_each_others_way() {
    let host = host();
    // Each stops the guest's first process for a moment, which only one can do at a time.
    let one = "ctr lab exec boots -- true || echo failed";
    let output = host.ok(&format!("for i in $(seq 40); do ({one}) & done; wait"));
    assert_eq!(output, "");
}
