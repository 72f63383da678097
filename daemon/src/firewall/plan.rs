//! From what is desired and what is observed to one transaction.

use std::fmt;

use super::desired::Desired;
use super::element::Element;
use super::observed::{Observed, skeleton_mark};
use super::ruleset;
use super::skeleton::Table;

/// Why both tables are made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A table is not there.
    Absent(Table),
    /// A table was made from another skeleton: by another version of ctr.
    Outdated(Table),
    /// A table does not look as it did when it was made: somebody changed it, nft lists it
    /// differently since it was upgraded, or ctr ended before it had marked it.
    Edited(Table),
    /// A set holds something that ctr never writes.
    Foreign(Table, String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |table: Table| format!("{} ctr", table.family());
        match self {
            Self::Absent(table) => write!(f, "{} does not exist", name(*table)),
            Self::Outdated(table) => write!(f, "{} is of another version", name(*table)),
            Self::Edited(table) => write!(f, "{} was changed", name(*table)),
            Self::Foreign(table, what) => write!(f, "{} holds {what}", name(*table)),
        }
    }
}

/// What to do, in one transaction: packets see the tables before it or after it, and connections
/// that are established live on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Nothing.
    Nothing,
    /// Make both tables anew with these elements.
    Replace {
        /// Why.
        reason: Reason,
        /// The elements.
        elements: Vec<Element>,
    },
    /// Change elements. What is deleted is deleted first: a map leads from one key to one value.
    Change {
        /// What goes.
        delete: Vec<Element>,
        /// What comes.
        add: Vec<Element>,
    },
}

impl Plan {
    /// From one set of elements to another.
    pub fn between<'a>(from: impl IntoIterator<Item = &'a Element>, to: &Desired) -> Self {
        let from: std::collections::BTreeSet<&Element> = from.into_iter().collect();
        let add: Vec<_> = to
            .elements
            .iter()
            .filter(|element| !from.contains(element))
            .cloned()
            .collect();
        let delete: Vec<_> = from
            .into_iter()
            .filter(|element| !to.elements.contains(element))
            .cloned()
            .collect();
        if add.is_empty() && delete.is_empty() {
            Self::Nothing
        } else {
            Self::Change { delete, add }
        }
    }

    /// There is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::Nothing
    }

    /// What nft is given for it, as one transaction, in JSON.
    pub fn transaction(&self) -> String {
        ruleset::to_json(ruleset::transaction(self))
    }

    /// One line per change, for people.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Replace {
                reason: Reason::Absent(_),
                elements,
            } => {
                vec![format!(
                    "create the firewall with {} elements",
                    elements.len()
                )]
            }
            Self::Replace { reason, elements } => {
                vec![format!(
                    "replace the firewall with {} elements: {reason}",
                    elements.len()
                )]
            }
            Self::Change { delete, add } => {
                let removed = delete
                    .iter()
                    .map(|element| format!("firewall: remove {element}"));
                let added = add.iter().map(|element| format!("firewall: add {element}"));
                removed.chain(added).collect()
            }
        }
    }
}

/// What leads from `observed` to `desired`.
pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    if let Some(reason) = Table::ALL
        .into_iter()
        .find_map(|table| damage(table, observed))
    {
        return Plan::Replace {
            reason,
            elements: desired.elements.iter().cloned().collect(),
        };
    }
    let tables = Table::ALL
        .into_iter()
        .filter_map(|table| observed.table(table));
    Plan::between(tables.flat_map(|table| &table.elements), desired)
}

/// Why a table cannot be kept.
fn damage(table: Table, observed: &Observed) -> Option<Reason> {
    let Some(found) = observed.table(table) else {
        return Some(Reason::Absent(table));
    };
    if !found.marks.contains(&skeleton_mark(table)) {
        return Some(Reason::Outdated(table));
    }
    if !found.marks.contains(&found.listing) {
        return Some(Reason::Edited(table));
    }
    found
        .foreign
        .first()
        .map(|what| Reason::Foreign(table, what.clone()))
}
