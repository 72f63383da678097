//! What a guest writes reaches the operator's terminal as text.

use crate::{PATIENCE, Row, host, prints};

/// What is tried.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row {
            guest: "boots",
            what: "runs a unit that is called as a neighbour's is on the host, and logs fields that name it",
            outcome: "fails: only the host's own journal says what a unit said".to_owned(),
            control: "its own log has the lines",
        },
        Row {
            guest: "boots",
            what: "writes terminal sequences into its journal and takes them as its host name",
            outcome: "harmless: no table, status or list of lines repeats them".to_owned(),
            control: "plain words are shown",
        },
    ]
}

#[test]
fn a_guest_does_not_speak_for_another() {
    let host = host();
    let unit = "systemd-run --quiet --wait --unit=ctr-red-sleeps.service echo forged by a unit";
    let field =
        "printf 'MESSAGE=forged by a field\\nUNIT=ctr-red-sleeps.service\\n' | logger --journald";
    prints(
        &host,
        "boots",
        &format!("{unit} && {field} && journalctl --sync"),
    );
    for words in ["forged by a unit", "forged by a field"] {
        host.until(&format!("ctr red logs boots | grep -q '{words}'"), PATIENCE);
    }
    // Its own lines are there: the output of its command, and what PID 1 says of its unit.
    let said = host.ok("ctr red logs sleeps");
    assert!(
        said.contains("Started ctr-red-sleeps.service - ctr container"),
        "{said}"
    );
    assert!(!said.contains("forged"), "{said}");
}

#[test]
fn no_sequence_of_a_guest_reaches_the_operators_terminal() {
    let host = host();
    prints(
        &host,
        "boots",
        "printf 'wicked \\033]0;title\\007 \\033[2Jwords\\n' | systemd-cat; echo plain words | systemd-cat; journalctl --sync",
    );
    prints(
        &host,
        "boots",
        "python3 -c 'import socket; socket.sethostname(\"a\\x1b[31mb\")'; echo renamed words | systemd-cat; journalctl --sync",
    );
    host.until("ctr red logs boots -n 50 | grep -q 'plain words'", PATIENCE);
    for command in [
        "ctr red logs boots -n 100",
        "ctr red status boots",
        "ctr status",
        "ctr red plan -v",
    ] {
        let mut shown = host.terminal(&format!(
            "PAGER=cat SYSTEMD_PAGER=cat SYSTEMD_COLORS=0 NO_COLOR=1 {command}; echo the end"
        ));
        let text = shown.expect("the end", PATIENCE).expect("it ends");
        assert!(
            !text.contains("\u{1b}]0;title") && !text.contains("\u{1b}[2J"),
            "{command}: {text:?}"
        );
        assert!(!text.contains("\u{1b}[31mb"), "{command}: {text:?}");
    }
}
