//! The seam to the world: few methods, so one fake.

use std::future::Future;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::gpu::{Lack, Offer};
use crate::health::Outcome;
use crate::machine::credentials::{Credentials, Refusal};
use crate::machine::root::{GcRoots, GivenFiles, State};
use crate::machine::{Declared, Registered, Unit};
use crate::model::{Container, ContainerId, Group, Health, MachineName, Model};
use crate::network::{self, Attachment};

use super::host_error::HostError;
use super::plan::{Intent, Step};

/// A container as it is meant to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The whole declaration it is part of.
    pub model: Arc<Model>,
    /// Which container of it.
    pub id: ContainerId,
    /// What it is meant to do.
    pub intent: Intent,
    /// Its secrets that are in force: as they were when the declaration was applied, or a person
    /// started it. A file that changes later changes nothing by itself.
    pub credentials: Arc<Credentials>,
    digests: Arc<Mutex<Option<Digests>>>,
}

/// What a unit will carry, and what that was made of.
#[derive(Debug)]
struct Digests {
    model: Arc<Model>,
    credentials: Arc<Credentials>,
    declared: Arc<Declared>,
}

impl Wanted {
    /// The container `id` of `model`, to be brought to this.
    pub fn new(
        model: Arc<Model>,
        id: ContainerId,
        intent: Intent,
        credentials: Arc<Credentials>,
    ) -> Self {
        Self {
            model,
            id,
            intent,
            credentials,
            digests: Arc::default(),
        }
    }

    /// The same container as this declaration has it, with these credentials.
    pub(super) fn declared_in(&self, model: Arc<Model>, credentials: Credentials) -> Self {
        if Arc::ptr_eq(&model, &self.model) && *self.credentials == credentials {
            return self.clone();
        }
        Self::new(model, self.id.clone(), self.intent, Arc::new(credentials))
    }

    /// The container.
    ///
    /// # Panics
    /// Never: a `Wanted` is made only for a container of its model.
    pub fn container(&self) -> &Container {
        self.model
            .container(&self.id)
            .expect("a wanted container is part of its model")
    }

    /// Its group.
    ///
    /// # Panics
    /// Never: a `Wanted` is made only for a container of its model.
    pub fn group(&self) -> &Group {
        self.model
            .groups
            .get(&self.id.group)
            .expect("a wanted container is part of its model")
    }

    /// What its unit will carry. Made once, and again where it is made of something else.
    pub fn declared(&self) -> Arc<Declared> {
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        let current = digests.as_ref().filter(|it| {
            Arc::ptr_eq(&it.model, &self.model) && Arc::ptr_eq(&it.credentials, &self.credentials)
        });
        if let Some(current) = current {
            return current.declared.clone();
        }
        let declared = Declared::of(self.group(), self.container(), &self.credentials);
        let declared = Arc::new(declared);
        *digests = Some(Digests {
            model: self.model.clone(),
            credentials: self.credentials.clone(),
            declared: declared.clone(),
        });
        declared
    }

    /// Its network.
    pub fn network(&self) -> Attachment {
        Attachment::of(self.group(), self.container())
    }
}

/// A container as it is.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing seen, apart from the others"
)]
pub struct Observed {
    /// Its state directory, and whose it is; `None` where there is none.
    pub state: Option<State>,
    /// Its group's bridge is there and as it should be.
    pub group_ready: bool,
    /// Its namespace and link.
    pub network: network::ObservedContainer,
    /// Its unit.
    pub unit: Unit,
    /// The system that its guest has switched to since it was started.
    pub switched: Option<PathBuf>,
    /// What machined knows of it.
    pub registered: Option<Registered>,
    /// machined knows it by a unit that does not run any more.
    pub stale_registration: bool,
    /// Its root is mounted, or something is left of that.
    pub root_mounted: bool,
    /// What keeps its systems from Nix's garbage collector.
    pub gc_roots: GcRoots,
    /// The files given to it are as they should be.
    pub files_current: bool,
    /// There are such files.
    pub files_any: bool,
    /// There are files with its credentials.
    pub credentials_any: bool,
    /// The firewall has its elements, all and none besides.
    pub firewall_open: bool,
    /// The firewall has elements of it.
    pub firewall_any: bool,
    /// The running unit has the declared limits.
    pub limits_current: bool,
    /// The running guest's users have the bounds that they should, or there is no guest.
    pub bounds_current: bool,
    /// What there is for it of graphics processors; `None` where it asks for none or is not to run.
    pub offer: Option<Arc<Offer>>,
    /// The running guest has the nodes that it is offered, and no others.
    pub devices_current: bool,
    /// Something on the host that is not ours stands where it should.
    pub conflict: Option<Conflict>,
    /// Something of ours that is on its way out stands where it should: it starts when that is gone.
    pub blocked: Option<String>,
}

