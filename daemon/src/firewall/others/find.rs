//! What of the declared traffic somebody else stops, whose rule does, and what to add.

use std::collections::{BTreeMap, BTreeSet};

use super::journeys::{Facts, Journey, Traffic, journeys};
use super::listing::{Base, ChainId, Ruleset};
use super::owner::{name, owner};
use super::packet::{Hook, Packet};
use super::remedy::{Remedy, remedy};
use super::walk::{Blame, walk};
use crate::model::{ContainerName, GroupName, Model, Protocol};

/// Something of somebody else that stops declared traffic of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The group.
    pub group: GroupName,
    /// The containers whose published ports it stops.
    pub containers: BTreeSet<ContainerName>,
    /// It stops traffic of all containers of the group.
    pub all: bool,
    /// What it stops, one clause each: `from guests to the internet`.
    pub stops: Vec<String>,
    /// Whose it is: `Docker`, or `the table inet filter`.
    pub owner: String,
    /// What stops it: `table ip filter, chain FORWARD, policy drop`.
    pub rule: String,
    /// What to add, as commands for root.
    pub commands: Vec<String>,
    /// What makes that last; empty where the commands do.
    pub lasting: String,
}

impl Obstacle {
    /// One sentence: who stops what, by which rule.
    pub fn sentence(&self) -> String {
        format!(
            "{} stops traffic {} ({})",
            self.owner,
            listed(&self.stops),
            self.rule
        )
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        if self.commands.is_empty() {
            return None;
        }
        let commands: Vec<String> = self.commands.iter().map(|it| format!("`{it}`")).collect();
        let add = format!("add {}", listed(&commands));
        Some(if self.lasting.is_empty() {
            add
        } else {
            format!("{add}; {}", self.lasting)
        })
    }
}

fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Everything that stops something for certain.
pub fn find(ruleset: &Ruleset, model: &Model, facts: &Facts) -> Vec<Obstacle> {
    let bases = bases(ruleset);
    if bases.is_empty() {
        return Vec::new();
    }
    let mut dropped = BTreeMap::new();
    for journey in journeys(model, facts) {
        let Journey {
            group,
            traffic,
            packets,
        } = journey;
        if let Some(by) = first_drop(ruleset, &bases, &packets) {
            dropped.insert((group, traffic), by);
        }
    }
    let mut found: BTreeMap<(GroupName, Blame, Remedy), BTreeSet<Traffic>> = BTreeMap::new();
    for ((group, traffic), (blame, hook)) in &dropped {
        // Who opened the host's port for one protocol knows which one it needs.
        if let Traffic::HostPort(port, _) = traffic {
            let both = [Protocol::Tcp, Protocol::Udp].into_iter().all(|protocol| {
                dropped.contains_key(&(group.clone(), Traffic::HostPort(*port, protocol)))
            });
            if !both {
                continue;
            }
        }
        let Some(declared) = model.groups.get(group) else {
            continue;
        };
        let owner = owner(ruleset, blame);
        let remedy = remedy(ruleset, owner, blame, *hook, declared, facts.link_group);
        let key = (group.clone(), blame.clone(), remedy);
        found.entry(key).or_default().insert(traffic.clone());
    }
    let obstacles = found.into_iter().map(|((group, blame, remedy), traffics)| {
        let Remedy { commands, lasting } = remedy;
        Obstacle {
            group,
            containers: traffics.iter().filter_map(published).cloned().collect(),
            all: traffics.iter().any(|it| published(it).is_none()),
            stops: clauses(&traffics),
            owner: name(owner(ruleset, &blame), &blame.chain.table),
            rule: place(&blame),
            commands,
            lasting,
        }
    });
    obstacles.collect()
}

/// The base chains that could drop anything, each hook's in the order in which packets enter them.
fn bases(ruleset: &Ruleset) -> Vec<(&ChainId, &Base)> {
    let mut bases: Vec<_> = ruleset
        .chains
        .iter()
        .filter_map(|(id, chain)| Some((id, chain.base.as_ref()?)))
        .collect();
    bases.sort_by_key(|(_, base)| base.priority);
    bases
}

