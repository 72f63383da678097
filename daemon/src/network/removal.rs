//! The steps that take away what nothing declares any more.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::desired::{Attachment, alias};
use super::observed::{Marked, ObservedContainer, ObservedNamespace};
use super::plan::delete_link;
use super::step::Step;
use crate::model::{InterfaceName, Model};
use crate::os::netns_name;

/// The steps that take a container's network away. The link goes first: a namespace that is
/// deleted takes its veth with it only some time later, and a container of the same name made in
/// between would find its veth's name taken.
pub fn plan_container_removal(desired: &Attachment, observed: &ObservedContainer) -> Vec<Step> {
    let mut steps = Vec::new();
    let ours = observed
        .veth
        .as_ref()
        .is_some_and(|link| link.is_marked("veth", &desired.alias));
    if ours {
        steps.push(delete_link(desired.veth.as_str(), &desired.alias));
    }
    if matches!(observed.namespace, ObservedNamespace::Ours(_)) {
        steps.push(Step::DeleteNamespace {
            namespace: desired.namespace.clone(),
        });
    }
    steps
}

/// What takes one thing's network away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// The group or machine that its mark names.
    pub name: String,
    /// The steps.
    pub steps: Vec<Step>,
}

/// What takes everything away that carries our mark and that nothing declares.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Removals {
    /// Per machine; the machine itself is stopped before.
    pub containers: Vec<Removal>,
    /// Per group, after its containers.
    pub groups: Vec<Removal>,
}

impl Removals {
    /// There is nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.groups.is_empty()
    }

    /// All steps, in an order that works. With many links this deletes them in one go: the kernel
    /// waits a grace period (some 16 ms) for every deletion, but only once for a whole group of
    /// links. Only valid where `marked` is everything there is, so that nothing of it stays.
    pub fn at_once(&self, marked: &Marked) -> Vec<Step> {
        let all = self
            .containers
            .iter()
            .chain(&self.groups)
            .flat_map(|removal| &removal.steps);
        let (links, rest): (Vec<_>, Vec<_>) = all
            .cloned()
            .partition(|step| matches!(step, Step::DeleteLink { .. }));
        if links.len() < 2 || links.len() < marked.links.len() {
            return links.into_iter().chain(rest).collect();
        }
        let interfaces = marked.links.iter().map(|link| link.name.clone()).collect();
        std::iter::once(Step::DeleteAllLinks { interfaces })
            .chain(rest)
            .collect()
    }
}

/// What of the marked things `model` does not declare: everything there is where it declares nothing, for
/// `down`.
pub fn plan_removals(model: &Model, marked: &Marked) -> Removals {
    let bridges: BTreeSet<&str> = model.groups.values().map(|it| it.bridge.as_str()).collect();
    let (mut veths, mut namespaces) = (BTreeSet::new(), BTreeSet::new());
    for container in model.containers() {
        veths.insert(InterfaceName::veth(&container.machine).to_string());
        namespaces.insert(netns_name(&container.machine));
    }
    let mut groups: BTreeMap<String, Vec<Step>> = BTreeMap::new();
    let mut containers: BTreeMap<String, Vec<Step>> = BTreeMap::new();
    for link in &marked.links {
        let name = link.name.as_str();
        let (is_declared, removals) = if link.kind.as_deref() == Some("bridge") {
            (bridges.contains(name), &mut groups)
        } else {
            (veths.contains(name), &mut containers)
        };
        if !is_declared {
            let mark = link.alias.clone().unwrap_or_else(|| alias(&link.name));
            let name = mark.strip_prefix("ctr:").unwrap_or(&mark).to_owned();
            removals
                .entry(name)
                .or_default()
                .push(delete_link(&link.name, &mark));
        }
    }
    for namespace in &marked.namespaces {
        if !namespaces.contains(&namespace.name) {
            containers
                .entry(namespace.machine.clone())
                .or_default()
                .push(Step::DeleteNamespace {
                    namespace: namespace.name.clone(),
                });
        }
    }
    let list = |removals: BTreeMap<String, Vec<Step>>| {
        removals
            .into_iter()
            .map(|(name, steps)| Removal { name, steps })
            .collect()
    };
    Removals {
        containers: list(containers),
        groups: list(groups),
    }
}
