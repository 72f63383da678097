//! A guest's root can read its credentials, and change neither them nor where they come from.

use ctr_lab::Host;

use crate::guests::{booted, lab, running, sleeper, write_secret};

const FILE: &str = "/run/credentials/@system/db";

#[test]
fn guests_cannot_write_their_credentials() {
    let keys = "credentials.db = \"/run/secrets/db\"\n";
    let host = Host::with_ctr(&lab(&[
        sleeper("command", 11, keys),
        booted("boots", 12, keys),
        sleeper("host", 13, &format!("{keys}users = \"host\"\n")),
        sleeper(
            "mounts",
            14,
            &format!("{keys}users = \"host\"\ncapabilities = [\"CAP_SYS_ADMIN\"]\n"),
        ),
    ]));
    write_secret(&host, "/run/secrets/db", "a secret");
    host.ok("ctr apply");
    let names = ["command", "boots", "host", "mounts"];
    let before = running(&host, &names);
    let all = "cat /run/secrets/db /run/ctr/credentials/*/db; stat --format='%n %a %u' /run/ctr/credentials /run/ctr/credentials/* /run/ctr/credentials/*/*";
    let was = host.ok(all);
    for name in names {
        let guest = |script: &str| format!("ctr lab exec {name} -- sh -c '{script}'");
        // The control: this root writes where it may.
        let control = "echo x >/run/credentials/x && chmod 777 /run/credentials/x";
        host.ok(&guest(control));
        assert_eq!(host.ok(&guest(&format!("cat {FILE}"))), "a secret");
        for attack in [
            "echo x >FILE",
            "chmod 777 FILE",
            "chown 1 FILE",
            "rm -f FILE && ! cat FILE",
            "mv FILE /tmp/x",
            "ln -sf /etc/shadow FILE",
            "echo x >$(dirname FILE)/other",
        ] {
            refused(&host, &guest(&attack.replace("FILE", FILE)));
        }
        if name != "mounts" {
            let remount = format!("mount -o remount,bind,rw $(dirname {FILE})");
            refused(&host, &guest(&remount));
            refused(&host, &guest(&format!("umount $(dirname {FILE})")));
        }
    }
    assert_eq!(host.ok(all), was);

    // The host's root is the host's root: one that may mount can take the protection away. What it does then lasts until its next start, and leads ctrd nowhere.
    host.ok(&format!(
        "ctr lab exec mounts -- sh -c 'cd $(dirname {FILE}) && mount -o remount,bind,rw . && chmod 700 . \
         && rm db && ln -s /etc/shadow db && mkdir -p x/y && ln -s / x/y/root'"
    ));
    host.ok("ctr lab restart mounts");
    let read = host.ok(&format!("ctr lab exec mounts -- cat {FILE}"));
    assert_eq!(read, "a secret");
    assert_eq!(host.ok(all), was);
    host.ok("test -s /etc/shadow && test -d /etc");
    let after = running(&host, &["command", "boots"]);
    assert_eq!(after, before[..2]);
}

/// The attack was made, and failed by itself.
fn refused(host: &Host, attack: &str) {
    let status = host.fails(attack).status;
    assert_ne!(status, 125, "`{attack}` did not run at all");
}
