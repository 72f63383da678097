//! A whole host: every container's unit, state, mounts and files, the kernel's network and both
//! tables. It does a step as systemd and the kernel would, and panics at one that could not be done
//! or would harm: a start without its root, a mount under a running guest, a touch of somebody
//! else's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::firewall::Element;
use crate::firewall::fake_tables::FakeTables;
use crate::gpu::{Gpu, Inventory, Node, Offer, Vendor, found};
use crate::machine::credentials::{Credentials, Refusal, Taken};
use crate::machine::root::{GcRoots, GivenFiles, State};
use crate::machine::{Active, Ended, Registered, Unit, unit_name};
use crate::model::{
    Container, ContainerId, CredentialId, CredentialSource, Group, Limits, MachineName, Model,
};
use crate::network::fake_kernel::FakeKernel;
use crate::network::{self, Bridge};
use crate::os::netns_name;
use crate::reconcile::fake_host::{nothing, ready, state, system_of};
use crate::reconcile::host::{Conflict, Observed, Wanted, given_files, running_as};
use crate::reconcile::open_firewall::{desired, elements};
use crate::reconcile::plan::{Intent, Step};

/// What there is of one machine besides its network.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing of a host, apart from the others"
)]
pub(super) struct Guest {
    pub(super) unit: Unit,
    pub(super) registered: Option<Registered>,
    pub(super) state: Option<State>,
    pub(super) root_mounted: bool,
    pub(super) files: Option<GivenFiles>,
    pub(super) credentials_given: bool,
    pub(super) limits: Limits,
    pub(super) bounded: bool,
    /// The device nodes that it has.
    pub(super) nodes: Vec<Node>,
    /// What the file of its secret says; `None` where there is no such file.
    pub(super) secret: Option<u8>,
    /// Its root cannot be made ready.
    pub(super) broken: bool,
    /// The system that it has switched to since its start.
    pub(super) switched: Option<std::path::PathBuf>,
    /// What keeps its systems from the garbage collector.
    pub(super) gc_roots: GcRoots,
    /// What it was started as.
    pub(super) runs: Option<Container>,
    /// How often it was started.
    pub(super) starts: u32,
    /// How often it was stopped or killed.
    pub(super) stops: u32,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            unit: Unit::absent(),
            registered: None,
            state: None,
            root_mounted: false,
            files: None,
            credentials_given: false,
            limits: Limits::default(),
            bounded: false,
            nodes: Vec::new(),
            secret: Some(0),
            broken: false,
            switched: None,
            gc_roots: GcRoots {
                collected: true,
                ..GcRoots::default()
            },
            runs: None,
            starts: 0,
            stops: 0,
        }
    }
}

impl Guest {
    pub(super) fn is_down(&self) -> bool {
        matches!(self.unit.active, Active::Inactive | Active::Failed)
    }
}

/// What is refused although it could be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    Nothing,
    /// The step after so many.
    After(usize),
    /// Every step of one container that is called like this.
    Always(ContainerId, &'static str),
}

/// What there is of graphics processors for a container, on a host with one of NVIDIA's and one of Intel's.
fn offer(wanted: &Wanted) -> Option<Offer> {
    let request = wanted.container().gpu.as_ref()?;
    let gpu = |vendor, path: &str| Gpu {
        vendor,
        pci: None,
        uuid: None,
        name: String::new(),
        driver: None,
        memory: None,
        nodes: vec![Node {
            path: path.into(),
            major: 1,
            minor: 1,
            mode: 0o666,
            group: None,
        }],
        missing: Vec::new(),
    };
    let inventory = Inventory {
        gpus: vec![
            gpu(Vendor::Intel, "/dev/dri/renderD128"),
            gpu(Vendor::Nvidia, "/dev/nvidia0"),
        ],
    };
    Some(found(request, &inventory).unwrap_or_default())
}

/// A host, and what ctrd remembers of its firewall.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) kernel: FakeKernel,
    pub(super) tables: FakeTables,
    pub(super) guests: BTreeMap<MachineName, Guest>,
    pub(super) open: BTreeMap<ContainerId, Vec<Element>>,
    pub(super) model: Arc<Model>,
    made: BTreeSet<(MachineName, CredentialId)>,
    nobody: Guest,
    pub(super) refused: Refused,
    /// Every step that was carried out.
    pub(super) done: Vec<(ContainerId, Step)>,
}

