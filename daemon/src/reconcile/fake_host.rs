//! A world that obeys steps, and can be told to refuse some.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::gpu::Offer;
use crate::health::Outcome;
use crate::machine::credentials::{Credentials, Taken};
use crate::machine::root::{GcRoots, State, UidBase};
use crate::machine::{Active, Declared, Ended, Registered, Unit, unit_name};
use crate::model::{Container, GpuChoice, GpuDevices, GpuRequest, GpuVendors, Root, UserMode};
use crate::network::{
    Attachment, Inside, Interfaces, LINK_GROUP, Link, ObservedContainer, ObservedNamespace, Route,
    Sysctl,
};

use super::host::{Conflict, Host, Observed, Probed, Wanted};
use super::host_error::HostError;
use super::plan::Step;
use super::status::now_ms;

/// One container's side of a host.
#[derive(Debug)]
pub(super) struct FakeHost {
    world: Mutex<World>,
    changed: Notify,
}

/// What a fake host holds.
#[derive(Debug, Clone)]
pub(super) struct World {
    /// How the container is.
    pub(super) observed: Observed,
    /// The steps that were carried out.
    pub(super) done: Vec<Step>,
    /// How many steps from now one is refused; `None` for never.
    pub(super) refuse_after: Option<usize>,
    /// Nothing of it can be read.
    pub(super) unreadable: bool,
    /// A unit that is started is ready at once.
    pub(super) ready_at_once: bool,
    /// What is read where the container's credentials are.
    pub(super) credentials: Credentials,
    /// How often somebody looked.
    pub(super) looks: usize,
    /// What a probe of its guest finds.
    pub(super) outcome: Outcome,
}

