//! Who may call what: one row for every method that is served. Pure.
//!
//! A method without a row is refused. The rows are compared with what the objects say of themselves
//! by a test here, and with what callers meet by `tests/tests/behaviour/who_may_call_what.rs`.

use ctr_api::{CONTAINER_INTERFACE, MANAGER_INTERFACE};

use crate::declaration;

use super::bounds::Kind;

/// What polkit decides about. The defaults and what each covers are in
/// `dist/org.kernelcore.Containers1.policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// See what is there.
    Observe,
    /// Read what containers said.
    ReadLogs,
    /// Start, stop, restart.
    StartStop,
    /// Be a process of a guest.
    Enter,
    /// Change what runs on the host, or have other texts than the declaration looked at.
    Apply,
    /// See and delete data that nothing declares.
    Prune,
}

impl Action {
    /// The name by which polkit knows it.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Observe => "org.kernelcore.Containers1.observe",
            Self::ReadLogs => "org.kernelcore.Containers1.read-logs",
            Self::StartStop => "org.kernelcore.Containers1.start-stop",
            Self::Enter => "org.kernelcore.Containers1.enter",
            Self::Apply => "org.kernelcore.Containers1.apply",
            Self::Prune => "org.kernelcore.Containers1.prune",
        }
    }

    /// What its holder may do, as it stands behind "may not".
    pub(super) const fn deed(self) -> &'static str {
        match self {
            Self::Observe => "see containers",
            Self::ReadLogs => "read the logs of",
            Self::StartStop => "start, stop or restart",
            Self::Enter => "run commands in",
            Self::Apply => "change or try what is declared",
            Self::Prune => "list or delete what is left of containers that are declared no more",
        }
    }
}

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Whom polkit allows the action; where the object is a container's, for that container.
    Allowed(Action),
    /// The same, for each container that the call names: an array of `(group, name)` comes first.
    AllowedForEach(Action),
    /// `Plan`: what somebody else wrote is looked at only for those who may apply it.
    Declaration {
        /// For the file in place: no bytes.
        in_place: Action,
        /// For the caller's own text.
        sent: Action,
    },
    /// Every user of the host, without a question, and why.
    Everybody(&'static str),
}

/// One method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    interface: &'static str,
    member: &'static str,
    /// Who may call it.
    pub(super) rule: Rule,
    /// The longest body of a call, in bytes.
    pub(super) longest: usize,
    /// What a call counts as, besides a call.
    pub(super) heavy: Option<Kind>,
}

/// Room for names and options.
const SHORT: usize = 64 * 1024;
/// Room for the words of a command, at most 1 MiB of them, as the dictionary that they travel in.
const WORDS: usize = 2 * 1024 * 1024;

const fn row(interface: &'static str, member: &'static str, rule: Rule) -> Row {
    Row {
        interface,
        member,
        rule,
        longest: SHORT,
        heavy: None,
    }
}

