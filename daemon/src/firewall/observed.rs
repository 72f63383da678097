//! What the kernel holds of both tables, as nft lists it.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::element::{Element, Set};
use super::ruleset;
use super::skeleton::Table;

/// The start of the name of the chain that says which skeleton a table was made from.
const SKELETON_MARK: &str = "ctr_skeleton_";
/// The start of the name of the chain that says how nft listed the table when it was made.
const LISTING_MARK: &str = "ctr_listing_";

/// Both tables; `None` is one that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// `inet ctr`.
    pub inet: Option<ObservedTable>,
    /// `bridge ctr`.
    pub bridge: Option<ObservedTable>,
}

impl Observed {
    /// One of them.
    pub fn table(&self, table: Table) -> Option<&ObservedTable> {
        match table {
            Table::Inet => self.inet.as_ref(),
            Table::Bridge => self.bridge.as_ref(),
        }
    }

    /// The elements of both.
    pub(super) fn into_elements(self) -> BTreeSet<Element> {
        let tables = [self.inet, self.bridge].into_iter().flatten();
        tables.flat_map(|table| table.elements).collect()
    }
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObservedTable {
    /// The marks on it: the names of chains that no packet enters.
    pub marks: BTreeSet<String>,
    /// The mark of the listing as it is now.
    pub listing: String,
    /// Its elements.
    pub elements: BTreeSet<Element>,
    /// Elements of its sets that ctr never writes, as nft lists them.
    pub foreign: Vec<String>,
}

/// Why a listing could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// It is no JSON.
    #[error("failed to read the listing of nft as JSON")]
    Json(#[from] serde_json::Error),
    /// It has not the shape of a listing.
    #[error("failed to find the array `nftables` in the listing of nft")]
    Shape,
}

/// The objects of a listing, `{"nftables": [{"metainfo": ...}, {"table": ...}, ...]}`.
pub(super) fn parse_objects(json: &str) -> Result<Vec<Value>, ParseError> {
    match serde_json::from_str::<Value>(json)?
        .get_mut("nftables")
        .map(Value::take)
    {
        Some(Value::Array(objects)) => Ok(objects),
        _ => Err(ParseError::Shape),
    }
}

/// Reads the listing of one table, `nft -j list table`.
pub fn parse_table(table: Table, json: &str) -> Result<ObservedTable, ParseError> {
    let mut observed = ObservedTable::default();
    let mut skeleton = Sha256::new();
    for mut object in parse_objects(json)? {
        if object.get("metainfo").is_some() {
            continue;
        }
        let Some((kind, body)) = object.as_object_mut().and_then(|map| map.iter_mut().next())
        else {
            continue;
        };
        if kind == "chain" {
            let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
            if name.starts_with(SKELETON_MARK) || name.starts_with(LISTING_MARK) {
                observed.marks.insert(name.to_owned());
                continue;
            }
        }
        if let Some(body) = body.as_object_mut() {
            body.remove("handle");
            if let Some(elements) = body.remove("elem") {
                let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
                read_elements(table, name, &elements, &mut observed);
            }
        }
        skeleton.update(object.to_string());
        skeleton.update("\n");
    }
    observed.listing = mark(LISTING_MARK, skeleton);
    Ok(observed)
}

fn read_elements(table: Table, name: &str, elements: &Value, observed: &mut ObservedTable) {
    let known = Set::ALL
        .into_iter()
        .find(|set| set.table() == table && set.name() == name);
    for element in elements.as_array().into_iter().flatten() {
        match known.and_then(|set| Element::parse(set, element)) {
            Some(element) => {
                observed.elements.insert(element);
            }
            None => observed.foreign.push(format!("{name} {element}")),
        }
    }
}

/// The mark of the skeleton that this program makes a table from.
pub(super) fn skeleton_mark(table: Table) -> String {
    let text = ruleset::to_json(ruleset::create(table, &[]));
    mark(SKELETON_MARK, Sha256::new_with_prefix(text))
}

/// Twelve hexadecimal digits: the name of a chain that differs when what it marks does.
fn mark(start: &str, digest: Sha256) -> String {
    digest
        .finalize()
        .iter()
        .take(6)
        .fold(start.to_owned(), |mark, byte| format!("{mark}{byte:02x}"))
}
