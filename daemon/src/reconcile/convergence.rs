//! From wherever a container is, its plan leads to where it should be.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use crate::machine::root::State;
use crate::machine::{Active, Ended, Unit, test_container};
use crate::model::{Group, InterfaceName, Model, UserMode};
use crate::network::ObservedContainer;

use super::fake_host::{FakeHost, connected, nothing, state};
use super::host::{Observed, Wanted};
use super::plan::{Intent, Step, plan};
use super::properties::cases;

/// A model of one group with one container, `lab/hello`.
pub(super) fn wanted(intent: Intent) -> Wanted {
    let container = test_container("hello");
    let id = container.id.clone();
    let group = Group {
        name: id.group.clone(),
        description: String::new(),
        subnet: "10.77.3.0/24".parse().expect("a subnet"),
        host_address: "10.77.3.1".parse().expect("an address"),
        bridge: InterfaceName::bridge(&id.group),
        reach: Vec::new(),
        host_ports: Vec::new(),
        containers: BTreeMap::from([(id.name.clone(), container)]),
    };
    let groups = BTreeMap::from([(id.group.clone(), group)]);
    let model = Model {
        nameservers: None,
        metrics: None,
        load_gpu_modules: true,
        groups,
    };
    Wanted::new(Arc::new(model), id, intent, Arc::default())
}

pub(super) fn intents() -> impl Strategy<Value = Intent> {
    prop_oneof![Just(Intent::Run), Just(Intent::Stop), Just(Intent::Remove)]
}

pub(super) fn anything() -> impl Strategy<Value = Observed> {
    let unit = prop_oneof![
        Just(Active::Inactive),
        Just(Active::Active),
        Just(Active::Activating),
        Just(Active::Failed),
    ];
    let flags = proptest::array::uniform8(any::<bool>());
    let users = prop_oneof![Just(UserMode::Own), Just(UserMode::Host)];
    let given = proptest::option::of((users, any::<bool>()));
    (unit, flags, given, any::<bool>()).prop_map(|(active, flags, given, as_declared)| {
        let wanted = wanted(Intent::Run);
        let [
            group,
            network,
            mounted,
            files,
            firewall,
            limits,
            registration,
            credentials,
        ] = flags;
        let up = matches!(active, Active::Active | Active::Activating);
        let declared = if as_declared {
            (*wanted.declared()).clone()
        } else {
            other_declaration()
        };
        Observed {
            state: given.map(|(users, half_given)| State {
                half_given,
                ..state(users)
            }),
            group_ready: group,
            network: if network {
                connected(&wanted.network())
            } else {
                ObservedContainer::default()
            },
            unit: Unit {
                active,
                loaded: active != Active::Inactive,
                declared: (active != Active::Inactive).then_some(declared),
                ended: (active == Active::Failed).then_some(Ended::Status(1)),
                ..Unit::absent()
            },
            stale_registration: registration && !up,
            root_mounted: mounted,
            files_current: files,
            files_any: files,
            credentials_any: credentials,
            firewall_open: firewall,
            firewall_any: firewall,
            limits_current: limits,
            ..nothing()
        }
    })
}

/// The same container with another command.
fn other_declaration() -> crate::machine::Declared {
    let mut wanted = wanted(Intent::Run);
    let model = Arc::make_mut(&mut wanted.model);
    let group = model.groups.get_mut(&wanted.id.group).expect("its group");
    let container = group.containers.get_mut(&wanted.id.name).expect("itself");
    container.address = "10.77.3.99".parse().expect("an address");
    (*wanted.declared()).clone()
}

/// Plans and obeys until there is nothing left; the steps in order.
fn converge(host: &FakeHost, wanted: &Wanted) -> Vec<Step> {
    for _ in 0..12 {
        let mut world = host.world();
        let plan = plan(wanted, &world.observed, false).expect("nothing is in the way");
        if plan.steps.is_empty() && world.observed.unit.active != Active::Activating {
            return world.done.clone();
        }
        for step in &plan.steps {
            if world.obey(wanted, step).is_err() {
                break;
            }
        }
        // What was on its way arrives.
        if world.observed.unit.active == Active::Activating {
            world.observed.unit.active = Active::Active;
        }
    }
    panic!("not converged: {:?}", host.world());
}

pub(super) fn is_there(wanted: &Wanted, observed: &Observed) -> bool {
    let up = observed.unit.active == Active::Active;
    match wanted.intent {
        Intent::Run => {
            up && observed.firewall_open
                && observed.files_current
                && observed.limits_current
                && observed.bounds_current
                && observed.unit.declared.as_ref() == Some(&wanted.declared())
        }
        Intent::Stop => {
            !up && !observed.root_mounted && !observed.firewall_any && !observed.credentials_any
        }
        Intent::Remove => {
            !up && !observed.root_mounted
                && !observed.firewall_any
                && !observed.files_any
                && !observed.credentials_any
                && observed.network == ObservedContainer::default()
        }
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_plan_ends_where_it_should(observed in anything(), intent in intents()) {
        let wanted = wanted(intent);
        let host = FakeHost::new(observed);
        converge(&host, &wanted);
        prop_assert!(is_there(&wanted, &host.world().observed), "{:?}", host.world());
    }

    #[test]
    fn a_step_that_fails_is_made_up_for(
        observed in anything(),
        intent in intents(),
        refused in 0_usize..12,
    ) {
        let wanted = wanted(intent);
        let host = FakeHost::new(observed);
        host.world().refuse_after = Some(refused);
        converge(&host, &wanted);
        prop_assert!(is_there(&wanted, &host.world().observed), "{:?}", host.world());
    }

    #[test]
    fn a_guest_that_is_as_declared_is_never_stopped(observed in anything()) {
        let wanted = wanted(Intent::Run);
        let unit = Unit {
            active: Active::Active,
            loaded: true,
            declared: Some((*wanted.declared()).clone()),
            ..Unit::absent()
        };
        let host = FakeHost::new(Observed { unit, stale_registration: false, ..observed });
        let steps = converge(&host, &wanted);
        prop_assert!(!steps.contains(&Step::StopUnit) && !steps.contains(&Step::StartUnit));
    }

    #[test]
    fn data_is_never_removed(observed in anything(), intent in intents()) {
        let wanted = wanted(intent);
        let host = FakeHost::new(observed.clone());
        converge(&host, &wanted);
        prop_assert!(observed.state.is_none() || host.world().observed.state.is_some());
    }
}
