//! Which graphics processors the host has.
//!
//! Everything that is looked at is the kernel's, and looked at once: about ten files for a card and
//! one for any other function on a bus. A node is there when its number is known, whether or not the
//! host has one in /dev: `ctrd` makes the nodes of guests itself.

use std::collections::BTreeMap;

use nix::unistd::{Gid, Group};

use super::drm::{self, Device, Drm};
use super::inventory::{Driver, Gpu, Inventory, Node, Vendor};
use super::nvidia::{NVIDIA, Nvidia};
use super::pci::{self, Function};
use super::permissions::{Groups, Nodes, Permissions};
use super::tree::{InventoryError, Tree};
use crate::os::Paths;

/// What a card is missing that no driver works for.
const DRIVER: &str = "driver";
/// What a card is missing whose driver has not made it yet.
const RENDER_NODE: &str = "render node";
/// Drivers of the kernel that make nodes for their cards.
const MAKE_NODES: [&str; 6] = ["amdgpu", "radeon", "i915", "xe", "nouveau", "nova"];

/// Looks at the host's graphics processors.
///
/// One that goes while it is looked at is left out, or lacks what could not be seen any more. What
/// cannot be read is an error, and then nothing is known of any: absent is not unreadable.
pub fn observe(paths: &Paths) -> Result<Inventory, InventoryError> {
    observe_with(paths, &|gid| {
        let group = Group::from_gid(Gid::from_raw(gid)).ok().flatten();
        group.map(|group| group.name)
    })
}

/// The same, with the names of groups from `group`.
pub(super) fn observe_with(
    paths: &Paths,
    group: &dyn Fn(u32) -> Option<String>,
) -> Result<Inventory, InventoryError> {
    let dev = Tree::open(&paths.dev)?;
    let host = Host {
        sys: Tree::open(&paths.sys)?,
        proc: Tree::open(&paths.proc)?,
    };
    host.observe(&mut Nodes::new(&dev, Groups::new(group)))
}

struct Host {
    sys: Tree,
    proc: Tree,
}

impl Host {
    fn observe(&self, nodes: &mut Nodes<'_>) -> Result<Inventory, InventoryError> {
        let mut drm = drm::devices(&self.sys, nodes)?;
        let functions = pci::functions(&self.sys, &drm)?;
        let has = |driver| {
            functions
                .iter()
                .any(|it| it.driver.as_deref() == Some(driver))
        };
        let nvidia = if has(NVIDIA) {
            Nvidia::observe(&self.sys, &self.proc, nodes)?
        } else {
            None
        };
        let kfd = if has("amdgpu") {
            self.kfd(nodes)?
        } else {
            None
        };
        let mut versions = Versions::default();
        let mut gpus = Vec::new();
        for function in functions {
            let own = drm
                .remove(&Device::Pci(function.address))
                .unwrap_or_default();
            // A screen that only shows what others compute, such as that of a server's console, is
            // of no use to a container.
            if function.vendor == Vendor::Other && own.render.is_none() {
                continue;
            }
            gpus.push(match (&nvidia, function.driver.as_deref()) {
                (Some(nvidia), Some(NVIDIA)) => self.nvidia(function, nvidia, own, nodes)?,
                (_, driver) => {
                    let driver = versions.driver(&self.sys, driver)?;
                    other(function, driver, own, kfd.as_ref())
                }
            });
        }
        for (device, own) in drm {
            if let (Device::Other(name), Some(_)) = (device, &own.render) {
                gpus.push(Gpu {
                    vendor: Vendor::Other,
                    pci: None,
                    uuid: None,
                    driver: versions.driver(&self.sys, Some(&name))?,
                    name,
                    memory: None,
                    nodes: own.nodes().collect(),
                    missing: Vec::new(),
                });
            }
        }
        Ok(Inventory { gpus })
    }

    /// The node that programs for `ROCm` use, one for all of AMD's cards.
    fn kfd(&self, nodes: &mut Nodes<'_>) -> Result<Option<Node>, InventoryError> {
        let Some(number) = self.sys.device_number("class/kfd/kfd/dev")? else {
            return Ok(None);
        };
        let default = Permissions::of_group("render");
        nodes.node("kfd", number, &default).map(Some)
    }

    fn nvidia(
        &self,
        function: Function,
        nvidia: &Nvidia,
        drm: Drm,
        nodes: &mut Nodes<'_>,
    ) -> Result<Gpu, InventoryError> {
        let card = nvidia.card(&self.proc, function.address, nodes)?;
        let mut own = card.nodes;
        // There when the module nvidia-drm is loaded with modeset=1. The other one shows pictures on
        // the host's screens, and nothing that computes opens it.
        own.extend(drm.render);
        Ok(Gpu {
            vendor: function.vendor,
            pci: Some(function.address),
            uuid: card.uuid,
            name: card.name.unwrap_or(function.name),
            driver: Some(card.driver),
            memory: function.memory,
            nodes: own,
            missing: card.missing,
        })
    }
}

/// A card of anybody, with a driver of the kernel's own tree, or without one.
fn other(function: Function, driver: Option<Driver>, drm: Drm, kfd: Option<&Node>) -> Gpu {
    let name = driver.as_ref().map(|driver| driver.name.as_str());
    let missing = missing(function.vendor, name, &drm);
    let kfd = kfd.filter(|_| name == Some("amdgpu") && drm.render.is_some());
    let nodes: Vec<Node> = kfd.cloned().into_iter().chain(drm.nodes()).collect();
    Gpu {
        vendor: function.vendor,
        pci: Some(function.address),
        uuid: None,
        name: function.name,
        driver,
        memory: function.memory,
        nodes,
        missing: missing.into_iter().map(ToOwned::to_owned).collect(),
    }
}

fn missing(vendor: Vendor, driver: Option<&str>, drm: &Drm) -> Option<&'static str> {
    let makes_nodes = driver.is_some_and(|driver| MAKE_NODES.contains(&driver));
    let nodes = drm.render.is_some() || drm.card.is_some();
    match vendor {
        // The module is unloaded at this moment.
        Vendor::Nvidia if driver == Some(NVIDIA) => Some(NVIDIA),
        // Its nodes render, and CUDA needs NVIDIA's own driver.
        Vendor::Nvidia if makes_nodes || nodes => Some(NVIDIA),
        Vendor::Amd | Vendor::Intel if makes_nodes && drm.render.is_none() => Some(RENDER_NODE),
        // None, or one that keeps the card for a virtual machine (vfio-pci).
        _ if !nodes => Some(DRIVER),
        _ => None,
    }
}

/// The versions of drivers, each read once.
#[derive(Default)]
struct Versions(BTreeMap<String, Option<String>>);

impl Versions {
    fn driver(&mut self, sys: &Tree, name: Option<&str>) -> Result<Option<Driver>, InventoryError> {
        let Some(name) = name else { return Ok(None) };
        let version = if let Some(version) = self.0.get(name) {
            version.clone()
        } else {
            // A module's directory has underscores where a driver's name may have dashes.
            let module = name.replace('-', "_");
            let version = sys.read(&format!("module/{module}/version"))?;
            self.0.insert(name.to_owned(), version.clone());
            version
        };
        Ok(Some(Driver {
            name: name.to_owned(),
            version,
        }))
    }
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