impl FakeHost {
    pub(super) fn new(observed: Observed) -> Self {
        let world = World {
            observed,
            done: Vec::new(),
            refuse_after: None,
            unreadable: false,
            ready_at_once: true,
            credentials: Credentials::default(),
            looks: 0,
            outcome: Outcome::success("accepted"),
        };
        Self {
            world: Mutex::new(world),
            changed: Notify::new(),
        }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happens to the container from outside.
    pub(super) fn happen(&self, with: impl FnOnce(&mut Observed)) {
        with(&mut self.world().observed);
        self.changed.notify_one();
    }

    /// The guest ends.
    pub(super) fn end(&self, ended: Option<Ended>) {
        self.happen(|observed| {
            let declared = observed.unit.declared.take();
            observed.unit = Unit::absent();
            observed.registered = None;
            observed.bounds_current = true;
            if ended.is_some() {
                observed.unit.active = Active::Failed;
                observed.unit.loaded = true;
                observed.unit.declared = declared;
                observed.unit.ended = ended;
            }
        });
    }
}

/// A host that has never heard of the container.
pub(super) fn nothing() -> Observed {
    Observed {
        state: None,
        group_ready: false,
        network: ObservedContainer::default(),
        unit: Unit::absent(),
        switched: None,
        registered: None,
        stale_registration: false,
        root_mounted: false,
        gc_roots: GcRoots::default(),
        files_current: false,
        files_any: false,
        credentials_any: false,
        firewall_open: false,
        firewall_any: false,
        limits_current: true,
        bounds_current: true,
        offer: None,
        devices_current: true,
        conflict: None,
        blocked: None,
    }
}

/// The network of a container as its plan leaves it.
pub(super) fn connected(attachment: &Attachment) -> ObservedContainer {
    let link = |index: u32, name: &str| Link {
        index,
        name: name.to_owned(),
        up: true,
        ..Link::default()
    };
    let eth0 = Link {
        peer: Some(10),
        mac: Some(attachment.mac),
        ..link(2, Attachment::INSIDE)
    };
    let veth = Link {
        altnames: vec![attachment.altname.clone()],
        kind: Some("veth".to_owned()),
        alias: Some(attachment.alias.clone()),
        group: LINK_GROUP,
        controller: Some(5),
        peer: Some(2),
        hairpin: true,
        ..link(10, attachment.veth.as_str())
    };
    ObservedContainer {
        altname: Some(veth.clone()),
        veth: Some(veth),
        bridge: Some(link(5, attachment.bridge.as_str())),
        namespace: ObservedNamespace::Ours(Inside {
            interfaces: Interfaces {
                links: vec![link(1, "lo"), eth0],
                addresses: vec![(2, attachment.address)],
                routes: vec![Route {
                    index: 2,
                    destination: ipnet::Ipv4Net::default(),
                    connected: false,
                    gateway: Some(attachment.gateway),
                }],
            },
            sysctls: Sysctl::of_a_namespace()
                .into_iter()
                .map(|sysctl| (sysctl.key, Some(sysctl.value)))
                .collect(),
        }),
    }
}

impl World {
    /// Carries out one step, as the kernel and systemd would.
    pub(super) fn obey(&mut self, wanted: &Wanted, step: &Step) -> Result<(), HostError> {
        if let Some(left) = &mut self.refuse_after {
            if *left == 0 {
                self.refuse_after = None;
                return Err(HostError::Conflict(Conflict {
                    reason: format!("refused to {step}"),
                    hint: None,
                }));
            }
            *left -= 1;
        }
        self.done.push(step.clone());
        let declared = (*wanted.declared()).clone();
        let unit = unit_name(&wanted.container().machine);
        let observed = &mut self.observed;
        match step {
            Step::EnsureGroup => observed.group_ready = true,
            Step::ClaimState => observed.state = Some(state(wanted.container().users)),
            Step::GiveState(users) => {
                assert!(!observed.root_mounted, "under a mounted root");
                assert_eq!(observed.unit, Unit::absent(), "under a guest");
                observed.state = Some(state(*users));
            }
            // The single steps are the network's own business, and tested there.
            Step::Network(crate::network::Step::DeleteNamespace { .. }) => {
                observed.network = ObservedContainer::default();
            }
            Step::Network(crate::network::Step::DeleteLink { .. }) => observed.network.veth = None,
            Step::Network(_) => observed.network = connected(&wanted.network()),
            Step::PrepareRoot => observed.root_mounted = true,
            Step::MakeSecrets => self.credentials = made(&self.credentials),
            Step::GiveCredentials => observed.credentials_any = true,
            Step::WithdrawCredentials => observed.credentials_any = false,
            Step::WriteFiles => (observed.files_current, observed.files_any) = (true, true),
            Step::OpenFirewall => (observed.firewall_open, observed.firewall_any) = (true, true),
            Step::CloseFirewall => (observed.firewall_open, observed.firewall_any) = (false, false),
            Step::UnregisterMachine => {
                (observed.registered, observed.stale_registration) = (None, false);
            }
            Step::ResetFailed => observed.unit = Unit::absent(),
            Step::StartUnit => {
                let users = wanted.container().users;
                assert!(observed.state.is_some_and(|state| state.fits(users)));
                start(observed, declared, unit, self.ready_at_once);
            }
            Step::StopUnit | Step::KillUnit => {
                observed.unit = Unit::absent();
                observed.registered = None;
                observed.bounds_current = true;
            }
            Step::PointProfile => {}
            Step::SwitchSystem => {
                let Root::Nixos(system) = &wanted.container().root else {
                    panic!("no system to switch to");
                };
                assert_eq!(observed.unit.active, Active::Active, "nobody to switch");
                observed.switched = Some(system.clone());
            }
            Step::SetLimits => observed.limits_current = true,
            Step::SetBounds => observed.bounds_current = true,
            Step::SetDevices => observed.devices_current = true,
            Step::HoldSystem { runs } => {
                let system = system_of(wanted.container());
                observed.gc_roots = observed.gc_roots.for_system(system, *runs);
            }
            Step::LetSystemsGo => {
                observed.gc_roots = observed.gc_roots.for_system(None, false);
            }
            Step::ReleaseRoot => observed.root_mounted = false,
            Step::RemoveFiles => (observed.files_current, observed.files_any) = (false, false),
        }
        Ok(())
    }
}

/// The NixOS system that a container is declared with.
pub(super) fn system_of(container: &Container) -> Option<&Path> {
    match &container.root {
        Root::Nixos(system) => Some(system),
        Root::Tree(_) | Root::Directory(_) => None,
    }
}

/// A machine's state, all of it given to these users.
pub(super) fn state(users: UserMode) -> State {
    State {
        base: UidBase::new(524_288).filter(|_| users == UserMode::Own),
        half_given: false,
    }
}

/// The same credentials, with those made that were to be.
pub(super) fn made(credentials: &Credentials) -> Credentials {
    let make = |taken: &Taken| match taken {
        Taken::Unmade => ready("made"),
        other => other.clone(),
    };
    let entries = credentials.iter();
    entries.map(|(id, it)| (id.clone(), make(it))).collect()
}

/// A credential whose content has this digest.
pub(super) fn ready(digest: &str) -> Taken {
    Taken::Ready {
        secret: digest.as_bytes().to_vec().into(),
        digest: digest.to_owned(),
    }
}

fn start(observed: &mut Observed, declared: Declared, unit: String, ready: bool) {
    observed.unit = Unit {
        active: if ready {
            Active::Active
        } else {
            Active::Activating
        },
        loaded: true,
        started_usec: now_ms() * 1000,
        main_pid: 41,
        declared: Some(declared),
        ..Unit::absent()
    };
    observed.switched = None;
    observed.registered = Some(Registered { leader: 42, unit });
    observed.limits_current = true;
    observed.bounds_current = false;
}

impl Host for FakeHost {
    async fn observe(&self, _wanted: &Wanted) -> Result<Observed, HostError> {
        let mut world = self.world();
        world.looks += 1;
        if world.unreadable {
            return Err(HostError::Interrupted(
                "looking at a host that does not answer",
            ));
        }
        Ok(world.observed.clone())
    }

    async fn credentials(&self, _container: &Container) -> Credentials {
        self.world().credentials.clone()
    }

    async fn apply(&self, wanted: &Wanted, step: &Step) -> Result<(), HostError> {
        self.world().obey(wanted, step)
    }

    async fn probe(&self, _probed: &Probed) -> Outcome {
        self.world().outcome.clone()
    }

    async fn changed(&self, _wanted: &Wanted) {
        self.changed.notified().await;
    }
}

/// A container asks for NVIDIA's graphics processors.
pub(super) fn asks_for_nvidia(optional: bool) -> GpuRequest {
    GpuRequest {
        choice: GpuChoice::Found {
            vendor: GpuVendors::Nvidia,
            devices: GpuDevices::All,
        },
        optional,
    }
}

/// The driver of those is loaded, but for one module.
pub(super) fn lacking_uvm() -> Offer {
    Offer {
        lacking: vec!["nvidia-uvm".to_owned()],
        ..Offer::default()
    }
}
