//! All containers of a declaration, each in rounds of its own, as `fleet` and the tasks have them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::machine::Active;
use crate::model::{Bind, Container, ContainerId, InterfaceName, MachineName, Model, Root};
use crate::network::{self, Attachment};
use crate::reconcile::host::{Wanted, running_as};
use crate::reconcile::open_firewall::elements;
use crate::reconcile::plan::{Intent, Step, plan, removal};

use super::machine::{Guest, Machine};

/// More than any start from any state has taken.
const ROUNDS: usize = 10;

/// Those that could not be brought to where they should be.
pub(super) type Troubled = BTreeSet<ContainerId>;

/// Who runs: all but those that a person stopped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intents(pub(super) u16);

impl Intents {
    pub(super) fn of(self, id: &ContainerId) -> Intent {
        let digest = id.to_string().bytes().fold(0_u32, |sum, it| {
            sum.wrapping_mul(31).wrapping_add(it.into())
        });
        if self.0 >> (digest % 16) & 1 == 1 {
            Intent::Stop
        } else {
            Intent::Run
        }
    }
}

/// Makes `model` so on a host where `before` was declared. `order` decides who comes first.
pub(super) fn apply(
    machine: &mut Machine,
    before: &Arc<Model>,
    model: &Arc<Model>,
    intents: Intents,
    order: usize,
) -> Troubled {
    for group in model.groups.values() {
        // What is in the way of a group is seen again by each of its containers.
        let _ = machine.ensure_group(group);
    }
    open_firewall(machine, model);
    let leaving: Vec<Wanted> = before
        .containers()
        .filter(|it| model.container(&it.id).is_none())
        .map(|it| machine.wanted(before, &it.id, Intent::Remove))
        .collect();
    let mut troubled = in_rounds(machine, &leaving, order);
    sweep(machine, model);
    let mut staying: Vec<Wanted> = model
        .containers()
        .map(|it| machine.wanted(model, &it.id, intents.of(&it.id)))
        .collect();
    if !staying.is_empty() {
        let first = order % staying.len();
        staying.rotate_left(first);
        if order % 2 == 1 {
            staying.reverse();
        }
    }
    let begun = machine.done.len();
    troubled.extend(in_rounds(machine, &staying, order));
    for (id, step) in &machine.done[begun..] {
        let lacks = lacks(model.container(id).expect("declared"), intents);
        assert!(!lacks || !starts_or_stops(step), "{id}: {step}");
    }
    troubled
}

/// It should run, and is declared not to be complete.
fn lacks(container: &Container, intents: Intents) -> bool {
    container.missing.is_some() && intents.of(&container.id) == Intent::Run
}

fn starts_or_stops(step: &Step) -> bool {
    matches!(
        step,
        Step::StartUnit | Step::StopUnit | Step::KillUnit | Step::SwitchSystem
    )
}

fn open_firewall(machine: &mut Machine, model: &Arc<Model>) {
    machine.model = model.clone();
    let mut open = BTreeMap::new();
    for (id, container) in model.containers().map(|it| (&it.id, it)) {
        if machine.open.contains_key(id) || machine.seen(&container.machine).unit.loaded {
            let group = model.groups.get(&id.group).expect("its group");
            open.insert(id.clone(), elements(group, container));
        }
    }
    machine.open = open;
    machine.converge_firewall();
}

/// Round after round for each of them, until nobody has anything to do or can do it.
fn in_rounds(machine: &mut Machine, all: &[Wanted], order: usize) -> Troubled {
    let mut all = all.to_vec();
    let mut troubled = Troubled::new();
    for _ in 0..ROUNDS {
        troubled.clear();
        let mut idle = true;
        for wanted in &mut all {
            let observed = machine.observe(wanted);
            let Ok(planned) = plan(wanted, &observed, false) else {
                troubled.insert(wanted.id.clone());
                continue;
            };
            // What is declared to be missing is no trouble: it is to stay as it is.
            if planned.held.is_some() && wanted.container().missing.is_none() {
                troubled.insert(wanted.id.clone());
            }
            let under_way = matches!(
                observed.unit.active,
                Active::Activating | Active::Deactivating
            );
            idle &= planned.steps.is_empty() && !under_way;
            for step in &planned.steps {
                if machine.obey(wanted, step).is_err() {
                    troubled.insert(wanted.id.clone());
                    break;
                }
                if *step == Step::MakeSecrets {
                    *wanted = machine.wanted(&wanted.model, &wanted.id, wanted.intent);
                }
            }
        }
        if idle {
            return troubled;
        }
        if !order.is_multiple_of(3) {
            machine.settle();
        }
        if order % 3 != 1 {
            machine.settle();
        }
    }
    troubled
}

/// Takes away what an earlier ctrd left and nobody declares.
fn sweep(machine: &mut Machine, model: &Arc<Model>) {
    let declared: BTreeSet<MachineName> = model.containers().map(|it| it.machine.clone()).collect();
    let machines: Vec<MachineName> = machine.guests.keys().cloned().collect();
    for name in machines.into_iter().filter(|it| !declared.contains(it)) {
        if machine.seen(&name).unit.is_foreign() {
            continue;
        }
        machine.end(&name, None);
        let guest = machine.guest(&name);
        guest.root_mounted = false;
        guest.files = None;
        guest.credentials_given = false;
        guest.gc_roots = guest.gc_roots.for_system(None, false);
    }
    let marked = machine.kernel.observe_marked();
    let removals = network::plan_removals(model, &marked);
    for step in removals.at_once(&marked) {
        let done = machine.kernel.obey(&step);
        assert_eq!(done, Ok(()), "{step}");
    }
    let marked = machine.kernel.observe_marked();
    let removals = network::plan_removals(model, &marked);
    assert!(removals.is_empty(), "{removals:?}");
}

