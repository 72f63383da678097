//! What was declared, now trustworthy: a [`Model`] exists only when every rule holds.
//!
//! Nothing here knows the file it came from, and no `Option` means "the default": defaults were
//! filled in on the way.

mod capability;
pub mod change;
mod container;
mod credential;
mod gpu;
mod health;
mod metrics;
mod names;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::Serialize;

pub use capability::Capability;
pub use container::{
    ActionCommand, Bind, Container, FileContent, Limits, Missing, Port, Program, Protocol, Publish,
    Restart, RestartPolicy, Root, UserMode,
};
pub use credential::{
    CREDENTIALS_IN_GUEST, CREDENTIALS_VARIABLE, CredentialId, CredentialIdError, CredentialSource,
};
pub use gpu::{
    CdiName, GpuChoice, GpuDevices, GpuName, GpuRequest, GpuVendors, NoCdiName, NoPciAddress,
    PciAddress,
};
pub use health::{Health, Probe};
pub use metrics::MetricsAddress;
pub(crate) use names::hex;
pub use names::{
    ContainerId, ContainerName, GroupName, INTERFACE_NAME_MAX, InterfaceName, MACHINE_NAME_MAX,
    MachineName, NameError,
};

/// Everything that is declared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Model {
    /// The name servers that guests use; `None` follows the host's real upstreams.
    pub nameservers: Option<Vec<Ipv4Addr>>,
    /// Where metrics are served; `None` for nowhere.
    pub metrics: Option<MetricsAddress>,
    /// Modules of drivers that containers wait for are loaded.
    pub load_gpu_modules: bool,
    /// The groups, by name.
    pub groups: BTreeMap<GroupName, Group>,
}

impl Model {
    /// Every container of every group.
    pub fn containers(&self) -> impl Iterator<Item = &Container> {
        self.groups
            .values()
            .flat_map(|group| group.containers.values())
    }

    /// One container.
    pub fn container(&self, id: &ContainerId) -> Option<&Container> {
        self.groups.get(&id.group)?.containers.get(&id.name)
    }
}

/// Containers that share a bridge, a subnet and a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Its name.
    pub name: GroupName,
    /// What it is for.
    pub description: String,
    /// Its subnet.
    pub subnet: Ipv4Net,
    /// The host's address in it: the guests' gateway.
    pub host_address: Ipv4Addr,
    /// The name of its bridge.
    pub bridge: InterfaceName,
    /// What else its guests may open connections to.
    pub reach: Vec<Reach>,
    /// The ports of the host that its guests may use, TCP and UDP.
    pub host_ports: Vec<u16>,
    /// Its containers, by name.
    pub containers: BTreeMap<ContainerName, Container>,
}

/// The target of a group's `reach`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Reach {
    /// Every declared port of every container of a group.
    Group(GroupName),
    /// Every declared port of one container.
    Container(ContainerId),
}
