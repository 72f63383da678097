//! The firewall as all containers share it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::firewall::{Desired, Element, Firewall, container_elements, group_elements};
use crate::model::{Container, ContainerId, Group, Model};
use crate::network::MacAddress;

use super::host_error::HostError;

/// The firewall, and whose elements are in it.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) firewall: Firewall,
    /// There are to be tables: something is declared, and was not taken down.
    pub(super) wanted: bool,
    pub(super) model: Arc<Model>,
    pub(super) containers: BTreeMap<ContainerId, Vec<Element>>,
}

impl Open {
    /// Nothing declared yet.
    pub(super) fn new(firewall: Firewall) -> Self {
        Self {
            firewall,
            wanted: false,
            model: Arc::default(),
            containers: BTreeMap::new(),
        }
    }

    /// Brings the tables to what is declared of those that have elements.
    pub(super) async fn converge(&mut self) -> Result<Vec<String>, HostError> {
        let desired = desired(&self.model, &self.containers);
        Ok(self.firewall.converge(&desired).await?)
    }

    /// The elements of the containers that have some, as another model declares them.
    pub(super) fn elements_in(&self, model: &Model) -> BTreeMap<ContainerId, Vec<Element>> {
        let declared = self.containers.keys().filter_map(|id| {
            let group = model.groups.get(&id.group)?;
            Some((id.clone(), elements(group, group.containers.get(&id.name)?)))
        });
        declared.collect()
    }
}

/// All elements: the groups' and those containers'.
pub(super) fn desired(model: &Model, containers: &BTreeMap<ContainerId, Vec<Element>>) -> Desired {
    let mut desired = Desired::default();
    for group in model.groups.values() {
        desired.extend(group_elements(model, group));
    }
    desired.extend(containers.values().flatten().cloned());
    desired
}

/// What a container has in the firewall while it runs.
pub(super) fn elements(group: &Group, container: &Container) -> Vec<Element> {
    container_elements(group, container, MacAddress::of(&container.machine).0)
}