impl Machine {
    /// A host that has never heard of ctr.
    pub(super) fn new() -> Self {
        Self {
            kernel: FakeKernel::new(),
            tables: FakeTables::default(),
            guests: BTreeMap::new(),
            open: BTreeMap::new(),
            model: Arc::default(),
            made: BTreeSet::new(),
            nobody: Guest::default(),
            refused: Refused::Nothing,
            done: Vec::new(),
        }
    }

    pub(super) fn guest(&mut self, machine: &MachineName) -> &mut Guest {
        self.guests.entry(machine.clone()).or_default()
    }

    pub(super) fn seen(&self, machine: &MachineName) -> &Guest {
        self.guests.get(machine).unwrap_or(&self.nobody)
    }

    /// A container as it is meant to be, with its secrets as they are now.
    pub(super) fn wanted(&self, model: &Arc<Model>, id: &ContainerId, intent: Intent) -> Wanted {
        let container = model.container(id).expect("declared");
        let credentials = Arc::new(self.credentials(container));
        Wanted::new(model.clone(), id.clone(), intent, credentials)
    }

    fn credentials(&self, container: &Container) -> Credentials {
        let guest = self.seen(&container.machine);
        let take = |id: &CredentialId, source: &CredentialSource| match (source, guest.secret) {
            (CredentialSource::File(_), Some(content)) => ready(&content.to_string()),
            (CredentialSource::File(path), None) => Taken::Refused(Refusal {
                reason: format!("{} does not exist", path.display()),
                hint: None,
            }),
            (CredentialSource::Generated, _) => {
                if self.made.contains(&(container.machine.clone(), id.clone())) {
                    ready("made")
                } else {
                    Taken::Unmade
                }
            }
        };
        let entries = container.credentials.iter();
        entries.map(|(id, it)| (id.clone(), take(id, it))).collect()
    }

    /// What is seen of a container.
    pub(super) fn observe(&self, wanted: &Wanted) -> Observed {
        let container = wanted.container();
        let guest = self.seen(&container.machine);
        let down = guest.is_down();
        let bridge = Bridge::of(wanted.group());
        let group = network::plan_group(&bridge, &self.kernel.observe_group(&bridge));
        let (group_ready, mut conflict) = match group {
            Ok(steps) => (steps.is_empty(), None),
            Err(conflict) => (false, Some(Conflict::from(conflict))),
        };
        let running = running_as(&guest.unit, guest.switched.as_deref());
        let restarts = running.is_some_and(|it| !it.changed(&wanted.declared()).is_empty());
        if conflict.is_none() && wanted.intent == Intent::Run && (down || restarts) && guest.broken
        {
            conflict = Some(refusal("its root cannot be made ready"));
        }
        let offer = offer(wanted).map(Arc::new);
        let open = self.open.get(&wanted.id);
        let fits = guest.state.is_some_and(|it| it.fits(container.users));
        Observed {
            state: guest.state,
            group_ready,
            network: self.kernel.observe_container(&wanted.network()),
            registered: guest.registered.clone(),
            stale_registration: down && guest.registered.is_some(),
            root_mounted: guest.root_mounted,
            files_current: fits && guest.files.as_ref() == Some(&given(wanted)),
            files_any: guest.files.is_some(),
            credentials_any: guest.credentials_given,
            firewall_open: open == Some(&elements(wanted.group(), container)),
            firewall_any: open.is_some(),
            limits_current: down || guest.limits == container.limits,
            devices_current: down
                || offer
                    .as_ref()
                    .is_none_or(|offer| guest.nodes == offer.delivery.nodes),
            offer,
            bounds_current: down || guest.registered.is_none() || guest.bounded,
            conflict,
            unit: guest.unit.clone(),
            switched: guest.switched.clone(),
            gc_roots: guest.gc_roots.clone(),
            ..nothing()
        }
    }

    fn is_refused(&mut self, wanted: &Wanted, step: &Step) -> bool {
        match &mut self.refused {
            Refused::Nothing => false,
            Refused::After(0) => {
                self.refused = Refused::Nothing;
                true
            }
            Refused::After(left) => {
                *left -= 1;
                false
            }
            Refused::Always(id, name) => *id == wanted.id && *name == self::name(step),
        }
    }

