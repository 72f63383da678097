//! ctrd is killed between any two effects of anything that it does: the next one brings the host to
//! where it would have been, leaves nothing behind and starts nobody who need not be.
//!
//! Each scenario runs once undisturbed, which says which failpoints it passes and what the host looks
//! like then (`inventory.py`). Then it runs again for each passing of each failpoint, ctrd is killed
//! there (`sweep.py`), systemd starts it, and all of the host is compared.
//!
//! `CTR_CRASH=words,more words` runs the scenarios that have one of these in their names, and
//! `CTR_CRASH_LOOK=1` all of them without a kill, to learn which failpoints are passed.

mod by_itself;
mod changes;
mod comings_and_goings;
mod devices;
mod guests;
mod outcome;
mod scenario;
mod several;
mod starts_and_stops;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use ctr_lab::{Host, Options, recorded_machine};

use outcome::{Outcome, table};
use scenario::Scenario;

/// As many hosts at once as the lab boots at once.
const HOSTS: usize = 3;

/// ctrd comes back as soon as it can, and says which failpoints it passes.
const DROP_IN: &str = "[Service]\nRestartSec=50ms\nEnvironment=CTR_FAILPOINTS=/run/crash\n";

/// Each start of a guest's unit is noted, and each end.
const COUNT: &str = "[Service]\nExecStartPre=/bin/sh -c 'echo %n >>/run/crash/starts'\n\
    ExecStopPost=/bin/sh -c 'echo %n >>/run/crash/stops'\n";

#[test]
fn a_crash_between_any_two_effects_is_survived() {
    let wanted = std::env::var("CTR_CRASH").unwrap_or_default();
    let mut scenarios = [
        starts_and_stops::scenarios(),
        by_itself::scenarios(),
        comings_and_goings::scenarios(),
        changes::scenarios(),
        several::scenarios(),
        devices::scenarios(),
    ]
    .concat();
    scenarios.retain(|it| wanted.split(',').any(|word| it.name.contains(word)));
    for scenario in &mut scenarios {
        scenario.kill = std::env::var_os("CTR_CRASH_LOOK").is_none();
    }
    let hosts = HOSTS.min(scenarios.len());
    let left = Mutex::new(scenarios);
    let outcomes = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..hosts {
            scope.spawn(|| {
                let host = boot();
                while let Some(scenario) = take(&left) {
                    let outcome = Outcome::of(&host, &scenario);
                    eprintln!("{outcome}");
                    outcomes.lock().expect("no panic").push(outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().expect("no panic");
    println!("{}", table(&outcomes));
    let problems: Vec<_> = outcomes.iter().flat_map(|it| &it.problems).collect();
    assert!(
        problems.is_empty(),
        "{} problems, see above",
        problems.len()
    );
    if wanted.is_empty() {
        let passed: BTreeSet<&str> = outcomes.iter().flat_map(Outcome::names).collect();
        let mut missing = failpoints();
        missing.retain(|it| !passed.contains(it.as_str()));
        missing.retain(|it| !NOT_PASSED.contains(&it.as_str()));
        assert!(missing.is_empty(), "no scenario passes {missing:?}");
    }
}

/// What no scenario passes: steps of the host's own side, which are no steps of a container; mending of
/// what hardly anybody breaks; machined forgets a guest whose nspawn was killed by itself, nearly always.
const NOT_PASSED: [&str; 17] = [
    "after add-altname",
    "after bind-namespace",
    "after create-bridge",
    "after delete-all-links",
    "after remove-address",
    "after set-sysctl",
    "after unregister-machine",
    "before add-altname",
    "before bind-namespace",
    "before create-bridge",
    "before delete-all-links",
    "before remove-address",
    "before set-sysctl",
    "before unregister-machine",
    "empty journal removed",
    "group of links deleted",
    "link inside made",
];

/// Every failpoint that there is, by the table that a test of ctrd compares with its source.
fn failpoints() -> Vec<String> {
    let page = include_str!("../../../docs/development/lifecycle.md");
    let table = page.split("| Steps | Failpoints inside |").nth(1);
    let rows = table.expect("the table").lines().skip(2);
    let mut names = BTreeSet::new();
    for row in rows.take_while(|row| row.starts_with('|')) {
        let words = |column: usize| {
            let column = row.split('|').nth(column).unwrap_or_default();
            column.split('`').skip(1).step_by(2)
        };
        let steps = words(1).filter(|it| !it.starts_with("ctr"));
        names.extend(steps.flat_map(|it| [format!("before {it}"), format!("after {it}")]));
        names.extend(words(2).map(str::to_owned));
    }
    names.into_iter().collect()
}

fn take(left: &Mutex<Vec<Scenario>>) -> Option<Scenario> {
    left.lock().expect("no panic").pop()
}

fn boot() -> Host {
    let host = Options::new()
        .file(
            "/usr/local/lib/crash/inventory.py",
            include_str!("inventory.py"),
        )
        .file("/usr/local/lib/crash/sweep.py", include_str!("sweep.py"))
        .file("/etc/systemd/system/ctrd.service.d/crash.conf", DROP_IN)
        .file("/etc/systemd/system/ctr-.service.d/count.conf", COUNT)
        .file("/etc/tmpfiles.d/crash.conf", "d /run/crash 0755\n")
        .hardware(recorded_machine("nvidia-laptop").expect("a recorded machine"))
        .with_ctr("schema = 1\n")
        .boot()
        .expect("a host boots");
    host.ok(
        "mkdir -p /srv/crash /run/crash && mount -t tmpfs crash /srv/crash && mkdir /srv/crash/shared && useradd crash && chown crash /srv/crash/shared
         (umask 077; echo secret >/etc/crash-secret)
         journalctl --flush; mkdir -p /var/log/journal && systemctl restart systemd-journald",
    );
    host.write("/run/hardware/etc/cdi/nvidia.yaml", devices::SPECIFICATION);
    host
}
