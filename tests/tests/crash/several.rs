//! Several containers that are declared to be after each other, and one that is probed.

use crate::guests::{bystander, declaration, group, sleeper};
use crate::scenario::Scenario;

/// `web` is after `db`.
const AFTER: &str = "after = [\"lab/db\"]";
const START: &str = "ctr lab start db web";
/// `db` answers its probe when this file is there. It is gone with its guest.
const PROBED: &str = "autostart = true
start-timeout = \"1min\"
health = { command = [\"test\", \"-e\", \"/run/works\"], interval = \"100ms\", timeout = \"100ms\" }";
/// Its guest makes what its probe looks for once, at its start. Another ctrd gives it the rest of its time to
/// start before it judges.
const WORKS: &str = "autostart = true
start-timeout = \"5s\"
restart = { delay = \"100ms\", on-unhealthy = true }
health = { command = [\"test\", \"-e\", \"/srv/works\"], interval = \"200ms\", timeout = \"200ms\" }";

/// Looks into the guest of `$1` from the host, without ctrd.
const INSIDE: &str = "inside() {
  nsenter --mount --target $(machinectl show --value -p Leader lab-$1) -- \"${@:2}\"
} 2>/dev/null";

pub(crate) fn scenarios() -> Vec<Scenario> {
    let lab = |containers: &[String]| {
        declaration(&[group("lab", 3, &[&[bystander()], containers].concat())])
    };
    let pair = |keys: &str| {
        lab(&[
            sleeper("db", 11, keys),
            sleeper("web", 12, &format!("{keys}\n{AFTER}")),
        ])
    };
    let by_hand = pair("");
    let by_itself = pair("autostart = true");
    let changed = pair("autostart = true\nenvironment = { A = \"b\" }");
    let fails = sleeper("db", 11, "autostart = true")
        .replace(
            "{ delay = \"100ms\" }",
            "{ delay = \"10min\", max-delay = \"10min\" }",
        )
        .replace("/var/lib/machines/debian", "/srv/crash/none");
    let waits = sleeper("web", 12, &format!("autostart = true\n{AFTER}"));
    let works = sleeper("web", 12, WORKS)
        .replacen("restart = { delay = \"100ms\" }\n", "", 1)
        .replace(
            "\"/usr/bin/sleep\", \"infinity\"",
            "\"/usr/bin/sh\", \"-c\", \"touch /srv/works; exec sleep infinity\"",
        );
    let web_first = ["ctr-lab-web.service", "ctr-lab-db.service"];
    vec![
        Scenario {
            partly: true,
            stops: web_first.to_vec(),
            ..Scenario::asked(
                "stop of two in their order",
                &by_itself,
                START,
                "ctr lab stop web db",
            )
        },
        Scenario {
            partly: true,
            stops: web_first.to_vec(),
            ..Scenario::asked(
                "restart of two in their order",
                &by_hand,
                START,
                "ctr lab restart web db",
            )
        },
        Scenario {
            stops: web_first.to_vec(),
            ..Scenario::declared(
                "change that restarts two in their order",
                &by_itself,
                &changed,
            )
        },
        Scenario::asked(
            "start of one that another waits for",
            &by_itself,
            "ctr lab stop web db && ctr lab start web --no-wait",
            "ctr lab start db && ctr lab wait web",
        ),
        Scenario {
            act: "ctr apply || true".to_owned(),
            ..Scenario::declared(
                "one fails that another is after",
                &lab(&[]),
                &lab(&[fails, waits.clone()]),
            )
        },
        Scenario {
            act: format!(
                "{INSIDE}
ctr apply
for _ in {{1..200}}; do inside db true && break; sleep 0.05; done
grep -q ctr-lab-web /run/crash/starts && echo web before db was ready >>/run/crash/starts
for _ in {{1..200}}; do inside db touch /run/works && break; sleep 0.05; done
ctr lab wait web"
            ),
            ..Scenario::declared(
                "one is probed that another is after",
                &lab(&[]),
                &lab(&[sleeper("db", 11, PROBED), waits]),
            )
        },
        Scenario::happens(
            "a guest is unhealthy",
            &lab(&[works]),
            "ctr lab wait web",
            &format!(
                "{INSIDE}
inside web rm /srv/works
for _ in {{1..400}}; do inside web test -e /srv/works && break; sleep 0.05; done
ctr lab wait web"
            ),
        ),
    ]
}
