//! `daemon/tests/plan_cases/<sentence>/`: what is observed, and the plan that must come of it.
//!
//! `observed.toml` starts from a host that has never heard of the container (`from = "nothing"`) or
//! from one where it runs as declared (`from = "running"`) and says what differs. `plan.txt` is the
//! plan, a step a line, as `ctr plan -v` prints it; `CTR_BLESS=1` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::machine::credentials::{Credentials, Refusal, Taken};
use crate::machine::{Active, Ended, Unit};
use crate::model::{Missing, Program, Root, UserMode};
use crate::network::ObservedContainer;

use super::convergence::wanted;
use super::fake_host::{FakeHost, asks_for_nvidia, connected, lacking_uvm, nothing, ready, state};
use super::host::{Conflict, Observed, Wanted};
use super::plan::{Intent, plan};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is one line of a case")]
struct Case {
    intent: String,
    from: String,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    forced: bool,
    #[serde(default)]
    foreign: bool,
    #[serde(default)]
    conflict: Option<String>,
    /// What its declaration says that it lacks.
    #[serde(default)]
    missing: Option<String>,
    #[serde(default)]
    network_lost: bool,
    #[serde(default)]
    firewall_lost: bool,
    #[serde(default)]
    files_stale: bool,
    #[serde(default)]
    limits_differ: bool,
    #[serde(default)]
    unbounded: bool,
    /// It asks for a graphics processor, and what that takes is not there.
    #[serde(default)]
    gpu_lacking: bool,
    /// It starts without.
    #[serde(default)]
    gpu_optional: bool,
    #[serde(default)]
    devices_differ: bool,
    #[serde(default)]
    stale_registration: bool,
    #[serde(default)]
    command_changed: bool,
    #[serde(default)]
    users_changed: bool,
    /// What is read of the one credential of the container; a guest that runs got `ready` of it.
    #[serde(default)]
    credential: Option<String>,
    /// The guest that runs got no credential.
    #[serde(default)]
    credential_added: bool,
    #[serde(default)]
    credentials_left: bool,
    /// The root is the NixOS system `new`; the guest that runs was started with this one.
    #[serde(default)]
    nixos: Option<String>,
    /// It runs a command on that root, and does not boot it.
    #[serde(default)]
    nixos_command: bool,
    /// What Nix's collector is kept from: the system that boots next, and those that a guest may still use.
    #[serde(default)]
    gc_roots: Option<Vec<String>>,
    /// The guest has switched to this system since.
    #[serde(default)]
    switched_to: Option<String>,
}

fn credentials(word: &str) -> Credentials {
    let taken = match word {
        "ready" | "changed" => ready(word),
        "unmade" => Taken::Unmade,
        "refused" => Taken::Refused(Refusal {
            reason: "/run/secrets/db does not exist".to_owned(),
            hint: None,
        }),
        other => panic!(
            "credential = {other:?}: write \"ready\", \"changed\", \"unmade\" or \"refused\""
        ),
    };
    [("db".parse().expect("a name"), taken)]
        .into_iter()
        .collect()
}

/// The container as it is meant to be.
fn wanted_in(case: &Case, intent: Intent) -> Wanted {
    let mut wanted = wanted(intent);
    if case.nixos.is_some() {
        nixos(&mut wanted, "new", case.nixos_command);
    }
    if case.gpu_lacking {
        let model = Arc::make_mut(&mut wanted.model);
        let group = model.groups.get_mut(&wanted.id.group).expect("its group");
        let container = group.containers.get_mut(&wanted.id.name).expect("itself");
        container.gpu = Some(asks_for_nvidia(case.gpu_optional));
    }
    if let Some(what) = &case.missing {
        let model = Arc::make_mut(&mut wanted.model);
        let group = model.groups.get_mut(&wanted.id.group).expect("its group");
        let container = group.containers.get_mut(&wanted.id.name).expect("itself");
        container.missing = Some(Missing {
            what: what.clone(),
            hint: None,
        });
    }
    if let Some(word) = &case.credential {
        wanted.credentials = Arc::new(credentials(word));
    }
    wanted
}

/// Makes the container one on this NixOS system.
fn nixos(wanted: &mut Wanted, system: &str, command: bool) {
    let model = Arc::make_mut(&mut wanted.model);
    let group = model.groups.get_mut(&wanted.id.group).expect("its group");
    let container = group.containers.get_mut(&wanted.id.name).expect("itself");
    container.root = Root::Nixos(Path::new("/nix/store").join(system));
    if !command {
        container.program = Program::Boot {
            enable: Vec::new(),
            environment: BTreeMap::new(),
        };
    }
}

fn running() -> Observed {
    let wanted = wanted(Intent::Run);
    let host = FakeHost::new(nothing());
    let mut world = host.world();
    for _ in 0..3 {
        let steps = plan(&wanted, &world.observed, false)
            .expect("nothing is in the way")
            .steps;
        for step in steps {
            world.obey(&wanted, &step).expect("nothing is refused");
        }
    }
    world.observed.network = connected(&wanted.network());
    world.observed.clone()
}