fn first_drop(
    ruleset: &Ruleset,
    bases: &[(&ChainId, &Base)],
    packets: &[Packet],
) -> Option<(Blame, Hook)> {
    let mut mark = Some(0);
    let mut state = None;
    for packet in packets {
        // Another packet has no mark yet.
        if state.replace((packet.state, packet.frame)) != Some((packet.state, packet.frame)) {
            mark = Some(0);
        }
        let enters = |id: &ChainId, base: &Base| {
            let family = match id.table.family.as_str() {
                "ip" | "inet" => !packet.frame,
                "bridge" => packet.frame,
                _ => false,
            };
            family && base.hook == packet.hook.as_str()
        };
        for (id, base) in bases.iter().filter(|(id, base)| enters(id, base)) {
            if let Some(blame) = walk(ruleset, id, base, packet, &mut mark) {
                return Some((blame, packet.hook));
            }
        }
    }
    None
}

/// The container whose published port this is.
fn published(traffic: &Traffic) -> Option<&ContainerName> {
    match traffic {
        Traffic::Published(name, ..) | Traffic::PublishedToHost(name, ..) => Some(name),
        Traffic::Internet | Traffic::Group | Traffic::HostPort(..) | Traffic::Reach(..) => None,
    }
}

fn clauses(traffics: &BTreeSet<Traffic>) -> Vec<String> {
    let mut clauses = Vec::new();
    if traffics.contains(&Traffic::Internet) {
        clauses.push("from guests to the internet".to_owned());
    }
    if traffics.contains(&Traffic::Group) {
        clauses.push("from guest to guest in the group".to_owned());
    }
    let host = ports(traffics, |it| match it {
        Traffic::HostPort(port, _) => Some((*port, String::new())),
        _ => None,
    });
    clauses.extend(host.map(|ports| format!("from guests to the host's {ports}")));
    let reached = ports(traffics, |it| match it {
        Traffic::Reach(group, name, protocol, port) => {
            Some((*port, format!("/{} of {group}/{name}", protocol.as_str())))
        }
        _ => None,
    });
    clauses.extend(reached.map(|ports| format!("from guests to {ports}")));
    let published = ports(traffics, |it| match it {
        Traffic::Published(name, protocol, port) => {
            Some((*port, format!("/{} ({name})", protocol.as_str())))
        }
        _ => None,
    });
    clauses.extend(published.map(|ports| format!("from elsewhere to the published {ports}")));
    let to_host = ports(traffics, |it| match it {
        Traffic::PublishedToHost(name, protocol, port) => {
            Some((*port, format!("/{} ({name})", protocol.as_str())))
        }
        _ => None,
    });
    clauses.extend(to_host.map(|ports| format!("from the host to the published {ports}")));
    clauses
}

/// `ports 8080/tcp (web) and 9090/udp (db)`; `None` where it is none.
fn ports(
    traffics: &BTreeSet<Traffic>,
    of: impl Fn(&Traffic) -> Option<(u16, String)>,
) -> Option<String> {
    let found: BTreeSet<(u16, String)> = traffics.iter().filter_map(of).collect();
    let texts = found
        .into_iter()
        .map(|(port, more)| format!("{port}{more}"));
    match texts.collect::<Vec<_>>().as_slice() {
        [] => None,
        [one] => Some(format!("port {one}")),
        many => Some(format!("ports {}", listed(many))),
    }
}

/// `table ip filter, chain FORWARD, policy drop`.
fn place(blame: &Blame) -> String {
    let Blame { chain, rule, .. } = blame;
    let at = format!(
        "table {} {}, chain {}",
        chain.table.family, chain.table.name, chain.name
    );
    match rule {
        None => format!("{at}, policy drop"),
        Some((handle, text)) if text.is_empty() => format!("{at}, rule {handle}"),
        Some((handle, text)) => format!("{at}, rule {handle}: `{text}`"),
    }
}
