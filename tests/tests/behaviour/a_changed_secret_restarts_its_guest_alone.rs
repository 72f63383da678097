//! A secret that changed is a restart that `ctr plan` announces and `ctr apply` does, of the guests
//! that have it. Nothing happens before, and nothing because of the same content.

use ctr_lab::Host;

use crate::guests::{PATIENCE, booted, lab, running, status, write_secret};

const FILE: &str = "/run/secrets/db";

fn guest(name: &str, place: u8, keys: &str) -> String {
    let command = "command = [\"/usr/bin/sleep\", \"infinity\"]\n";
    booted(name, place, &format!("{command}{keys}"))
}

#[test]
fn a_changed_secret_restarts_its_guest_alone() {
    let with = |keys: &str| {
        lab(&[
            guest("has", 11, keys),
            guest("other", 12, "credentials.key = \"/run/secrets/key\"\n"),
            guest("none", 13, ""),
        ])
    };
    let one = format!("credentials.db = \"{FILE}\"\n");
    let host = Host::with_ctr(&with(&one));
    write_secret(&host, FILE, "first");
    write_secret(&host, "/run/secrets/key", "key");
    host.ok("ctr apply");
    let names = ["has", "other", "none"];
    let before = running(&host, &names);
    let read = "ctr lab exec has -- cat /run/credentials/@system/db";
    assert_eq!(host.ok(read), "first");

    // A secret manager writes everything anew, in a new place, whenever it runs.
    write_secret(&host, "/run/secrets.d/2/db", "first");
    host.ok(&format!("ln -sfT /run/secrets.d/2/db {FILE}"));
    assert_eq!(host.run("ctr plan --exit-code").status, 0);
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");

    write_secret(&host, "/run/secrets.d/2/db", "second");
    let plan = host.run("ctr plan --exit-code");
    assert_eq!(plan.status, 6, "{plan:#?}");
    assert!(plan.stdout.contains("lab/has  restart"), "{plan:#?}");
    assert!(plan.stdout.contains("credentials.db"), "{plan:#?}");
    assert!(!plan.stdout.contains("other"), "{plan:#?}");
    let said = host.run("ctr status").stderr;
    assert!(said.contains("the secret db of lab/has changed"), "{said}");
    assert!(status(&host, "has").credentials[0].changed);
    // Whatever makes ctrd look again is no reason to take the new one.
    host.ok("nft delete table inet ctr && until nft list table inet ctr; do :; done");
    host.ok("ctr lab stop none && ctr lab start none");
    let now = running(&host, &names);
    assert_eq!(now[..2], before[..2], "restarted before anybody said so");
    assert_eq!(host.ok(read), "first");
    assert_eq!(host.ok("ctr lab secret has db"), "first");

    host.ok("ctr apply");
    let after = running(&host, &names);
    assert_ne!(after[0], before[0], "it still has the old secret");
    assert_eq!(after[1..], now[1..], "another guest was restarted");
    assert_eq!(host.ok(read), "second");
    assert_eq!(host.ok("ctr lab secret has db"), "second");
    assert_eq!(host.run("ctr plan --exit-code").status, 0);

    // A restart by hand takes what is there.
    write_secret(&host, FILE, "third");
    host.ok("ctr lab restart has");
    assert_eq!(host.ok(read), "third");
    // A guest that is started again by itself has what it had.
    write_secret(&host, FILE, "fourth");
    let leader = running(&host, &["has"])[0];
    host.ok(&format!("kill -9 {leader}"));
    host.until(
        &format!(
            "[ $(ctr lab status has --json | grep -c '\"leader\": {leader},') = 0 ] && {read}"
        ),
        PATIENCE,
    );
    running(&host, &["has"]);
    assert_eq!(host.ok(read), "third");
    // Another ctrd takes what is there.
    host.ok("systemctl restart ctrd");
    host.until(&format!("[ $({read}) = fourth ]"), PATIENCE);

    // One more, and one less.
    for (keys, changed) in [
        (
            format!("{one}credentials.more = \"{FILE}\"\n"),
            "credentials.more",
        ),
        (String::new(), "credentials.db"),
    ] {
        host.write("/etc/ctr/containers.toml", with(&keys));
        let plan = host.ok("ctr plan");
        assert!(plan.contains("lab/has  restart"), "{plan}");
        assert!(plan.contains(changed), "{plan}");
        host.ok("ctr apply");
    }
    running(&host, &["has"]);
    host.fails(read);
    host.fails("ls /run/ctr/credentials/lab-has");
}
