//! From any state of a host, any declaration is reached, and reached again.

use std::sync::Arc;

use proptest::prelude::*;

use super::cases;
use super::damage::{Damage, damages, happen};
use super::declarations::{Bytes, bytes, edited, edits, model};
use super::fleet::{Intents, Troubled, apply, assert_declared, assert_gone};
use super::machine::{Machine, Refused};
use crate::machine::Unit;
use crate::model::Model;
use crate::network::fake_kernel::{FakeKernel, is_ours};

/// A host with a past: a declaration that was applied, and what happened since.
#[derive(Debug, Clone)]
struct Past {
    before: Bytes,
    damages: Vec<Damage>,
    intents: u16,
    order: usize,
}

fn past() -> impl Strategy<Value = Past> {
    let parts = (bytes(), damages(), any::<u16>(), 0_usize..12);
    parts.prop_map(|(before, damages, intents, order)| Past {
        before,
        damages,
        intents,
        order,
    })
}

/// What comes after it: the same with some bytes changed, or another.
fn future(past: &Past, edits: &[super::declarations::Edit], other: Option<Bytes>) -> Arc<Model> {
    let after = other.unwrap_or_else(|| {
        let mut after = edited(&past.before, edits, 0..5, 0..18);
        // Somebody comes, somebody goes.
        for (index, group) in after.groups.iter_mut().enumerate() {
            match edits.get(index).map(|edit| edit.2 % 8) {
                Some(0) => *group = None,
                Some(1) => {
                    if let Some(group) = group {
                        group.containers.rotate_left(1);
                    }
                }
                _ => {}
            }
        }
        after
    });
    Arc::new(model(&after))
}

impl Past {
    fn intents(&self) -> Intents {
        // Most of them run.
        Intents(self.intents & self.intents.rotate_left(5))
    }

    fn machine(&self) -> (Machine, Arc<Model>) {
        let mut machine = Machine::new();
        let before = Arc::new(model(&self.before));
        let troubled = apply(
            &mut machine,
            &Arc::default(),
            &before,
            self.intents(),
            self.order,
        );
        assert_eq!(troubled, Troubled::new(), "on an empty host");
        happen(&mut machine, &before, &self.damages);
        machine.done.clear();
        (machine, before)
    }
}

/// Takes away what was in the way.
fn make_way(machine: &mut Machine) {
    for guest in machine.guests.values_mut() {
        guest.broken = false;
        guest.secret = guest.secret.or(Some(0));
        if guest.unit.is_foreign() {
            guest.unit = Unit::absent();
        }
    }
    let uplinks = FakeKernel::new().host;
    let kernel = &mut machine.kernel;
    let keep = |name: &str| uplinks.links.iter().any(|it| it.name == name);
    kernel.host.links.retain(|it| keep(&it.name) || is_ours(it));
    kernel
        .host
        .addresses
        .retain(|it| it.0 != 2 || uplinks.addresses.contains(it));
    let (_, foreign) = kernel.foreign();
    for (name, _) in foreign {
        kernel.namespaces.remove(&name);
    }
}

fn is_free(machine: &Machine) -> bool {
    let mut free = machine.clone();
    make_way(&mut free);
    free.guests == machine.guests
        && free.kernel.host == machine.kernel.host
        && free.kernel.namespaces == machine.kernel.namespaces
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn any_declaration_is_reached_from_any_state(
        past in past(),
        edits in edits(),
        other in proptest::option::of(bytes()),
    ) {
        let (mut machine, before) = past.machine();
        let after = future(&past, &edits, other);
        let (foreign, had) = (machine.kernel.foreign(), machine.clone());
        let free = is_free(&machine);

        let troubled = apply(&mut machine, &before, &after, past.intents(), past.order);
        assert_declared(&machine, &after, past.intents(), &troubled);
        assert_gone(&machine, &before, &after);
        prop_assert!(troubled.is_empty() || !free, "{troubled:?}");
        // Nothing of others was changed, and no data went.
        prop_assert_eq!(machine.kernel.foreign(), foreign);
        for (name, guest) in &had.guests {
            prop_assert!(guest.state.is_none() || machine.seen(name).state.is_some());
            prop_assert!(!guest.unit.is_foreign() || machine.seen(name).unit == guest.unit);
        }

        // Once more, there is nothing to do.
        machine.done.clear();
        let again = apply(&mut machine, &after, &after, past.intents(), past.order);
        prop_assert_eq!(&again, &troubled);
        machine.done.retain(|(id, _)| !troubled.contains(id));
        prop_assert_eq!(&machine.done, &[]);

        // And when nothing is in the way any more, all of it.
        make_way(&mut machine);
        let troubled = apply(&mut machine, &after, &after, past.intents(), past.order);
        prop_assert_eq!(&troubled, &Troubled::new());
        assert_declared(&machine, &after, past.intents(), &troubled);
        assert_gone(&machine, &before, &after);
    }

    #[test]
    fn a_step_that_fails_once_is_made_up_for(
        past in past(),
        edits in edits(),
        other in proptest::option::of(bytes()),
        refused in 0_usize..40,
    ) {
        let (mut machine, before) = past.machine();
        make_way(&mut machine);
        let after = future(&past, &edits, other);
        machine.refused = Refused::After(refused);
        // A round that failed is followed by another, as a task does it after its pause.
        let troubled = apply(&mut machine, &before, &after, past.intents(), past.order);
        assert_declared(&machine, &after, past.intents(), &troubled);
        let troubled = apply(&mut machine, &before, &after, past.intents(), past.order);
        prop_assert_eq!(&troubled, &Troubled::new());
        assert_declared(&machine, &after, past.intents(), &troubled);
        assert_gone(&machine, &before, &after);
    }

    #[test]
    fn one_that_fails_for_ever_holds_up_nobody_else(
        past in past(),
        edits in edits(),
        other in proptest::option::of(bytes()),
        victim in any::<proptest::sample::Index>(),
        name in proptest::sample::select(vec![
            "Network", "PrepareRoot", "WriteFiles", "OpenFirewall", "StartUnit", "EnsureGroup", "another",
        ]),
    ) {
        let (mut machine, before) = past.machine();
        make_way(&mut machine);
        let after = future(&past, &edits, other);
        let ids: Vec<_> = after.containers().map(|it| it.id.clone()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let victim = ids[victim.index(ids.len())].clone();
        machine.refused = Refused::Always(victim.clone(), name);
        let troubled = apply(&mut machine, &before, &after, past.intents(), past.order);
        prop_assert!(troubled.iter().all(|it| *it == victim), "{troubled:?}");
        assert_declared(&machine, &after, past.intents(), &[victim].into());
        machine.refused = Refused::Nothing;
        let troubled = apply(&mut machine, &after, &after, past.intents(), past.order);
        prop_assert_eq!(&troubled, &Troubled::new());
        assert_declared(&machine, &after, past.intents(), &troubled);
    }

    #[test]
    fn who_comes_first_decides_nothing(
        past in past(),
        edits in edits(),
        other in proptest::option::of(bytes()),
        order in 0_usize..12,
    ) {
        let (mut one, before) = past.machine();
        make_way(&mut one);
        let mut two = one.clone();
        let after = future(&past, &edits, other);
        // As fast as in the first, and only the order differs.
        let order = order * 3 + past.order % 3;
        apply(&mut one, &before, &after, past.intents(), past.order);
        apply(&mut two, &before, &after, past.intents(), order);
        prop_assert_eq!(&one.guests, &two.guests);
        prop_assert_eq!(&one.tables, &two.tables);
        prop_assert_eq!(&one.open, &two.open);
    }
}