impl Observed {
    /// What is lacking of the graphics processors that it asks for.
    pub fn lack(&self, wanted: &Wanted) -> Option<Lack> {
        let request = wanted.container().gpu.as_ref()?;
        self.offer.as_ref()?.lack(request)
    }

    /// What the running guest is: as its unit says that it was started, and what it has switched to
    /// since.
    pub fn running_as(&self) -> Option<Declared> {
        running_as(&self.unit, self.switched.as_deref())
    }
}

/// What the guest of a unit is that has switched to this system since it was started.
pub(super) fn running_as(unit: &Unit, switched: Option<&Path>) -> Option<Declared> {
    let declared = unit.declared.clone()?;
    Some(match switched {
        Some(system) => declared.switched_to(system),
        None => declared,
    })
}

/// Something on the host stands where a container should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What.
    pub reason: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}

impl From<network::Conflict> for Conflict {
    fn from(conflict: network::Conflict) -> Self {
        Self {
            reason: conflict.to_string(),
            hint: None,
        }
    }
}

impl From<&HostError> for Conflict {
    fn from(error: &HostError) -> Self {
        Self {
            reason: error.sentence(),
            hint: error.hint(),
        }
    }
}

impl From<HostError> for Conflict {
    fn from(error: HostError) -> Self {
        Self::from(&error)
    }
}

impl From<Refusal> for Conflict {
    fn from(Refusal { reason, hint }: Refusal) -> Self {
        Self { reason, hint }
    }
}

/// A guest whose health is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// The machine.
    pub machine: MachineName,
    /// Its address.
    pub address: Ipv4Addr,
    /// What is tried.
    pub health: Health,
    /// The guest's first process, on the host.
    pub leader: u32,
    /// Its unit's cgroup, below the cgroup2 mount.
    pub control_group: String,
}

/// What ctrd does to the host for one container.
pub trait Host: Send + Sync + 'static {
    /// Reads how a container is. An error means that it is not known, never that nothing is there.
    fn observe(&self, wanted: &Wanted) -> impl Future<Output = Result<Observed, HostError>> + Send;

    /// Reads the credentials of a container. What cannot be read is in the answer, each with why.
    fn credentials(&self, container: &Container) -> impl Future<Output = Credentials> + Send;

    /// Carries out one step.
    fn apply(
        &self,
        wanted: &Wanted,
        step: &Step,
    ) -> impl Future<Output = Result<(), HostError>> + Send;

    /// Tries a running guest's health once.
    fn probe(&self, probed: &Probed) -> impl Future<Output = Outcome> + Send;

    /// The host is shutting down: nothing is started or repaired, and no end says anything about a
    /// guest. A host that cannot say is not.
    fn stopping(&self) -> impl Future<Output = bool> + Send {
        std::future::ready(false)
    }

    /// Returns when something may have changed about the container: "look again", no more.
    fn changed(&self, wanted: &Wanted) -> impl Future<Output = ()> + Send;
}

/// The files a container is given: its hosts file, its resolver configuration, those declared.
pub(super) fn given_files(wanted: &Wanted, nameservers: &[std::net::Ipv4Addr]) -> GivenFiles {
    let container = wanted.container();
    let mut files = vec![
        (
            "hosts".into(),
            network::hosts(&wanted.model, container),
            0o644,
        ),
        (
            "resolv.conf".into(),
            network::resolv_conf(nameservers),
            0o644,
        ),
    ];
    for (index, content) in container.files.values().enumerate() {
        files.push((
            format!("files/{index}").into(),
            content.text.clone(),
            content.mode,
        ));
    }
    GivenFiles { files }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::model::Program;
    use crate::reconcile::convergence::wanted;
    use crate::reconcile::plan::Intent;

    #[test]
    fn what_a_unit_will_carry_is_made_again_for_another_declaration_only() {
        let mut wanted = wanted(Intent::Run);
        let first = wanted.declared();
        assert!(Arc::ptr_eq(&first, &wanted.clone().declared()));
        let model = Arc::make_mut(&mut wanted.model);
        let group = model.groups.get_mut(&wanted.id.group).expect("its group");
        let container = group.containers.get_mut(&wanted.id.name).expect("itself");
        container.program = Program::Boot {
            enable: vec!["other.service".to_owned()],
            environment: [].into(),
        };
        assert_ne!(first, wanted.declared());
    }
}
