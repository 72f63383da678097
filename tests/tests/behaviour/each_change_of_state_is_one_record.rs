//! The journal has exactly one record for each time that a container comes to be in another state, with the
//! fields and the ids that are documented, and none for what a new ctrd finds as it was.

use std::collections::BTreeSet;

use ctr_api::wire::State;
use ctr_lab::{Host, Options};
use serde_json::Value;

use crate::guests::{PATIENCE, booted, declared, lab, running, sleeper, status, until};

/// The ids of the documented catalog, by state.
fn catalog() -> Vec<(&'static str, &'static str)> {
    let page = include_str!("../../../docs/reference/journal.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| {
        let mut words = row.split('`');
        Some((words.nth(1)?, words.nth(1)?))
    });
    cells.filter(|(_, id)| id.len() == 32).collect()
}

/// The records of changes, in their order.
fn records(host: &Host) -> Vec<Value> {
    let all = host.ok("journalctl --unit=ctrd --output=json --all");
    let lines = all.lines().map(serde_json::from_str);
    let lines = lines.map(|it: Result<Value, _>| it.expect("a document"));
    lines.filter(|it| it.get("CTR_STATE").is_some()).collect()
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn states(host: &Host, name: &str) -> Vec<String> {
    let records = records(host);
    let its = records
        .iter()
        .filter(|it| text(it, "CTR_CONTAINER") == name);
    its.map(|it| text(it, "CTR_STATE").to_owned()).collect()
}

#[test]
fn each_change_of_state_is_one_record() {
    let never = "command = [\"/usr/bin/sh\", \"-c\", \"sleep 1; exit 7\"]\nrestart = { policy = \"never\" }\n";
    let broken = declared(
        "broken",
        13,
        "root = { tree = \"/var/lib/machines/none\" }\nautostart = true\nrestart = { delay = \"10min\", max-delay = \"10min\" }\n",
    );
    let web = sleeper("web", 11, "");
    let all = [web.clone(), booted("ends", 12, never), broken];
    // The one that ends may do so before the host has booted.
    let host = Options::new().with_ctr(&lab(&all)).units_may_fail().boot();
    let host = host.expect("it boots");
    running(&host, &["web"]);
    until(&host, "ends", State::Failed);
    until(&host, "broken", State::Failed);
    host.ok("ctr lab stop web && ctr lab start web --timeout 40s");
    host.ok("journalctl --sync");
    assert_eq!(
        states(&host, "web"),
        [
            "starting", "running", "stopping", "stopped", "starting", "running"
        ]
    );
    // An end by itself may be seen while it is on its way, and then is stopping for that moment.
    let mut ends = states(&host, "ends");
    ends.retain(|state| state != "stopping");
    assert_eq!(ends, ["starting", "running", "failed"]);
    assert_eq!(
        states(&host, "broken").last().map(String::as_str),
        Some("failed")
    );

    let catalog = catalog();
    let records_before = records(&host);
    for record in &records_before {
        let state = text(record, "CTR_STATE");
        let row = (state, text(record, "MESSAGE_ID"));
        assert!(catalog.contains(&row), "{row:?} is not documented");
        assert_eq!(text(record, "CTR_GROUP"), "lab");
        let machine = format!("lab-{}", text(record, "CTR_CONTAINER"));
        assert_eq!(text(record, "CTR_MACHINE"), machine);
        let urgent = if state == "failed" { "3" } else { "5" };
        assert_eq!(text(record, "PRIORITY"), urgent, "{record:#}");
    }
    let failed = |name: &str| {
        let mut all = records_before.iter();
        let found =
            all.find(|it| text(it, "CTR_CONTAINER") == name && text(it, "CTR_STATE") == "failed");
        text(found.expect("it failed"), "CTR_REASON").to_owned()
    };
    assert_eq!(failed("ends"), "exit status 7");
    let ends = status(&host, "ends");
    assert_eq!(ends.last_exit.as_deref(), Some("exit status 7"));
    assert_eq!(
        ends.last_exit_ms
            .map(|it| it.abs_diff(ends.since_ms) < 60_000),
        Some(true)
    );
    let web_ended = status(&host, "web").last_exit.unwrap_or_default();
    assert!(web_ended.starts_with("stopped"), "{web_ended}");
    assert!(failed("broken").contains("machines/none"));
    // Every other line about it says whose it is, too.
    let about = host.ok("journalctl --unit=ctrd CTR_GROUP=lab CTR_CONTAINER=web --output=cat");
    assert!(about.contains("lab/web: start the unit"), "{about}");
    assert!(!about.contains("lab/ends"), "{about}");
    // Each has a text for people.
    host.ok("journalctl --update-catalog");
    let explained = host.ok("journalctl --unit=ctrd --catalog CTR_CONTAINER=ends CTR_STATE=failed");
    assert!(explained.contains("ctr lab logs ends"), "{explained}");
    let known = host.ok("journalctl --list-catalog");
    let known: BTreeSet<_> = known
        .lines()
        .filter_map(|it| it.split(' ').next())
        .collect();
    assert!(catalog.iter().all(|(_, id)| known.contains(id)));

    // A new ctrd finds it as it was, and one that leaves is gone.
    host.ok("systemctl restart ctrd");
    running(&host, &["web"]);
    host.ok("journalctl --sync");
    assert_eq!(states(&host, "web").len(), 6, "{:#?}", states(&host, "web"));
    host.write("/etc/ctr/containers.toml", lab(&[web]));
    host.ok("ctr apply");
    host.until(
        "journalctl --unit=ctrd CTR_STATE=removed CTR_CONTAINER=ends | grep -q 'ends is gone'",
        PATIENCE,
    );
}
