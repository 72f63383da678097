//! What a person is told about a plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use ctr_api::wire::{Action, ContainerPlan};

use crate::machine::{Active, test_container};
use crate::model::{Container, Program, Root};
use crate::network::ObservedContainer;
use crate::os::Paths;

use super::convergence::wanted;
use super::fake_host::{connected, nothing, state};
use super::host::{Conflict, Observed, Wanted};
use super::plan::Intent;
use super::status::view;

/// The same container, otherwise.
fn otherwise(change: impl FnOnce(&mut Container)) -> Wanted {
    let mut wanted = wanted(Intent::Run);
    let model = Arc::make_mut(&mut wanted.model);
    let group = model.groups.get_mut(&wanted.id.group).expect("its group");
    change(group.containers.get_mut(&wanted.id.name).expect("itself"));
    wanted
}

/// It runs as it is wanted here.
fn running(wanted: &Wanted) -> Observed {
    let mut observed = nothing();
    observed.unit.active = Active::Active;
    observed.unit.loaded = true;
    observed.unit.declared = Some((*wanted.declared()).clone());
    observed.state = Some(state(wanted.container().users));
    observed.network = connected(&wanted.network());
    observed.group_ready = true;
    observed.files_current = true;
    observed.firewall_open = true;
    observed
}

fn told(before: &Wanted, now: &Wanted, observed: Observed) -> ContainerPlan {
    view(now, Some(&before.model), &Paths::default(), Ok(observed))
}

#[track_caller]
fn says(plan: &ContainerPlan, action: Action, changed: &[&str], reason: &str) {
    assert_eq!(
        (
            plan.action,
            &*plan.changed.join(" "),
            plan.reason.as_deref()
        ),
        (action, &*changed.join(" "), Some(reason)),
        "{plan:#?}"
    );
}

#[test]
fn an_edit_that_takes_no_step_is_named() {
    let before = wanted(Intent::Run);
    let now = otherwise(|it| it.description = "x".to_owned());
    let plan = told(&before, &now, running(&before));
    let reason = "description takes effect while it runs";
    says(&plan, Action::Live, &["description"], reason);
    assert!(plan.steps.is_empty());
    let same = told(&before, &before, running(&before));
    assert_eq!((same.action, same.reason), (Action::Nothing, None));
}

#[test]
fn what_nobody_declared_otherwise_is_repaired() {
    let wanted = wanted(Intent::Run);
    let mut observed = running(&wanted);
    observed.network = ObservedContainer::default();
    observed.limits_current = false;
    let plan = told(&wanted, &wanted, observed.clone());
    let reason = "repaired: its network namespace is missing, its link is missing, its limits are \
                  not those declared";
    says(&plan, Action::Live, &[], reason);
    let now = otherwise(|it| it.limits.tasks_max = Some(99));
    observed.network = connected(&wanted.network());
    observed.files_current = false;
    let plan = told(&wanted, &now, observed);
    let reason = "limits.tasks-max takes effect while it runs; repaired: a file that it is given is \
                  not as it should be";
    says(&plan, Action::Live, &["limits.tasks-max"], reason);
}

#[test]
fn a_running_guest_counts_and_not_what_was_declared_last() {
    // Declared otherwise and held, now declared as it runs: there is nothing to restart for.
    let runs = wanted(Intent::Run);
    let held = otherwise(|it| it.ephemeral = true);
    let plan = told(&held, &runs, running(&runs));
    assert_eq!((plan.action, plan.changed.len()), (Action::Nothing, 0));
    // Nothing is declared otherwise, and it runs as something else.
    let plan = told(&runs, &runs, running(&held));
    let reason = "a running guest cannot follow a change of ephemeral";
    says(&plan, Action::Restart, &["ephemeral"], reason);
}

#[test]
fn a_key_of_a_digest_is_named_exactly_where_it_is_known() {
    let before = wanted(Intent::Run);
    let now = otherwise(|it| {
        if let Program::Command { user, .. } = &mut it.program {
            *user = Some("daemon".to_owned());
        }
    });
    let plan = told(&before, &now, running(&before));
    let reason = "a running guest cannot follow a change of user";
    says(&plan, Action::Restart, &["user"], reason);
    // ctrd came back with the new declaration: the unit says which digest differs.
    let plan = told(&now, &now, running(&before));
    let reason = "a running guest cannot follow a change of command";
    says(&plan, Action::Restart, &["command"], reason);
}

#[test]
fn a_switch_says_what_else_changes() {
    let nixos = |system: &'static str, description: &'static str| {
        otherwise(move |it| {
            it.root = Root::Nixos(system.into());
            it.description = description.to_owned();
            it.program = Program::Boot {
                enable: Vec::new(),
                environment: BTreeMap::new(),
            };
        })
    };
    let before = nixos("/nix/store/a", "");
    let now = nixos("/nix/store/b", "new");
    let plan = told(&before, &now, running(&before));
    let reason =
        "it switches to the new system while it runs; description takes effect while it runs";
    says(
        &plan,
        Action::Switch,
        &["description", "root.nixos"],
        reason,
    );
}

#[test]
fn what_does_not_run_counts_from_its_next_start() {
    let mut before = wanted(Intent::Run);
    before.intent = Intent::Stop;
    let mut now = otherwise(|it| {
        it.ephemeral = true;
        it.description = "x".to_owned();
    });
    now.intent = Intent::Stop;
    let plan = told(&before, &now, nothing());
    let reason = "it does not run: description and ephemeral count from its next start";
    says(&plan, Action::Live, &["description", "ephemeral"], reason);
}

#[test]
fn the_names_of_others_are_a_reason() {
    let before = wanted(Intent::Run);
    let mut now = wanted(Intent::Run);
    let mut other = test_container("other");
    other.address = "10.77.3.12".parse().expect("an address");
    let model = Arc::make_mut(&mut now.model);
    let group = model.groups.get_mut(&now.id.group).expect("its group");
    group.containers.insert(other.id.name.clone(), other);
    let mut observed = running(&before);
    observed.files_current = false;
    let plan = told(&before, &now, observed);
    says(
        &plan,
        Action::Live,
        &[],
        "the names of other containers changed",
    );
}

#[test]
fn a_guest_that_is_held_says_what_for() {
    let before = wanted(Intent::Run);
    let now = otherwise(|it| it.ephemeral = true);
    let mut observed = running(&before);
    observed.conflict = Some(Conflict {
        reason: "/srv/www is gone".to_owned(),
        hint: None,
    });
    let plan = told(&before, &now, observed);
    let reason = "it runs on as it is: /srv/www is gone";
    says(&plan, Action::Nothing, &["ephemeral"], reason);
}

#[test]
fn a_guest_that_has_just_started_is_no_drift() {
    let wanted = wanted(Intent::Run);
    let mut observed = running(&wanted);
    observed.bounds_current = false;
    let plan = told(&wanted, &wanted, observed);
    assert_eq!((plan.action, plan.reason), (Action::Nothing, None));
    assert_eq!(plan.steps, ["set the bounds of the guest's users"]);
}
