//! A bind that cannot be made is said by `ctr plan` and `ctr apply` before anything is stopped: the
//! guest runs on as it was, and is restarted when the cause is gone.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{PATIENCE, declared, lab, running, status, until_that};

const TREE: &str = "autostart = true\nroot = { tree = \"/var/lib/machines/debian\" }\n\
                    command = [\"/usr/bin/sleep\", \"infinity\"]\n\
                    restart = { delay = \"200ms\", max-delay = \"1s\" }\n";

#[test]
fn a_restart_that_could_not_work_stops_nothing() {
    let guest = |keys: &str| lab(&[declared("web", 11, &format!("{TREE}{keys}"))]);
    let host = Host::with_ctr(&guest(""));
    let before = running(&host, &["web"]);
    // The lab's own root is an overlay, which cannot be idmapped.
    host.ok("mkdir /srv/plain /srv/other && chown 1000:1000 /srv/plain");
    let bad = [
        (
            "host = \"/srv/plain\"",
            "/srv/plain cannot be idmapped",
            "ext4",
        ),
        (
            "host = \"/srv/fresh\", create = true",
            "/srv/fresh cannot be idmapped",
            "ext4",
        ),
        (
            "host = \"/srv/other\"",
            "belongs to the host's root",
            "read-only = true",
        ),
        ("host = \"/srv/none\"", "does not exist", "create = true"),
    ];
    for (bind, reason, hint) in bad {
        let keys = format!("binds = [{{ {bind}, guest = \"/srv/a\" }}]\n");
        host.write("/etc/ctr/containers.toml", guest(&keys).into_bytes());
        let plan = host.ok("ctr plan");
        assert!(plan.contains(reason) && plan.contains(hint), "{plan}");
        let apply = host.fails("ctr apply");
        assert_eq!(apply.status, 1, "{apply:#?}");
        let said = apply.stderr.contains(reason) && apply.stderr.contains(hint);
        assert!(said, "{apply:#?}");
        let now = status(&host, "web");
        assert_eq!(now.state, State::Running);
        assert!(now.reason.is_some_and(|it| it.contains(reason)));
        assert!(now.hint.is_some_and(|it| it.contains(hint)));
        let restart = host.fails("ctr lab restart web");
        assert!(restart.stderr.contains(reason), "{restart:#?}");
        assert_eq!(
            running(&host, &["web"]),
            before,
            "it was stopped for {bind}"
        );
    }
    host.fails("test -e /srv/fresh");

    // The same bind where it can be made: the guest is restarted with it by itself.
    host.ok("mkdir /srv/none && mount -t tmpfs -o uid=1000,gid=1000 none /srv/none");
    until_that(&host, "web", |it| {
        it.leader.is_some_and(|pid| pid != before[0])
    });
    running(&host, &["web"]);
    host.ok("ctr lab exec web -- touch /srv/a/file");
    assert_eq!(host.ok("stat -c %u /srv/none/file"), "1000\n");
    assert_eq!(status(&host, "web").reason, None);
    host.until("ctr apply", PATIENCE);

    // Nor by hand, where what was right at the start is so no more.
    let before = running(&host, &["web"]);
    host.ok("chown 0:0 /srv/none");
    let restart = host.fails("ctr lab restart web");
    assert!(
        restart.stderr.contains("belongs to the host's root"),
        "{restart:#?}"
    );
    assert_eq!(running(&host, &["web"]), before);
    host.ok("chown 1000:1000 /srv/none && ctr lab restart web");
    assert_ne!(running(&host, &["web"]), before);
    assert_eq!(status(&host, "web").reason, None);
}
