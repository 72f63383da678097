//! Everybody else's tables, as nft lists them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::texts::{Texts, texts};
use crate::firewall::Table;
use crate::firewall::observed::{ParseError, parse_objects};

/// A table: its family, `ip`, and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TableId {
    pub(super) family: String,
    pub(super) name: String,
}

/// A chain of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChainId {
    pub(super) table: TableId,
    pub(super) name: String,
}

impl ChainId {
    /// Another chain of the same table.
    pub(super) fn beside(&self, name: &str) -> Self {
        Self {
            table: self.table.clone(),
            name: name.to_owned(),
        }
    }
}

/// A chain with its rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Chain {
    /// Where packets enter it; `None` where only other chains lead to it.
    pub(super) base: Option<Base>,
    pub(super) rules: Vec<Rule>,
}

/// Where packets enter a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    /// `prerouting`, `input`, `forward`, `output`, `postrouting`; others are not looked at.
    pub(super) hook: String,
    /// Lower ones are entered first.
    pub(super) priority: i64,
    /// What no rule decided is dropped.
    pub(super) drops: bool,
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    /// Its number in its table.
    pub(super) handle: u64,
    /// Its statements, `libnftables-json(5)`.
    pub(super) statements: Vec<Value>,
    /// As nft writes it for people; empty where that is not known.
    pub(super) text: String,
}

/// The tables of everybody but ctrd.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ruleset {
    pub(super) chains: BTreeMap<ChainId, Chain>,
    /// The elements of sets and maps.
    sets: BTreeMap<ChainId, Vec<Value>>,
}

impl Ruleset {
    /// From `nft -j list ruleset` and `nft -a list ruleset`. The second has what the first only
    /// names: the extensions of iptables, translated.
    pub fn parse(json: &str, text: &str) -> Result<Self, ParseError> {
        let texts = texts(text);
        let mut ruleset = Self::default();
        for mut object in parse_objects(json)? {
            let Some((kind, body)) = object.as_object_mut().and_then(|it| it.iter_mut().next())
            else {
                continue;
            };
            ruleset.take(kind, body, &texts);
        }
        Ok(ruleset)
    }

    fn take(&mut self, kind: &str, body: &mut Value, texts: &Texts) {
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let (Some(family), Some(table)) = (text("family"), text("table")) else {
            return;
        };
        if table == Table::NAME && Table::ALL.iter().any(|ours| ours.family() == family) {
            return;
        }
        let name = text(if kind == "rule" { "chain" } else { "name" });
        let id = ChainId {
            table: TableId {
                family,
                name: table,
            },
            name: name.unwrap_or_default(),
        };
        match kind {
            "chain" => {
                let base = text("hook").map(|hook| Base {
                    hook,
                    priority: body.get("prio").and_then(Value::as_i64).unwrap_or_default(),
                    drops: text("policy").as_deref() == Some("drop"),
                });
                self.chains.entry(id).or_default().base = base;
            }
            "rule" => {
                let handle = body.get("handle").and_then(Value::as_u64);
                let handle = handle.unwrap_or_default();
                let statements = match body.get_mut("expr").map(Value::take) {
                    Some(Value::Array(statements)) => statements,
                    _ => Vec::new(),
                };
                let rule = Rule {
                    handle,
                    statements,
                    text: texts.of(&id.table, handle),
                };
                self.chains.entry(id).or_default().rules.push(rule);
            }
            "set" | "map" => {
                if let Some(Value::Array(elements)) = body.get_mut("elem").map(Value::take) {
                    self.sets.insert(id, elements);
                }
            }
            _ => {}
        }
    }

    /// The elements of a set or map of the table that `chain` is in.
    pub(super) fn elements(&self, chain: &ChainId, name: &str) -> &[Value] {
        self.sets
            .get(&chain.beside(name))
            .map_or(&[], Vec::as_slice)
    }

    /// There is a chain in this table whose name starts so.
    pub(super) fn has_chain(&self, table: &TableId, start: &str) -> bool {
        self.chains
            .keys()
            .any(|id| id.table == *table && id.name.starts_with(start))
    }

    /// iptables writes into this table by way of nftables: its base chains have the names that
    /// iptables gives them (`iptables-nft(8)`).
    pub(super) fn is_iptables(table: &TableId, chain: &str) -> bool {
        matches!(table.family.as_str(), "ip" | "ip6")
            && matches!(
                table.name.as_str(),
                "filter" | "mangle" | "raw" | "nat" | "security"
            )
            && !chain.is_empty()
            && !chain.chars().any(|it| it.is_ascii_lowercase())
    }
}
