//! Links that lead to the host, where ctrd and systemd-nspawn write.

use crate::{PATIENCE, Row, exec, host, prints};

/// What is tried.
pub(crate) fn rows() -> Vec<Row> {
    let row = |what, control| Row {
        guest: "boots",
        what,
        outcome: "harmless: what is written is written inside its root".to_owned(),
        control,
    };
    vec![
        Row {
            guest: "boots",
            what: "puts links in the place of `/etc/hosts` and `/etc/resolv.conf`, or moves `/etc` away",
            outcome: "fails: they are mounts that a user namespace above has locked".to_owned(),
            control: "it puts a link in the place of a file of its own",
        },
        row(
            "leaves links to the host in the place of `/etc/machine-id`, `/etc/hostname`, `/etc/systemd/system-preset` and `journald.conf.d`, and restarts",
            "after the restart they are its own files again",
        ),
        row(
            "leaves a link in the place of the directory that a declared file is in, and restarts",
            "the file is there again, where the link leads inside its root",
        ),
        row(
            "leaves such links while the name servers change under it",
            "a neighbour has the new ones",
        ),
    ]
}

const LEAVE: &str = r#"
set -e
cd /etc && rm -rf machine-id hostname systemd/system-preset systemd/journald.conf.d
for name in machine-id hostname; do ln -s /srv/theirs/file $name; done
ln -s /srv/theirs systemd/system-preset
ln -s /srv/theirs systemd/journald.conf.d
python3 -c 'import os; os.rename("/opt/app", "/opt/own")' && ln -s /srv/theirs /opt/app
"#;

/// What is bound over cannot be taken away, nor can what it is in.
const CANNOT: &str = r#"
for name in hosts resolv.conf; do
  { ln -sfn /srv/theirs/file /etc/$name || mv /etc/$name /root/ || umount /etc/$name; } && exit 0
done
unshare --mount umount /etc/hosts && exit 0
python3 -c 'import os; os.rename("/etc", "/moved"); os.rename("/var/log/journal", "/var/log/moved")' && exit 0
exit 1
"#;

#[test]
fn links_that_a_guest_leaves_lead_nowhere_on_the_host() {
    let host = host();
    host.ok("mkdir -p /srv/theirs && echo theirs >/srv/theirs/file");
    let look = "find /srv/theirs /etc/hosts /etc/resolv.conf /etc/machine-id /etc/hostname -printf '%p %y %U %m ' -exec cat {} \\; 2>/dev/null";
    let before = host.ok(look);
    prints(
        &host,
        "boots",
        "touch /etc/own && ln -sfn /srv/theirs/file /etc/own",
    );
    let tried = exec(&host, "boots", CANNOT);
    assert!(!tried.success(), "{tried:?}");
    prints(&host, "boots", LEAVE);

    // While it runs: what changes is written to the file that is bound, wherever names lead.
    host.ok("sed -i 's/^schema = 1/schema = 1\\nnameservers = [\"9.9.9.9\"]/' /etc/ctr/containers.toml && ctr apply");
    assert!(prints(&host, "sleeps", "cat /etc/resolv.conf").contains("9.9.9.9"));
    assert_eq!(host.ok(look), before);

    for again in [
        "ctr red restart boots",
        "ctr red stop boots && ctr red start boots",
    ] {
        host.ok(again);
        host.until("ctr red wait boots --timeout 1s", PATIENCE);
        assert_eq!(host.ok(look), before, "`{again}` wrote to the host");
        assert!(prints(&host, "boots", "cat /etc/hosts").contains("10.77.1.12"));
        assert_eq!(prints(&host, "boots", "cat /opt/app/file"), "declared");
        assert_eq!(
            prints(
                &host,
                "boots",
                "test -f /etc/machine-id -a ! -L /etc/machine-id && cat /etc/hostname"
            ),
            "red-boots"
        );
    }
    host.ok("systemctl is-active ctrd && ctr red wait strong sleeps --timeout 1s");
}
