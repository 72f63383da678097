//! Both tables and their elements as commands for nft.

use std::borrow::Cow;

use nftables::expr::{Expression, NamedExpression, Prefix};
use nftables::schema::{self, NfCmd, NfListObject, NfObject, Nftables, SetFlag, SetTypeValue};
use nftables::types::{NfChainPolicy, NfFamily};

use super::element::{Atom, Column, Element, Set, number};
use super::expression::Rule;
use super::observed::skeleton_mark;
use super::plan::Plan;
use super::skeleton::{Chain, Table};

/// Commands that nft runs as one transaction: all of them or none.
pub(super) type Commands = Vec<NfObject<'static>>;

/// The commands as nft reads them.
pub(super) fn to_json(commands: Commands) -> String {
    let ruleset = Nftables {
        objects: Cow::Owned(commands),
    };
    // Plain values with text for keys: there is nothing in them that JSON could not hold.
    serde_json::to_string(&ruleset).unwrap_or_default()
}

const NAME: Cow<'static, str> = Cow::Borrowed(Table::NAME);

fn add(object: NfListObject<'static>) -> NfObject<'static> {
    NfObject::CmdObject(NfCmd::Add(object))
}

fn delete(object: NfListObject<'static>) -> NfObject<'static> {
    NfObject::CmdObject(NfCmd::Delete(object))
}

fn family(table: Table) -> NfFamily {
    match table {
        Table::Inet => NfFamily::INet,
        Table::Bridge => NfFamily::Bridge,
    }
}

fn table_object(table: Table) -> NfListObject<'static> {
    NfListObject::Table(schema::Table {
        family: family(table),
        name: NAME,
        handle: None,
    })
}

/// What a plan takes: nothing, both tables anew, or elements, what is deleted first.
pub(super) fn transaction(plan: &Plan) -> Commands {
    match plan {
        Plan::Nothing => Commands::new(),
        Plan::Replace { elements, .. } => {
            let create = |table| create(table, &[skeleton_mark(table)]);
            let mut commands: Commands = Table::ALL.into_iter().flat_map(create).collect();
            commands.extend(add_elements(elements));
            commands
        }
        Plan::Change { delete, add } => {
            let mut commands = delete_elements(delete);
            commands.extend(add_elements(add));
            commands
        }
    }
}

/// Removes a table; it may be there or not.
pub(super) fn remove(table: Table) -> Commands {
    vec![add(table_object(table)), delete(table_object(table))]
}

/// Makes a table anew, without elements. `marks` are chains that no packet enters.
pub(super) fn create(table: Table, marks: &[String]) -> Commands {
    let mut commands = remove(table);
    commands.push(add(table_object(table)));
    let sets = Set::ALL.into_iter().filter(|set| set.table() == table);
    commands.extend(sets.map(|set| add(set_object(set))));
    let chains = table.chains();
    commands.extend(chains.iter().map(|chain| add(chain_object(table, chain))));
    for chain in chains {
        let name = chain.name;
        commands.extend(
            chain
                .rules
                .into_iter()
                .map(|rule| add(rule_object(table, name, rule))),
        );
    }
    commands.extend(marks.iter().map(|mark| add_mark(table, mark)));
    commands
}

/// Adds a mark: a chain that no packet enters, because its name is all it says.
pub(super) fn add_mark(table: Table, mark: &str) -> NfObject<'static> {
    add(NfListObject::Chain(schema::Chain {
        family: family(table),
        table: NAME,
        name: Cow::Owned(mark.to_owned()),
        ..schema::Chain::default()
    }))
}

fn set_object(set: Set) -> NfListObject<'static> {
    let set_type = match set.key() {
        [one] => SetTypeValue::Single(one.nft_type()),
        many => SetTypeValue::Concatenated(many.iter().map(|column| column.nft_type()).collect()),
    };
    // Subnets are ranges of addresses.
    let flags = (set.key() == [Column::Net]).then(|| [SetFlag::Interval].into());
    let plain = schema::Set {
        family: family(set.table()),
        table: NAME,
        name: Cow::Borrowed(set.name()),
        set_type,
        flags,
        ..schema::Set::default()
    };
    match set.value() {
        None => NfListObject::Set(Box::new(plain)),
        Some(column) => NfListObject::Map(Box::new(schema::Map {
            family: plain.family,
            table: plain.table,
            name: plain.name,
            set_type: plain.set_type,
            map: SetTypeValue::Single(column.nft_type()),
            ..schema::Map::default()
        })),
    }
}

fn chain_object(table: Table, chain: &Chain) -> NfListObject<'static> {
    let hook = chain.hook.as_ref();
    NfListObject::Chain(schema::Chain {
        family: family(table),
        table: NAME,
        name: Cow::Borrowed(chain.name),
        _type: hook.map(|hook| hook.kind),
        hook: hook.map(|hook| hook.point),
        prio: hook.map(|hook| hook.priority),
        policy: hook.map(|_| NfChainPolicy::Accept),
        ..schema::Chain::default()
    })
}

fn rule_object(table: Table, chain: &'static str, rule: Rule) -> NfListObject<'static> {
    NfListObject::Rule(schema::Rule {
        family: family(table),
        table: NAME,
        chain: Cow::Borrowed(chain),
        expr: Cow::Owned(rule.statements),
        comment: Some(Cow::Borrowed(rule.comment)),
        handle: None,
        index: None,
    })
}

/// Adds elements, one command per set.
pub(super) fn add_elements<'a>(elements: impl IntoIterator<Item = &'a Element>) -> Commands {
    element_objects(elements).into_iter().map(add).collect()
}

/// Deletes elements, one command per set.
pub(super) fn delete_elements<'a>(elements: impl IntoIterator<Item = &'a Element>) -> Commands {
    element_objects(elements).into_iter().map(delete).collect()
}

fn element_objects<'a>(
    elements: impl IntoIterator<Item = &'a Element>,
) -> Vec<NfListObject<'static>> {
    let mut objects: Vec<(Set, Vec<Expression<'static>>)> = Vec::new();
    for element in elements {
        let expression = element_expression(element);
        match objects.iter_mut().find(|(set, _)| *set == element.set) {
            Some((_, list)) => list.push(expression),
            None => objects.push((element.set, vec![expression])),
        }
    }
    let object = |(set, elements): (Set, Vec<_>)| {
        NfListObject::Element(schema::Element {
            family: family(set.table()),
            table: NAME,
            name: Cow::Borrowed(set.name()),
            elem: Cow::Owned(elements),
        })
    };
    objects.into_iter().map(object).collect()
}

fn element_expression(element: &Element) -> Expression<'static> {
    let mut parts: Vec<_> = element.key.iter().map(atom_expression).collect();
    let key = if parts.len() == 1 {
        parts.remove(0)
    } else {
        Expression::Named(NamedExpression::Concat(parts))
    };
    match &element.value {
        None => key,
        Some(value) => Expression::List(vec![key, atom_expression(value)]),
    }
}

fn atom_expression(atom: &Atom) -> Expression<'static> {
    match atom {
        Atom::Port(port) => Expression::Number(u32::from(*port)),
        Atom::Protocol(protocol) => Expression::Number(number(*protocol)),
        Atom::Net(net) => Expression::Named(NamedExpression::Prefix(Prefix {
            addr: Box::new(Expression::String(Cow::Owned(net.addr().to_string()))),
            len: u32::from(net.prefix_len()),
        })),
        atom => Expression::String(Cow::Owned(atom.to_string())),
    }
}
