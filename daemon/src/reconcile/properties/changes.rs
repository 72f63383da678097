//! A change disturbs those that it is about, and as little as can be.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::cases;
use super::declarations::{
    CONTAINER_BYTES, GROUP_BYTES, GROUP_LIVE, LIVE, bytes, edited, edits, model,
};
use super::fleet::{Intents, Troubled, apply, assert_declared};
use super::machine::Machine;
use super::written::toml;
use crate::declaration::parse;
use crate::model::Model;
use crate::reconcile::plan::{Intent, Step, plan};

fn running(model: &Arc<Model>, intents: Intents) -> Machine {
    let mut machine = Machine::new();
    let troubled = apply(&mut machine, &Arc::default(), model, intents, 0);
    assert_eq!(troubled, Troubled::new());
    machine.done.clear();
    machine
}

/// What a running guest notices nothing of.
fn is_live(step: &Step) -> bool {
    matches!(
        step,
        Step::EnsureGroup
            | Step::Network(_)
            | Step::OpenFirewall
            | Step::WriteFiles
            | Step::SetLimits
            | Step::SetBounds
            | Step::SetDevices
    )
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn live_keys_restart_nobody(bytes in bytes(), edits in edits(), intents: u16) {
        let intents = Intents(intents & 0x1111);
        let before = Arc::new(model(&bytes));
        let after = edited(&bytes, &edits, GROUP_LIVE..GROUP_BYTES, LIVE..CONTAINER_BYTES);
        let after = Arc::new(model(&after));
        let mut machine = running(&before, intents);
        let had = machine.guests.clone();
        apply(&mut machine, &before, &after, intents, 0);
        assert_declared(&machine, &after, intents, &Troubled::new());
        // Who lacked something may start now.
        let lacked = before.containers().filter(|it| it.missing.is_some());
        let lacked: BTreeSet<_> = lacked.map(|it| (&it.id, &it.machine)).collect();
        for (id, step) in &machine.done {
            let may_start = lacked.iter().any(|(lacked, _)| *lacked == id);
            prop_assert!(may_start || is_live(step), "{}: {}", id, step);
        }
        for (name, guest) in &had {
            let may_start = lacked.iter().any(|(_, machine)| *machine == name);
            prop_assert!(may_start || machine.seen(name).unit == guest.unit);
        }
    }

    #[test]
    fn who_is_declared_as_before_runs_on(
        bytes in bytes(),
        edits in edits(),
        other in super::declarations::bytes(),
    ) {
        let intents = Intents(0);
        let before = Arc::new(model(&bytes));
        let mut after = edited(&bytes, &edits, 0..GROUP_BYTES, 0..CONTAINER_BYTES);
        // The bit of the name servers stays, and those of the metrics change: no container cares for them.
        after.nameservers = bytes.nameservers & 1 | other.nameservers & !1;
        // A whole group is another, or comes, or goes.
        let index = usize::from(other.nameservers) % after.groups.len();
        after.groups[index] = other.groups[index].clone();
        let after = Arc::new(model(&after));
        let mut machine = running(&before, intents);
        let had = machine.guests.clone();
        apply(&mut machine, &before, &after, intents, 0);
        assert_declared(&machine, &after, intents, &Troubled::new());
        for (name, group) in &after.groups {
            let Some(old) = before.groups.get(name) else { continue };
            if (old.subnet, old.host_address) != (group.subnet, group.host_address) {
                continue;
            }
            for (name, container) in &group.containers {
                if old.containers.get(name) != Some(container) || container.missing.is_some() {
                    continue;
                }
                let unit = &had.get(&container.machine).expect("it ran").unit;
                prop_assert_eq!(&machine.seen(&container.machine).unit, unit);
                let mut steps = machine.done.iter().filter(|(id, _)| *id == container.id);
                // The names of others, and nothing else.
                prop_assert!(steps.all(|(_, step)| *step == Step::WriteFiles));
            }
        }
    }

    #[test]
    fn a_plan_is_the_same_however_the_declaration_is_written(
        bytes in bytes(),
        edits in edits(),
        order: u64,
        intents: u16,
    ) {
        let before = Arc::new(model(&bytes));
        let after = model(&edited(&bytes, &edits, 0..GROUP_BYTES, 0..CONTAINER_BYTES));
        let machine = running(&before, Intents(intents & 0x1111));
        let read = parse("declaration.toml", toml(&after, order).as_bytes());
        let (after, read) = (Arc::new(after), Arc::new(read.expect("it is accepted").model));
        for container in after.containers() {
            let plan = |model: &Arc<Model>| {
                let wanted = machine.wanted(model, &container.id, Intent::Run);
                format!("{:?}", plan(&wanted, &machine.observe(&wanted), false))
            };
            prop_assert_eq!(plan(&after), plan(&read));
        }
    }
}