    /// Carries out one step.
    #[expect(clippy::too_many_lines, reason = "an arm for each step")]
    pub(super) fn obey(&mut self, wanted: &Wanted, step: &Step) -> Result<(), Conflict> {
        if self.is_refused(wanted, step) {
            return Err(refusal(&format!("refused to {step}")));
        }
        self.done.push((wanted.id.clone(), step.clone()));
        let container = wanted.container();
        let machine = &container.machine;
        let namespace = netns_name(machine);
        let guest = self.guests.entry(machine.clone()).or_default();
        let fits = guest.state.is_some_and(|it| it.fits(container.users));
        let ours = guest.unit.loaded && guest.unit.declared.is_some();
        match step {
            Step::EnsureGroup => return self.ensure_group(wanted.group()),
            Step::ClaimState => guest.state = Some(state(container.users)),
            Step::GiveState(users) => {
                assert!(
                    guest.is_down() && !guest.root_mounted,
                    "under a mounted root"
                );
                guest.state = Some(state(*users));
            }
            Step::Network(step) => return self.kernel.obey(step).map_err(|it| refusal(&it)),
            Step::PrepareRoot => {
                assert!(guest.is_down(), "mounts under a running guest");
                if guest.broken || !fits {
                    return Err(refusal("its root cannot be made ready"));
                }
                guest.root_mounted = true;
                guest.nodes = offer(wanted).map_or_else(Vec::new, |it| it.delivery.nodes);
            }
            Step::MakeSecrets => {
                let generated = container.credentials.iter();
                let generated = generated.filter(|(_, it)| **it == CredentialSource::Generated);
                let ids = generated.map(|(id, _)| (machine.clone(), id.clone()));
                self.made.extend(ids);
            }
            Step::GiveCredentials => {
                assert!(fits, "to whom?");
                guest.credentials_given = true;
            }
            Step::WithdrawCredentials => {
                assert!(guest.is_down(), "a running guest reads them");
                guest.credentials_given = false;
            }
            Step::WriteFiles => {
                assert!(fits, "as whom?");
                guest.files = Some(given(wanted));
            }
            Step::OpenFirewall => {
                let elements = elements(wanted.group(), container);
                self.open.insert(wanted.id.clone(), elements);
                self.converge_firewall();
            }
            Step::CloseFirewall => {
                assert!(guest.is_down(), "a running guest is cut off");
                self.open.remove(&wanted.id);
                self.converge_firewall();
            }
            Step::UnregisterMachine => {
                assert!(guest.is_down(), "a running guest is forgotten");
                guest.registered = None;
            }
            Step::ResetFailed => {
                assert!(ours && guest.unit.active == Active::Failed, "{guest:?}");
                guest.unit = Unit::absent();
            }
            Step::StartUnit => {
                assert!(
                    !guest.unit.loaded && guest.registered.is_none(),
                    "{guest:?}"
                );
                assert!(fits && guest.root_mounted, "{guest:?}");
                assert_eq!(guest.gc_roots.next.as_deref(), system_of(container));
                assert_eq!(guest.files, Some(given(wanted)));
                assert!(wanted.credentials.all_ready());
                assert_eq!(guest.credentials_given, !container.credentials.is_empty());
                assert!(self.kernel.namespaces.contains_key(&namespace));
                guest.starts += 1;
                guest.unit = Unit {
                    active: Active::Activating,
                    loaded: true,
                    main_pid: 41,
                    declared: Some((*wanted.declared()).clone()),
                    ..Unit::absent()
                };
                guest.registered = Some(Registered {
                    leader: 42,
                    unit: unit_name(machine),
                });
                guest.runs = Some(container.clone());
                guest.switched = None;
                guest.limits = container.limits.clone();
                guest.bounded = false;
                self.kernel.lived_in.insert(namespace);
            }
            Step::StopUnit => {
                assert!(ours && guest.unit.active == Active::Active, "{guest:?}");
                guest.stops += 1;
                guest.unit.active = Active::Deactivating;
            }
            Step::KillUnit => {
                assert!(ours && !guest.is_down(), "{guest:?}");
                guest.stops += 1;
                self.end(machine, None);
            }
            Step::HoldSystem { runs } => {
                assert_eq!(*runs, ours && !guest.is_down(), "{guest:?}");
                let system = system_of(container);
                guest.gc_roots = guest.gc_roots.for_system(system, *runs);
            }
            Step::LetSystemsGo => {
                assert!(guest.is_down() || !ours, "a running guest uses them");
                guest.gc_roots = guest.gc_roots.for_system(None, false);
            }
            // Where it boots from next.
            Step::PointProfile => {
                assert_eq!(guest.gc_roots.next.as_deref(), system_of(container));
            }
            Step::SwitchSystem => {
                assert!(ours && guest.unit.active == Active::Active, "{guest:?}");
                let crate::model::Root::Nixos(system) = &container.root else {
                    panic!("no system to switch to");
                };
                guest.switched = Some(system.clone());
            }
            Step::SetLimits => {
                assert!(ours && !guest.is_down(), "{guest:?}");
                guest.limits = container.limits.clone();
            }
            Step::SetDevices => {
                assert!(ours && guest.registered.is_some(), "{guest:?}");
                guest.nodes = offer(wanted).expect("it asks for some").delivery.nodes;
            }
            Step::SetBounds => {
                assert!(ours && guest.registered.is_some(), "{guest:?}");
                guest.bounded = true;
            }
            Step::ReleaseRoot => {
                assert!(guest.is_down(), "mounts under a running guest");
                guest.root_mounted = false;
            }
            Step::RemoveFiles => {
                assert!(guest.is_down() || !ours, "a running guest reads them");
                guest.files = None;
            }
        }
        Ok(())
    }

