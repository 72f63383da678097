//! The kernel's side of both tables: it takes a plan as one transaction, or refuses it whole.

use std::collections::BTreeSet;

use super::element::Element;
use super::observed::{Observed, ObservedTable, skeleton_mark};
use super::plan::Plan;
use super::skeleton::Table;

/// What the kernel holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FakeTables {
    pub(crate) observed: Observed,
}

/// How nft lists a table that nobody edited.
const LISTING: &str = "ctr_listing_as_made";

impl FakeTables {
    /// Every element of both tables.
    pub(crate) fn elements(&self) -> BTreeSet<Element> {
        let tables = Table::ALL.into_iter();
        let found = tables.filter_map(|table| self.observed.table(table));
        found.flat_map(|table| table.elements.clone()).collect()
    }

    /// One table, where it is there.
    pub(crate) fn table(&mut self, table: Table) -> Option<&mut ObservedTable> {
        match table {
            Table::Inet => self.observed.inet.as_mut(),
            Table::Bridge => self.observed.bridge.as_mut(),
        }
    }

    /// Carries out a plan.
    ///
    /// # Panics
    /// Where nft would refuse the transaction.
    pub(crate) fn obey(&mut self, plan: &Plan) {
        match plan {
            Plan::Nothing => {}
            Plan::Replace { elements, .. } => {
                let fresh = |table: Table| ObservedTable {
                    marks: [skeleton_mark(table), LISTING.to_owned()].into(),
                    listing: LISTING.to_owned(),
                    ..ObservedTable::default()
                };
                self.observed = Observed {
                    inet: Some(fresh(Table::Inet)),
                    bridge: Some(fresh(Table::Bridge)),
                };
                for element in elements {
                    self.add(element);
                }
            }
            Plan::Change { delete, add } => {
                for element in delete {
                    let table = self.table(element.set.table()).expect("no such table");
                    assert!(table.elements.remove(element), "no such element: {element}");
                }
                for element in add {
                    self.add(element);
                }
            }
        }
    }

    /// A map leads from one key to one value: another one is refused (`-EBUSY`).
    fn add(&mut self, element: &Element) {
        let table = self.table(element.set.table()).expect("no such table");
        let same_key = |it: &&Element| it.set == element.set && it.key == element.key;
        let there = table.elements.iter().find(same_key);
        assert!(
            there.is_none_or(|it| it == element),
            "its key leads elsewhere: {element}"
        );
        table.elements.insert(element.clone());
    }
}
