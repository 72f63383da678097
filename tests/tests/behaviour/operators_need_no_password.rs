//! Members of the group `ctr` do what root does; rules can give less to others, give the same to
//! another group, and take it away again.

use std::time::Duration;

use crate::guests::{PATIENCE, lab, running, sleeper};
use crate::people::{NOBODY, OPERATOR, inhabited};

const SAYS: &str = "command = [\"/bin/sh\", \"-c\", \"echo first words; exec sleep infinity\"]\n";

#[test]
fn operators_need_no_password() {
    let says = crate::guests::booted("web", 11, SAYS);
    let host = inhabited(&lab(&[says, sleeper("db", 12, "")]), |it| it);
    running(&host, &["web", "db"]);
    for command in [
        "lab exec web -- true",
        "lab stop web",
        "lab start web",
        "lab stop web db",
        "lab start web db",
        "lab restart web db",
        "restart-all",
        "plan /etc/ctr/containers.toml",
        "apply",
        "down --yes",
        "apply",
        "lab wait",
    ] {
        host.ok(&format!("{OPERATOR} ctr {command}"));
    }

    // A stranger is refused each of several, by its name, and none of them is touched.
    let leaders = running(&host, &["web", "db"]);
    for verb in ["stop", "restart"] {
        let refused = host.fails(&format!("{NOBODY} ctr lab {verb} web db"));
        assert_eq!(refused.status, 1, "{refused:?}");
        for name in ["lab/web", "lab/db"] {
            let sentence = format!("may not start, stop or restart {name}");
            assert!(refused.stderr.contains(&sentence), "{refused:?}");
        }
    }
    assert_eq!(running(&host, &["web", "db"]), leaders);

    // The journal of the host is closed to them, and ctrd reads it for them.
    host.fails(&format!(
        "{OPERATOR} journalctl --quiet -u ctrd -n 1 | grep -q ."
    ));
    let logs = |words: &str| format!("{OPERATOR} ctr lab logs {words}");
    host.until(
        &format!("{} | grep -q 'first words'", logs("web")),
        PATIENCE,
    );
    host.ok(&format!("{} | grep -q 'first words'", logs("web db")));
    host.fails(&format!("{} | grep -q 'first words'", logs("db")));
    assert_eq!(host.ok(&logs("web -n 1 -o cat")).lines().count(), 1);
    host.until(
        &format!("{OPERATOR} ctr lab status web | grep -q 'first words'"),
        PATIENCE,
    );
    let wrong = host.fails(&logs("web --since nonsense"));
    assert!(wrong.stderr.contains("parse timestamp"), "{wrong:?}");
    let wrong = host.fails(&logs("web -o nonsense"));
    assert!(wrong.stderr.contains("choose from cat,"), "{wrong:?}");
    let refused = host.fails(&format!("{NOBODY} ctr lab logs web"));
    assert!(refused.stderr.contains("not authorised"), "{refused:?}");

    // Following ends with who follows, though nothing is said any more.
    let follow = host.spawn(&format!("exec {}", logs("web -f")));
    follow
        .expect("first words", PATIENCE)
        .expect("what was said before");
    host.ok("pgrep -x journalctl");
    drop(follow);
    host.until("! pgrep -x journalctl", PATIENCE);

    // Files that are named are read by who names them.
    host.ok("echo 'password = hunter2' >/root/secret.toml; chmod 600 /root/secret.toml");
    let own = host.fails("ctr plan /root/secret.toml");
    assert!(own.stderr.contains("hunter2"), "root reads it: {own:?}");
    let others = host.fails(&format!("{OPERATOR} ctr plan /root/secret.toml"));
    assert!(
        others.stderr.contains("failed to read /root/secret.toml")
            && !others.stderr.contains("hunter2"),
        "{others:?}"
    );
}

#[test]
fn rules_give_and_take_by_container_and_by_group() {
    let only_web = "polkit.addRule(function (action, subject) {
    if (action.id === 'org.kernelcore.Containers1.start-stop'
            && action.lookup('group') === 'lab' && action.lookup('container') === 'web'
            && subject.user === 'nobody') {
        return polkit.Result.YES;
    }
});
";
    let others = "polkit.addRule(function (action, subject) {
    if (action.id.indexOf('org.kernelcore.Containers1.') === 0 && subject.isInGroup('games')) {
        return polkit.Result.YES;
    }
});
";
    let no_operators = "polkit.addRule(function (action, subject) {
    if (action.id.indexOf('org.kernelcore.Containers1.') === 0 && subject.user === 'op') {
        return polkit.Result.NO;
    }
});
";
    let rules = "/etc/polkit-1/rules.d";
    let host = inhabited(
        &lab(&[sleeper("web", 11, ""), sleeper("db", 12, "")]),
        |it| {
            it.file(format!("{rules}/50-web.rules"), only_web)
                .file(format!("{rules}/50-operators.rules"), others)
                .file(format!("{rules}/05-not-op.rules"), no_operators)
        },
    );
    running(&host, &["web", "db"]);
    host.ok("useradd --groups games gamer");
    host.ok(&format!("{NOBODY} ctr lab restart web"));
    host.fails(&format!("{NOBODY} ctr lab restart db"));
    // Of several, that which is allowed is done.
    let before = running(&host, &["web", "db"]);
    let partly = host.fails(&format!("{NOBODY} ctr lab restart db web"));
    assert!(
        partly.stderr.contains("restart lab/db:") && !partly.stderr.contains("lab/web"),
        "{partly:?}"
    );
    let after = running(&host, &["web", "db"]);
    assert!(after[0] != before[0] && after[1] == before[1]);
    host.fails(&format!("{NOBODY} ctr lab exec web -- true"));
    host.ok("setpriv --reuid gamer --regid gamer --init-groups ctr lab restart db");
    host.fails(&format!("{OPERATOR} ctr lab restart db"));
}

#[test]
fn without_polkit_only_root_is_let_in() {
    let host = inhabited(&lab(&[sleeper("web", 11, "")]), |it| {
        it.link("/dev/null", "/etc/systemd/system/polkit.service")
    });
    running(&host, &["web"]);
    for who in [NOBODY, OPERATOR] {
        let refused = host
            .bash(&format!("{who} ctr lab stop web"))
            .timeout(Duration::from_secs(60))
            .output()
            .expect("an answer");
        assert_eq!(refused.status, 1, "{refused:?}");
        assert!(
            refused
                .stderr
                .contains("polkit decides about everybody but root")
                && refused.stderr.contains("systemctl status polkit"),
            "{refused:?}"
        );
    }
    host.ok("ctr lab restart web && ctr lab exec web -- true");
}