fn observed(case: &Case) -> Observed {
    let mut observed = match case.from.as_str() {
        "nothing" => nothing(),
        "running" => running(),
        other => panic!("from = {other:?}: write \"nothing\" or \"running\""),
    };
    match case.unit.as_deref() {
        None => {}
        Some("activating") => observed.unit.active = Active::Activating,
        Some("deactivating") => observed.unit.active = Active::Deactivating,
        Some("failed") => {
            observed.unit.active = Active::Failed;
            observed.unit.ended = Some(Ended::Status(1));
        }
        Some("gone") => observed.unit = Unit::absent(),
        Some(other) => panic!("unit = {other:?} is no state"),
    }
    if case.credential.is_some() && !case.credential_added && observed.unit.loaded {
        let mut before = wanted(Intent::Run);
        before.credentials = Arc::new(credentials("ready"));
        observed.unit.declared = Some((*before.declared()).clone());
    }
    observed.credentials_any = case.credentials_left;
    if let Some(system) = &case.nixos
        && observed.unit.loaded
    {
        let mut before = wanted_in(case, Intent::Run);
        nixos(&mut before, system, case.nixos_command);
        observed.unit.declared = Some((*before.declared()).clone());
    }
    let switched = case.switched_to.as_ref();
    observed.switched = switched.map(|system| Path::new("/nix/store").join(system));
    if case.command_changed {
        let mut other = wanted_in(case, Intent::Run);
        if let Some(system) = &case.nixos {
            nixos(&mut other, system, case.nixos_command);
        }
        let model = Arc::make_mut(&mut other.model);
        let group = model.groups.get_mut(&other.id.group).expect("its group");
        group
            .containers
            .get_mut(&other.id.name)
            .expect("itself")
            .program = Program::Command {
            command: vec!["/usr/bin/true".to_owned()],
            user: None,
            environment: BTreeMap::new(),
            working_directory: None,
        };
        observed.unit.declared = Some((*other.declared()).clone());
    }
    if case.users_changed {
        let mut other = wanted(Intent::Run);
        let model = std::sync::Arc::make_mut(&mut other.model);
        let group = model.groups.get_mut(&other.id.group).expect("its group");
        group
            .containers
            .get_mut(&other.id.name)
            .expect("itself")
            .users = UserMode::Host;
        observed.state = Some(state(UserMode::Host));
        if observed.unit.loaded {
            observed.unit.declared = Some((*other.declared()).clone());
        }
    }
    if case.foreign {
        observed.unit.loaded = true;
        observed.unit.declared = None;
    }
    if case.network_lost {
        observed.network = ObservedContainer::default();
    }
    observed.firewall_open &= !case.firewall_lost;
    observed.files_current &= !case.files_stale;
    observed.limits_current &= !case.limits_differ;
    observed.bounds_current &= !case.unbounded;
    observed.devices_current &= !case.devices_differ;
    if case.gpu_lacking {
        observed.offer = Some(Arc::new(lacking_uvm()));
        if observed.unit.loaded && !case.command_changed {
            let declared = wanted_in(case, Intent::Run).declared();
            observed.unit.declared = Some((*declared).clone());
        }
    }
    if let Some(systems) = &case.gc_roots {
        let mut systems = systems.iter().map(|it| Path::new("/nix/store").join(it));
        observed.gc_roots.collected = true;
        observed.gc_roots.next = systems.next();
        let earlier: BTreeSet<_> = systems.collect();
        observed.gc_roots.earlier = Some(earlier).filter(|it| !it.is_empty());
    }
    observed.stale_registration = case.stale_registration;
    observed.conflict = case
        .conflict
        .clone()
        .map(|reason| Conflict { reason, hint: None });
    observed
}

#[test]
fn every_case_has_the_plan_it_names() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan_cases");
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(&directory).expect("the cases").flatten() {
        let folder = entry.path();
        let text = std::fs::read_to_string(folder.join("observed.toml")).expect("observed.toml");
        let case: Case =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let intent = match case.intent.as_str() {
            "run" => Intent::Run,
            "stop" => Intent::Stop,
            "remove" => Intent::Remove,
            other => panic!("intent = {other:?}: write \"run\", \"stop\" or \"remove\""),
        };
        let found = match plan(&wanted_in(&case, intent), &observed(&case), case.forced) {
            Ok(plan) => {
                let changed = plan.changed.iter().map(|key| format!("changed: {key}\n"));
                let steps = plan.steps.iter().map(|step| format!("{step}\n"));
                let then = plan.then.iter().map(|step| format!("then: {step}\n"));
                let held = plan.held.map(|it| format!("held: {}\n", it.reason));
                let all = changed.chain(steps).chain(then).chain(held);
                all.collect::<String>()
            }
            Err(conflict) => format!("conflict: {}\n", conflict.reason),
        };
        let file = folder.join("plan.txt");
        if std::env::var_os("CTR_BLESS").is_some() {
            std::fs::write(&file, &found).expect("written");
        }
        let expected = std::fs::read_to_string(&file).expect("plan.txt");
        if found != expected {
            wrong.push(format!(
                "{}\nexpected:\n{expected}found:\n{found}",
                folder.display()
            ));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 15, "only {count} cases were found");
}