/// All that holds of a host on which `model` is declared, but for the troubled.
pub(super) fn assert_declared(
    machine: &Machine,
    model: &Arc<Model>,
    intents: Intents,
    troubled: &Troubled,
) {
    for container in model.containers().filter(|it| !troubled.contains(&it.id)) {
        let wanted = machine.wanted(model, &container.id, intents.of(&container.id));
        let observed = machine.observe(&wanted);
        let planned = plan(&wanted, &observed, false).expect("nothing is in the way");
        assert!(planned.steps.is_empty(), "{}: {planned:?}", container.id);
        let guest = machine.seen(&container.machine);
        let lacks = lacks(container, intents);
        if lacks && guest.unit.loaded {
            // It ran before that was declared.
            assert_eq!(guest.unit.active, Active::Active);
        } else if wanted.intent == Intent::Run && !lacks {
            assert_runs(machine, &wanted);
        } else if !guest.unit.is_foreign() {
            assert!(!guest.unit.loaded && !guest.root_mounted && !guest.credentials_given);
            assert!(guest.registered.is_none() && !machine.open.contains_key(&container.id));
        }
    }
}

fn assert_runs(machine: &Machine, wanted: &Wanted) {
    let container = wanted.container();
    let guest = machine.seen(&container.machine);
    assert_eq!(guest.unit.active, Active::Active);
    let declared = running_as(&guest.unit, guest.switched.as_deref()).expect("ours");
    assert!(declared.changed(&wanted.declared()).is_empty());
    assert_is(guest, container);
    assert_eq!(guest.limits, container.limits);
    assert!(guest.bounded && guest.root_mounted && guest.registered.is_some());
    assert!(guest.state.is_some_and(|it| it.fits(container.users)));
    if let Some(offer) = machine.observe(wanted).offer {
        assert_eq!(guest.nodes, offer.delivery.nodes);
    }
    let attachment = wanted.network();
    let kernel = &machine.kernel;
    let link = |name: &str| kernel.host.seen(name).expect("it is there");
    let bridge = link(attachment.bridge.as_str());
    let veth = link(attachment.veth.as_str());
    assert!(bridge.up && veth.up && veth.hairpin && veth.controller == Some(bridge.index));
    let gateway = ipnet::Ipv4Net::new_assert(attachment.gateway, attachment.address.prefix_len());
    assert!(kernel.host.addresses.contains(&(bridge.index, gateway)));
    let space = kernel.namespaces.get(&attachment.namespace);
    let space = space.expect("its namespace");
    let eth0 = space.seen(Attachment::INSIDE).expect("its end");
    assert!(eth0.up && eth0.peer == Some(veth.index) && eth0.mac == Some(attachment.mac));
    assert_eq!(space.addresses, [(eth0.index, attachment.address)]);
    let route = space.default_route.as_ref().expect("a way out");
    assert_eq!(route.gateway, Some(attachment.gateway));
    let elements = machine.tables.elements();
    for element in crate::reconcile::open_firewall::elements(wanted.group(), container) {
        assert!(elements.contains(&element), "{element}");
    }
}

/// What a running guest cannot follow is as it was when it was started.
fn assert_is(guest: &Guest, container: &Container) {
    let runs = guest.runs.as_ref().expect("it was started");
    let root = match &guest.switched {
        Some(system) => &Root::Nixos(system.clone()),
        None => &runs.root,
    };
    assert_eq!(root, &container.root);
    assert_eq!(runs.program, container.program);
    assert_eq!(runs.address, container.address);
    assert_eq!(runs.ephemeral, container.ephemeral);
    assert_eq!(runs.users, container.users);
    assert_eq!(runs.capabilities, container.capabilities);
    assert!(runs.files.keys().eq(container.files.keys()));
    assert!(runs.credentials.keys().eq(container.credentials.keys()));
    let mounted = |bind: &Bind| {
        let Bind {
            host,
            guest,
            read_only,
            create: _,
            data: _,
            owner,
            host_owner,
        } = bind.clone();
        (host, guest, read_only, owner, host_owner)
    };
    let binds = container.binds.iter().map(mounted);
    assert!(runs.binds.iter().map(mounted).eq(binds));
}

/// Nothing is left of what is declared no more, but its data.
pub(super) fn assert_gone(machine: &Machine, before: &Arc<Model>, model: &Arc<Model>) {
    for container in before
        .containers()
        .filter(|it| model.container(&it.id).is_none())
    {
        let guest = machine.seen(&container.machine);
        assert!(guest.unit.is_foreign() || !guest.unit.loaded, "{guest:?}");
        assert!(guest.files.is_none());
        assert!(!guest.gc_roots.any(), "{:?}", guest.gc_roots);
        // Who has our name may stand in what is mounted: it goes when he has gone.
        if !guest.unit.is_foreign() {
            assert!(!guest.root_mounted && !guest.credentials_given);
        }
        let wanted = machine.wanted(before, &container.id, Intent::Remove);
        let left = removal(&wanted, &machine.observe(&wanted));
        assert!(left.is_empty(), "{left:?}");
    }
    let marked = machine.kernel.observe_marked();
    let bridges = model.groups.values().map(|it| it.bridge.to_string());
    let veths = model
        .containers()
        .map(|it| InterfaceName::veth(&it.machine).to_string());
    let declared: BTreeSet<String> = bridges.chain(veths).collect();
    for link in marked.links {
        assert!(declared.contains(&link.name), "{link:?}");
    }
}