impl Row {
    const fn up_to(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    const fn counted(self, kind: Kind) -> Self {
        Self {
            heavy: Some(kind),
            ..self
        }
    }
}

const PEER: &str = "org.freedesktop.DBus.Peer";
const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const OBJECTS: &str = "org.freedesktop.DBus.ObjectManager";

const NOTHING_ABOUT_CONTAINERS: Rule = Rule::Everybody("says nothing about containers");
const AS_SYSTEMD_DOES: Rule =
    Rule::Everybody("names, addresses and states, which the host tells every user anyway");

/// Every method of every interface that is served.
const TABLE: &[Row] = &[
    row(MANAGER_INTERFACE, "Status", Rule::Allowed(Action::Observe)),
    row(
        MANAGER_INTERFACE,
        "Plan",
        Rule::Declaration {
            in_place: Action::Observe,
            sent: Action::Apply,
        },
    )
    .up_to(declaration::SIZE_MAX + SHORT)
    .counted(Kind::Plan),
    row(MANAGER_INTERFACE, "Apply", Rule::Allowed(Action::Apply)),
    row(MANAGER_INTERFACE, "Down", Rule::Allowed(Action::Apply)),
    row(MANAGER_INTERFACE, "Leftovers", Rule::Allowed(Action::Prune)).counted(Kind::Plan),
    row(MANAGER_INTERFACE, "Prune", Rule::Allowed(Action::Prune)).counted(Kind::Plan),
    row(
        MANAGER_INTERFACE,
        "ListGpus",
        Rule::Allowed(Action::Observe),
    ),
    row(
        MANAGER_INTERFACE,
        "CheckGpus",
        Rule::Allowed(Action::Observe),
    ),
    row(
        MANAGER_INTERFACE,
        "OpenEvents",
        Rule::Allowed(Action::Observe),
    ),
    row(
        MANAGER_INTERFACE,
        "Request",
        Rule::AllowedForEach(Action::StartStop),
    ),
    row(
        MANAGER_INTERFACE,
        "OpenJournal",
        Rule::AllowedForEach(Action::ReadLogs),
    ),
    row(
        CONTAINER_INTERFACE,
        "Status",
        Rule::Allowed(Action::Observe),
    ),
    row(
        CONTAINER_INTERFACE,
        "Start",
        Rule::Allowed(Action::StartStop),
    ),
    row(
        CONTAINER_INTERFACE,
        "Stop",
        Rule::Allowed(Action::StartStop),
    ),
    row(
        CONTAINER_INTERFACE,
        "Restart",
        Rule::Allowed(Action::StartStop),
    ),
    row(
        CONTAINER_INTERFACE,
        "OpenSession",
        Rule::Allowed(Action::Enter),
    )
    .up_to(WORDS),
    row(
        CONTAINER_INTERFACE,
        "OpenJournal",
        Rule::Allowed(Action::ReadLogs),
    ),
    // Who may be root in a guest may know what it was given.
    row(CONTAINER_INTERFACE, "Secret", Rule::Allowed(Action::Enter)),
    // These are answered by the bus library, which asks nobody.
    row(PEER, "Ping", NOTHING_ABOUT_CONTAINERS),
    row(PEER, "GetMachineId", NOTHING_ABOUT_CONTAINERS),
    row(INTROSPECTABLE, "Introspect", AS_SYSTEMD_DOES),
    row(PROPERTIES, "Get", AS_SYSTEMD_DOES),
    row(PROPERTIES, "GetAll", AS_SYSTEMD_DOES),
    row(
        PROPERTIES,
        "Set",
        Rule::Everybody("no property can be written"),
    ),
    row(OBJECTS, "GetManagedObjects", AS_SYSTEMD_DOES),
];

/// The row of a method; nothing where it has none, and then nobody may call it.
pub(super) fn row_of(interface: &str, member: &str) -> Option<&'static Row> {
    TABLE
        .iter()
        .find(|row| row.interface == interface && row.member == member)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::bus::served_tests::introspected;

    #[test]
    fn a_method_without_a_row_is_nobodys() {
        assert!(row_of(MANAGER_INTERFACE, "Status").is_some());
        assert_eq!(row_of(MANAGER_INTERFACE, "Reboot"), None);
        assert_eq!(row_of(CONTAINER_INTERFACE, "Apply"), None);
    }

    #[tokio::test]
    async fn every_served_method_has_one_row_and_every_row_a_method() {
        let rows: Vec<_> = TABLE
            .iter()
            .map(|row| (row.interface.to_owned(), row.member.to_owned()))
            .collect();
        let once: BTreeSet<_> = rows.iter().cloned().collect();
        assert_eq!(once.len(), rows.len(), "a method has two rows");
        assert_eq!(once, introspected().await);
    }

    #[test]
    fn polkit_knows_every_action() {
        let policy = include_str!("../../../dist/org.kernelcore.Containers1.policy");
        for row in TABLE {
            let actions = match row.rule {
                Rule::Allowed(action) | Rule::AllowedForEach(action) => vec![action],
                Rule::Declaration { in_place, sent } => vec![in_place, sent],
                Rule::Everybody(_) => vec![],
            };
            for action in actions {
                let id = format!("<action id=\"{}\">", action.id());
                assert!(policy.contains(&id), "{id}");
            }
        }
    }
}
