//! What has to be true after a power cut, without anybody's doing.

use std::collections::{BTreeMap, BTreeSet};

use ctr_api::wire::{HostStatus, State};
use ctr_lab::Vm;

use super::declared::Declared;
use super::moments::Writer;

/// What the machine has promised to keep.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The last acknowledged row of each database. All before it were acknowledged too.
    rows: BTreeMap<&'static str, u64>,
    /// The digests of secrets that guests have seen, by their paths.
    secrets: BTreeMap<String, String>,
}

impl Kept {
    /// A database has acknowledged a row.
    pub(super) fn note(&mut self, database: &'static str, row: u64) {
        self.rows.insert(database, row);
    }
}

/// Waits until everything that is declared runs, and the databases answer.
pub(super) fn wait_until_all_run(vm: &Vm, declared: &Declared) {
    for group in declared.groups() {
        let names = declared.names(group).join(" ");
        vm.ok(&format!("ctr {group} wait {names} --timeout 280s"));
    }
    for writer in Writer::ALL {
        let socket = writer.socket();
        vm.until(&postgres(writer, &format!("pg_isready -q -h {socket}")));
    }
}

/// Makes the tables that rows are written to.
pub(super) fn make_tables(vm: &Vm) {
    for writer in Writer::ALL {
        query(
            vm,
            writer,
            "create table rows (n bigint primary key, text text)",
        );
        query(vm, writer, "create extension amcheck");
    }
}

/// Everything that was promised is there, and nothing else is.
pub(super) fn check(vm: &Vm, declared: &Declared, kept: &mut Kept) {
    all_is_well(vm, declared);
    nothing_else_is_there(vm, declared);
    every_row_is_there(vm, kept);
    no_secret_has_changed(vm, kept);
}

fn all_is_well(vm: &Vm, declared: &Declared) {
    vm.ok("ctr plan --exit-code");
    let text = vm.ok("ctr status --json");
    let host: HostStatus = serde_json::from_str(&text).expect("the document that is promised");
    assert!(host.declaration.problems.is_empty(), "{host:#?}");
    assert!(!host.declaration.differs, "{host:#?}");
    let mut machines = BTreeSet::new();
    for container in host.groups.iter().flat_map(|group| &group.containers) {
        assert_eq!(container.state, State::Running, "{container:#?}");
        assert_eq!(container.restarts, 0, "{container:#?}");
        assert_eq!(container.reason, None, "{container:#?}");
        machines.insert(container.machine.clone());
    }
    assert_eq!(machines, declared.machines());
}

fn nothing_else_is_there(vm: &Vm, declared: &Declared) {
    let machines = declared.machines();
    let of_each = |prefix: &str, suffix: &str| -> BTreeSet<String> {
        let name = |machine: &String| format!("{prefix}{machine}{suffix}");
        machines.iter().map(name).collect()
    };
    let lines =
        |script: &str| -> BTreeSet<String> { vm.ok(script).lines().map(str::to_owned).collect() };
    assert_eq!(lines("ls -A /run/netns"), of_each("ctr-", ""));
    assert_eq!(lines("ls /run/ctr/root"), of_each("", ""));
    let units = "systemctl list-units --all --plain --no-legend 'ctr-*.service' | cut -d' ' -f1";
    assert_eq!(lines(units), of_each("ctr-", ".service"));
    let of_machined = "machinectl --no-legend --no-pager list | cut -d' ' -f1";
    assert_eq!(lines(of_machined), of_each("", ""));
    assert_eq!(lines("ls /sys/class/net | grep ^cv-").len(), machines.len());
    let bridges: BTreeSet<String> = declared
        .groups()
        .iter()
        .map(|it| format!("br-{it}"))
        .collect();
    assert_eq!(lines("ls /sys/class/net | grep ^br-"), bridges);
    // What was declared once has data there.
    let mut state = &machines | &declared.once;
    state.extend([".secrets", ".digest-key", ".declaration"].map(str::to_owned));
    assert_eq!(lines("ls -A /var/lib/ctr"), state);
    let half_done = "find /var/lib/ctr/.secrets /srv -maxdepth 2 -name '*:*' -o -name '.ctr-new-*'";
    assert_eq!(vm.ok(half_done), "");
}

fn every_row_is_there(vm: &Vm, kept: &Kept) {
    for writer in Writer::ALL {
        let answer = query(vm, writer, "select count(*), coalesce(max(n), 0) from rows");
        let (count, last) = answer.trim().split_once('|').expect("two numbers");
        assert_eq!(count, last, "{writer:?} has a gap");
        let noted = kept.rows.get(writer.name()).copied().unwrap_or_default();
        let last: u64 = last.parse().expect("a number");
        assert!(last >= noted, "{writer:?} has {last} of {noted} rows");
        // Every page of every table and every entry of every index (pg_amcheck(1)).
        let socket = writer.socket();
        vm.ok(&postgres(
            writer,
            &format!(
                "/usr/lib/postgresql/17/bin/pg_amcheck -h {socket} --heapallindexed -d postgres"
            ),
        ));
    }
}

fn no_secret_has_changed(vm: &Vm, kept: &mut Kept) {
    let text = vm.ok("cd /var/lib/ctr/.secrets && sha256sum -- */*");
    let now: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(digest, path)| (path.to_owned(), digest.to_owned()))
        .collect();
    for (path, digest) in &kept.secrets {
        assert_eq!(now.get(path), Some(digest), "{path} has changed");
    }
    // The guests run with these: from here on they have to stay.
    kept.secrets = now;
}

fn query(vm: &Vm, writer: Writer, sql: &str) -> String {
    let socket = writer.socket();
    vm.ok(&postgres(
        writer,
        &format!("psql -h {socket} -qAtc \"{sql}\""),
    ))
}

/// A command of the database's own user.
fn postgres(writer: Writer, command: &str) -> String {
    let name = writer.name();
    format!("ctr lab exec --user postgres {name} -- /usr/bin/bash -c '{command}'")
}
