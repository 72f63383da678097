//! What is declared on the machine, and what of it should be there.

use std::collections::{BTreeMap, BTreeSet};

use crate::guests::{running, sleeper};

/// Its postgres has its data on a bind, and it runs nothing else.
const LEDGER: [&str; 3] = [
    "/usr/bin/bash",
    "-c",
    "[ -e /srv/db/main ] || { rm -rf /srv/db/new && cp -a /var/lib/postgresql/17/main /srv/db/new \
     && sync && mv /srv/db/new /srv/db/main && sync; }; \
     exec /usr/lib/postgresql/17/bin/postgres -c config_file=/etc/postgresql/17/main/postgresql.conf \
     -c data_directory=/srv/db/main -c unix_socket_directories=/tmp -c external_pid_file=/tmp/pid",
];

const LEDGER_KEYS: &str = "user = \"postgres\"\n\
    binds = [{ host = \"/srv/ledger\", guest = \"/srv/db\", create = true, data = true, owner = \"postgres\" }]\n\
    credentials = { token = { generate = true } }";

/// A declaration in pieces.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// The containers of the group `lab`, by their names.
    containers: BTreeMap<&'static str, String>,
    /// Those of the group `more`, where there is one.
    more: BTreeMap<&'static str, String>,
    /// Machines that were declared once: their state is data, and stays.
    pub(super) once: BTreeSet<String>,
}

/// Two databases, one on a bind and one in the layer of a guest that boots, and a bystander.
pub(super) fn at_first() -> Declared {
    let mut declared = Declared::default();
    declared.add("ledger", running("ledger", 11, &LEDGER, LEDGER_KEYS));
    declared.add(
        "store",
        "\n[groups.lab.containers.store]\naddress = \"10.77.3.12\"\nautostart = true\n\
         root = { tree = \"/var/lib/machines/debian\" }\nenable = [\"postgresql.service\"]\n\
         start-timeout = \"5min\"\n"
            .to_owned(),
    );
    declared.add("one", sleeper("one", 13, "limits = { tasks-max = 100 }"));
    declared
}

impl Declared {
    /// Declares a container of the group `lab`.
    pub(super) fn add(&mut self, name: &'static str, text: String) {
        self.containers.insert(name, text);
    }

    /// Declares a container of the group `more`, as one of `lab` is written.
    pub(super) fn add_more(&mut self, name: &'static str, text: &str) {
        let text = text.replace("groups.lab", "groups.more");
        self.more.insert(name, text.replace("10.77.3.", "10.77.4."));
    }

    /// Adds keys to a container.
    pub(super) fn extend(&mut self, name: &str, keys: &str) {
        let text = self.containers.get_mut(name).expect("a declared container");
        *text = format!("{}\n{keys}\n", text.trim_end());
    }

    /// Says something else of a container.
    pub(super) fn replace(&mut self, name: &str, from: &str, to: &str) {
        let text = self.containers.get_mut(name).expect("a declared container");
        assert!(text.contains(from), "{text}");
        *text = text.replace(from, to);
    }

    /// Declares a container no more.
    pub(super) fn remove(&mut self, name: &str) {
        self.containers.remove(name).expect("a declared container");
        self.once.insert(format!("lab-{name}"));
    }

    /// The declaration as it is written.
    pub(super) fn text(&self) -> String {
        let all: Vec<String> = self.containers.values().cloned().collect();
        let mut text = crate::guests::lab(&all);
        if !self.more.is_empty() {
            text.push_str(
                "\n[groups.more]\nsubnet = \"10.77.4.0/24\"\nhost-address = \"10.77.4.10\"\n",
            );
            text.extend(self.more.values().map(String::as_str));
        }
        text
    }

    /// The declared groups.
    pub(super) fn groups(&self) -> Vec<&'static str> {
        let more = (!self.more.is_empty()).then_some("more");
        ["lab"].into_iter().chain(more).collect()
    }

    /// The declared containers of a group.
    pub(super) fn names(&self, group: &str) -> Vec<&'static str> {
        let containers = if group == "lab" {
            &self.containers
        } else {
            &self.more
        };
        containers.keys().copied().collect()
    }

    /// The declared machines.
    pub(super) fn machines(&self) -> BTreeSet<String> {
        let of = |group: &&str| {
            let names = self.names(group).into_iter();
            names
                .map(|name| format!("{group}-{name}"))
                .collect::<Vec<_>>()
        };
        self.groups().iter().flat_map(of).collect()
    }
}
