//! What a guest writes reaches the operator's terminal as text.

use crate::{PATIENCE, Row, host, host_with, prints};

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
            what: "leaves journal files in which a neighbour speaks, or the host of a neighbour's unit",
            outcome: "fails: the neighbour's log is read without this guest's files".to_owned(),
            control: "the files are read by who reads all journals of the host",
        },
        Row {
            guest: "boots",
            what: "writes terminal sequences into its journal and takes them as its host name",
            outcome: "harmless: no table, status or list of lines repeats them".to_owned(),
            control: "plain words are shown",
        },
    ]
}

/// A neighbour that keeps a journal too.
const NEIGHBOUR: &str = r#"
[groups.red.containers.keeps]
address = "10.77.1.14"
autostart = true
root = { tree = "/var/lib/machines/debian" }
"#;

/// Has the guest's own journald write lines in the name of another machine, and leaves its file where
/// the guest's journal stands on the host.
const FORGE_A_FILE: &str = r"
set -e
own=$(cat /etc/machine-id)
echo @ID@ >/etc/machine-id
systemctl restart systemd-journald
systemd-run --quiet --wait --unit=ctr-red-keeps.service echo forged by a file of NAME
journalctl --sync
cp /var/log/journal/@ID@/system.journal /var/log/journal/$own/NAME.journal
echo $own >/etc/machine-id
systemctl restart systemd-journald
journalctl --file=/var/log/journal/$own/NAME.journal _MACHINE_ID=@ID@ | grep -q 'forged by a file of NAME'
";

#[test]
fn a_guest_does_not_speak_for_another() {
    let host = host_with(NEIGHBOUR);
    host.ok("systemd-sysusers && useradd --groups ctr op && ctr red wait keeps --timeout 60s");
    let id = "ctr red status keeps --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"machine_id\"])'";
    let (of_keeps, of_the_host) = (host.ok(id), host.ok("cat /etc/machine-id"));
    prints(
        &host,
        "boots",
        "systemd-run --quiet --wait --unit=ctr-red-keeps.service echo forged by a unit
         printf 'MESSAGE=forged by a field\\nUNIT=ctr-red-keeps.service\\n' | logger --journald
         journalctl --sync",
    );
    for (name, id) in [("keeps", of_keeps), ("host", of_the_host)] {
        let script = FORGE_A_FILE.replace("@ID@", id.trim());
        prints(&host, "boots", &script.replace("NAME", name));
    }
    prints(
        &host,
        "keeps",
        "systemd-cat echo its own words; journalctl --sync",
    );

    // It may say of itself what it likes: that is shown, where it keeps to its own names.
    for words in ["forged by a unit", "forged by a field"] {
        host.until(&format!("ctr red logs boots | grep -q '{words}'"), PATIENCE);
    }
    // What its files say in other names is there to be read, and nobody's.
    let journals = "journalctl --directory=/var/log/journal --merge";
    host.ok(&format!("{journals} | grep -q 'forged by a file of keeps'"));
    host.ok(&format!("{journals} | grep -q 'forged by a file of host'"));
    for reader in ["", "setpriv --reuid op --regid op --init-groups "] {
        for command in ["logs keeps", "logs keeps -o cat", "status keeps"] {
            let own = format!("{reader}ctr red {command}");
            host.until(&format!("{own} | grep -q 'its own words'"), PATIENCE);
            let said = host.ok(&own);
            assert!(!said.contains("forged"), "{own}: {said}");
        }
        let said = host.ok(&format!("{reader}ctr red logs keeps"));
        assert!(
            said.contains("Started ctr-red-keeps.service - ctr container"),
            "{reader}: {said}"
        );
    }
}

#[test]
fn no_sequence_of_a_guest_reaches_the_operators_terminal() {
    let host = host();
    host.ok("systemd-sysusers && useradd --groups ctr op");
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
        "ctr red logs boots -n 100 -o cat",
        "ctr red logs boots -n 100 -o export",
        "timeout --foreground 2 ctr red logs boots -n 100 -o cat --follow",
        "setpriv --reuid op --regid op --init-groups ctr red logs boots -n 100 -o cat",
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
        if command.contains("-o cat") {
            assert!(text.contains("wicked ^[]0;title^G ^[[2Jwords"), "{text:?}");
        }
    }
    // A program that reads gets what was written.
    let raw = host.ok("ctr red logs boots -n 100 -o cat");
    assert!(raw.contains("wicked \u{1b}]0;title\u{7}"), "{raw:?}");
}