    /// The guest of a machine ends; what was mounted and given stays for ctrd to take away.
    pub(super) fn end(&mut self, machine: &MachineName, ended: Option<Ended>) {
        let guest = self.guest(machine);
        guest.registered = None;
        guest.bounded = false;
        guest.unit = match ended {
            None => Unit::absent(),
            Some(ended) => Unit {
                active: Active::Failed,
                ended: Some(ended),
                main_pid: 0,
                ..guest.unit.clone()
            },
        };
        self.kernel.leave(&netns_name(machine));
    }

    /// What was on its way arrives.
    pub(super) fn settle(&mut self) {
        let machines: Vec<MachineName> = self.guests.keys().cloned().collect();
        for machine in machines {
            let unit = &mut self.guest(&machine).unit;
            match unit.active {
                Active::Activating => unit.active = Active::Active,
                Active::Deactivating if unit.is_foreign() => *unit = Unit::absent(),
                Active::Deactivating => self.end(&machine, None),
                Active::Active | Active::Inactive | Active::Failed => {}
            }
        }
    }

    /// Makes a group's bridge what it should be.
    pub(super) fn ensure_group(&mut self, group: &Group) -> Result<(), Conflict> {
        let bridge = Bridge::of(group);
        for _ in 0..4 {
            let steps = network::plan_group(&bridge, &self.kernel.observe_group(&bridge))?;
            if steps.is_empty() {
                return Ok(());
            }
            for step in &steps {
                self.kernel.obey(step).map_err(|it| refusal(&it))?;
            }
        }
        Ok(())
    }

    /// Brings both tables to what is open.
    pub(super) fn converge_firewall(&mut self) {
        let desired = desired(&self.model, &self.open);
        let plan = crate::firewall::plan(&desired, &self.tables.observed);
        self.tables.obey(&plan);
        assert_eq!(self.tables.elements(), desired.elements);
        let tables = [&self.tables.observed.inet, &self.tables.observed.bridge];
        assert!(tables.into_iter().flatten().all(|it| it.foreign.is_empty()));
    }
}

fn refusal(reason: &str) -> Conflict {
    Conflict {
        reason: reason.to_owned(),
        hint: None,
    }
}

/// A host's own name servers, where the declaration names none.
fn given(wanted: &Wanted) -> GivenFiles {
    let declared = wanted.model.nameservers.clone();
    given_files(
        wanted,
        &declared.unwrap_or_else(|| vec![[192, 0, 2, 53].into()]),
    )
}

/// What kind of step it is, as its variant is called.
pub(super) fn name(step: &Step) -> &'static str {
    const NAMES: [&str; 6] = [
        "Network",
        "PrepareRoot",
        "WriteFiles",
        "OpenFirewall",
        "StartUnit",
        "EnsureGroup",
    ];
    let text = format!("{step:?}");
    let found = NAMES.into_iter().find(|name| text.starts_with(name));
    found.unwrap_or("another")
}
