//! Which keys of a container changed, and why its plan is what it is, in a sentence: pure.

use std::fmt;

use ctr_api::wire::Action;

use crate::model::Model;
use crate::model::change::{Change, Class, Key, changes};
use crate::network;

use super::host::Wanted;
use super::plan::{Plan, Step};

/// What a declaration says otherwise about a container than the one before it.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Its keys, and those of its group and host that count for it.
    keys: Vec<Change>,
    /// The names or addresses of others that it knows.
    neighbours: bool,
}

impl Difference {
    /// Between the declaration before, if there was one, and what is wanted.
    pub(super) fn between(before: Option<&Model>, wanted: &Wanted) -> Self {
        // Most plans are of the declaration that is in force: nothing is written out for those.
        let after: &Model = &wanted.model;
        let Some(before) = before.filter(|before| !std::ptr::eq(*before, after)) else {
            return Self::default();
        };
        let hosts = |model: &Model| Some(network::hosts(model, model.container(&wanted.id)?));
        Self {
            keys: changes(before, after, &wanted.id),
            neighbours: !network::same_names(before, after) && hosts(before) != hosts(after),
        }
    }

    fn has(&self, keys: &[Key]) -> bool {
        self.keys.iter().any(|it| keys.contains(&it.key))
    }

    /// The keys to name for a plan.
    ///
    /// What a running guest cannot follow is what its unit says, and not what was declared last: it
    /// may still run as an earlier declaration had it. The declarations only tell more exactly which
    /// key of a digest it was.
    pub(super) fn named(&self, plan: &Plan, up: bool) -> Vec<Change> {
        if !up {
            return self.keys.clone();
        }
        let mut named = Vec::new();
        for change in &plan.changed {
            let same = |it: &&Change| {
                change.key.digest().is_some() && it.key.digest() == change.key.digest()
            };
            let exactly: Vec<Change> = self.keys.iter().filter(same).cloned().collect();
            if exactly.is_empty() {
                named.push(change.clone());
            }
            named.extend(exactly);
        }
        let followed = |it: &&Change| matches!(it.class(), Class::Live | Class::Later);
        named.extend(self.keys.iter().filter(followed).cloned());
        named.sort();
        named.dedup();
        named
    }

    /// What is not as it should be, and was not declared otherwise: somebody changed it.
    fn drift(&self, step: &Step) -> Option<String> {
        let said = |text: &str| Some(text.to_owned());
        match step {
            Step::EnsureGroup if !self.has(&[Key::Subnet, Key::HostAddress]) => {
                said("its group's bridge is not as it should be")
            }
            Step::Network(step) if !self.has(&[Key::Address, Key::Subnet, Key::HostAddress]) => {
                Some(network_drift(step))
            }
            Step::OpenFirewall if !self.has(&[Key::Ports, Key::PortPublish]) => {
                said("the firewall lacks what belongs to it")
            }
            Step::SetLimits if !self.has(LIMITS) => said("its limits are not those declared"),
            Step::WriteFiles if !self.neighbours && !self.has(GIVEN) => {
                said("a file that it is given is not as it should be")
            }
            _ => None,
        }
    }

    /// Why a container is changed without a stop.
    fn live(&self, plan: &Plan, named: &[Change]) -> Vec<String> {
        let mut parts = Vec::new();
        let of = |class: Class| -> Vec<Change> {
            let of = named.iter().filter(|it| it.class() == class);
            of.cloned().collect()
        };
        let (live, later) = (of(Class::Live), of(Class::Later));
        if !live.is_empty() {
            let take = one_or_more(&live, "takes", "take");
            parts.push(format!("{} {take} effect while it runs", list(&live)));
        }
        if !later.is_empty() {
            let matter = one_or_more(&later, "matters", "matter");
            parts.push(format!("{} {matter} the next time", list(&later)));
        }
        if plan.steps.contains(&Step::WriteFiles) && self.neighbours {
            parts.push("the names of other containers changed".to_owned());
        }
        let mut drift: Vec<String> = plan.steps.iter().filter_map(|it| self.drift(it)).collect();
        drift.dedup();
        if !drift.is_empty() {
            parts.push(format!("repaired: {}", drift.join(", ")));
        }
        parts
    }
}

/// What is given to a guest as files.
const GIVEN: &[Key] = &[Key::FileText, Key::FileMode, Key::Aliases, Key::Nameservers];

const LIMITS: &[Key] = &[
    Key::MemoryMax,
    Key::MemoryHigh,
    Key::Cpus,
    Key::CpuWeight,
    Key::TasksMax,
];

fn network_drift(step: &network::Step) -> String {
    match step {
        network::Step::CreateNamespace { .. } => "its network namespace is missing".to_owned(),
        network::Step::BindNamespace { .. } => "its network namespace has lost its name".to_owned(),
        network::Step::Connect(_) => "its link is missing".to_owned(),
        network::Step::SetUp { interface, .. } => format!("{interface} is switched off"),
        network::Step::AddAddress { interface, .. } => format!("{interface} lacks its address"),
        network::Step::SetDefaultRoute { .. } => "its way out is missing".to_owned(),
        network::Step::SetPort { .. } => "its link is not at its bridge".to_owned(),
        _ => "its network is not as it should be".to_owned(),
    }
}

/// Why a container's plan is what it is; nothing where there is nothing to say.
pub(super) fn reason(
    action: Action,
    plan: &Plan,
    named: &[Change],
    difference: &Difference,
    up: bool,
) -> Option<String> {
    let parts = match action {
        Action::Nothing => return None,
        Action::Restart => {
            let (stopping, following): (Vec<Change>, Vec<Change>) = named
                .iter()
                .cloned()
                .partition(|it| matches!(it.class(), Class::Switch | Class::Restart));
            if stopping.is_empty() {
                return None;
            }
            let keys = list(&stopping);
            let mut parts = vec![format!("a running guest cannot follow a change of {keys}")];
            if !following.is_empty() {
                parts.push(format!("{} alone would not stop it", list(&following)));
            }
            parts
        }
        Action::Switch => {
            let mut parts = vec!["it switches to the new system while it runs".to_owned()];
            parts.extend(difference.live(plan, named));
            parts
        }
        Action::Live if up => difference.live(plan, named),
        Action::Live => {
            let count = one_or_more(named, "counts", "count");
            vec![format!(
                "it does not run: {} {count} from its next start",
                list(named)
            )]
        }
        Action::Start => vec!["it is declared to run and does not".to_owned()],
        Action::Stop => vec!["it was asked to stop".to_owned()],
        Action::Remove => vec!["it is not declared any more".to_owned()],
    };
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// `a, b and c`.
pub(super) fn list(items: &[impl fmt::Display]) -> String {
    let words: Vec<String> = items.iter().map(ToString::to_string).collect();
    match words.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn one_or_more<'a, T>(items: &[T], one: &'a str, more: &'a str) -> &'a str {
    if items.len() == 1 { one } else { more }
}
