//! A container starts when those that it is declared to be after are ready; while one of them fails or is
//! stopped it waits, says for whom and why, and starts as soon as that one is ready.

use ctr_api::wire::{ContainerStatus, State};
use ctr_lab::Host;

use crate::guests::{PATIENCE, booted, lab, running, sleeper, until_that};

#[test]
fn waits_for_what_it_is_after() {
    let keys = "command = [\"/usr/bin/sleep\", \"infinity\"]\n\
                restart = { delay = \"10min\", max-delay = \"10min\" }\n";
    let fails = booted("db", 11, keys).replace("machines/debian", "machines/later");
    let host = Host::with_ctr(&lab(&[
        fails,
        sleeper("web", 12, "after = [\"lab/db\"]\n"),
        sleeper("proxy", 13, "after = [\"lab/web\"]\n"),
        sleeper("other", 14, ""),
    ]));
    let waits = |name: &str, beginning: &str| {
        let begins = |it: &ContainerStatus| {
            let reason = it.reason.as_deref().unwrap_or_default();
            reason.starts_with(beginning)
        };
        let now = until_that(&host, name, begins);
        assert_eq!(now.state, State::Waiting, "{now:#?}");
        now
    };
    let web = waits("web", "lab/db failed: ");
    let reason = web.reason.unwrap_or_default();
    assert!(reason.contains("machines/later"), "{reason}");
    assert_eq!(
        web.hint.as_deref(),
        Some("`ctr lab status db` says more of it")
    );
    waits("proxy", &format!("lab/web waits: {reason}"));
    // Whoever has nothing to do with it runs.
    running(&host, &["other"]);

    // Whoever starts it is told, and does not wait for what nobody may ever do.
    let start = host.run("ctr lab start proxy 2>&1");
    assert_eq!(start.status, 1, "{start:?}");
    let said = start.stdout;
    assert!(said.contains("error: lab/proxy cannot start yet"), "{said}");
    assert!(said.contains("lab/web waits: lab/db failed: "), "{said}");
    assert!(said.contains("`ctr lab status db` says more"), "{said}");

    // So is whoever declares one more: it was not started. That the other one failed is told too.
    let late = sleeper("late", 15, "after = [\"lab/db\"]\n");
    let said = host.fails(&format!(
        "cat >> /etc/ctr/containers.toml <<'END' && ctr apply\n{late}\nEND"
    ));
    let mut rows = said.stdout.lines();
    let row = rows.find(|line| line.starts_with("lab/late   waits "));
    assert!(
        row.is_some_and(|it| it.contains("lab/db failed: ")),
        "{said:?}"
    );

    // The one that fails is started by hand when what it lacks is there.
    host.ok("mkdir /var/lib/machines/later && mount --bind /var/lib/machines/debian /var/lib/machines/later && ctr lab start db --timeout 40s");
    let pids = running(&host, &["db", "web", "proxy"]);

    // One that is stopped by hand is named as such, and does not take the others down with it.
    host.ok("ctr lab stop db");
    assert_eq!(running(&host, &["web"])[0], pids[1]);
    host.ok("ctr lab restart web --no-wait");
    waits("web", "lab/db is stopped: stopped by hand");
    host.ok("ctr lab start db --timeout 40s");
    host.until("ctr lab wait web proxy --timeout 40s", PATIENCE);
}
