//! Nobody's session outlives the person who opened it, or the container it is in.

use std::time::Duration;

use crate::{PATIENCE, host, prints, watchers};

#[test]
fn a_client_that_is_gone_hangs_up() {
    let host = host();
    for (what, signal) in [("--terminal", "HUP"), ("", "TERM")] {
        let script = format!(
            "trap 'echo {signal} > /tmp/told; exit' HUP TERM; trap; echo ready; sleep 60 & wait"
        );
        let text = format!("exec ctr lab exec {what} boots -- sh -c \"{script}\"");
        if what.is_empty() {
            let client = host.spawn(&text);
            client.expect("ready", PATIENCE).expect("it started");
            host.ok("pkill -9 -x ctr");
        } else {
            let mut client = host.terminal(&text);
            client.expect("ready", PATIENCE).expect("it started");
            host.ok("pkill -9 -x ctr");
        }
        host.until("ctr lab exec boots -- test -e /tmp/told", PATIENCE);
        assert_eq!(
            prints(&host, "boots", "cat /tmp/told; rm /tmp/told"),
            signal
        );
    }
    host.until("! pgrep -x ctr-session", PATIENCE);
}

#[test]
fn a_command_that_is_deaf_to_it_is_killed() {
    let host = host();
    let client =
        host.spawn("exec ctr lab exec boots -- sh -c \"trap '' HUP TERM; echo ready; sleep 987\"");
    client.expect("ready", PATIENCE).expect("it started");
    host.ok("pkill -9 -x ctr");
    host.until("! pgrep -fx 'sleep 987'", PATIENCE);
    host.until("! pgrep -x ctr-session", PATIENCE);
}

#[test]
fn a_container_that_stops_ends_its_sessions() {
    let host = host();
    for guest in ["boots", "sleeps"] {
        let mut shell = host.terminal(&format!("ctr lab enter {guest}"));
        shell.expect("# ", PATIENCE).expect("a prompt");
        let mut command = host.spawn(&format!("ctr lab exec {guest} -- sleep 986"));
        host.until("pgrep -fx 'sleep 986'", PATIENCE);
        host.ok(&format!("ctr lab stop {guest}"));
        assert_ne!(shell.wait(PATIENCE).expect("an end"), 0, "{guest}");
        assert_ne!(
            command.wait(Duration::from_secs(5)).expect("an end"),
            0,
            "{guest}"
        );
        assert_eq!(watchers(&host), 0);
    }
}
