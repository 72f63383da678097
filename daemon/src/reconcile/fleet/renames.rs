//! What a person should know who gives a container another name: pure.
//!
//! To ctrd that is one container that leaves and another that comes. The first one's data stays where it
//! is, and the second one starts with none.

use ctr_api::wire::{Action, ContainerPlan};

use crate::model::{Container, ContainerId, Model};
use crate::os::Paths;

/// Adds to a container that leaves how its data goes along to the one that comes in its place.
pub(super) fn note(plans: &mut [ContainerPlan], before: &Model, after: &Model, paths: &Paths) {
    for plan in plans {
        if plan.action != Action::Remove || plan.data.is_empty() || plan.hint.is_some() {
            continue;
        }
        let (Ok(group), Ok(name)) = (plan.group.parse(), plan.name.parse()) else {
            continue;
        };
        let Some(old) = before.container(&ContainerId { group, name }) else {
            continue;
        };
        if let Some(new) = successor(old, before, after) {
            let from = paths.machine_state(&old.machine);
            let to = paths.machine_state(&new.machine);
            plan.hint = Some(format!(
                "if it is to be {} from now on: that one starts without its data. To take it along, \
                 before applying: `ctr {} stop {} && mv {} {}`",
                new.id,
                old.id.group,
                old.id.name,
                from.display(),
                to.display()
            ));
        }
    }
}

/// The one new container that has the address of an old one, or its name in another group.
fn successor<'a>(old: &Container, before: &Model, after: &'a Model) -> Option<&'a Container> {
    let new: Vec<&Container> = after
        .containers()
        .filter(|it| before.container(&it.id).is_none())
        .collect();
    let only = |is: &dyn Fn(&Container) -> bool| {
        let mut found = new.iter().filter(|it| is(it));
        match (found.next(), found.next()) {
            (Some(one), None) => Some(*one),
            _ => None,
        }
    };
    only(&|it| it.address == old.address).or_else(|| only(&|it| it.id.name == old.id.name))
}
