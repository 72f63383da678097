//! The nodes of the kernel's Direct Rendering Manager, and whose they are.

use std::collections::BTreeMap;
use std::path::Path;

use super::inventory::Node;
use super::permissions::{Nodes, Permissions};
use super::tree::{InventoryError, Tree};
use crate::model::PciAddress;

/// The nodes of one device.
#[derive(Debug, Default)]
pub(super) struct Drm {
    /// `/dev/dri/renderD128`: computes and renders.
    pub(super) render: Option<Node>,
    /// `/dev/dri/card0`: moreover it shows pictures on screens.
    pub(super) card: Option<Node>,
}

impl Drm {
    pub(super) fn nodes(self) -> impl Iterator<Item = Node> {
        self.render.into_iter().chain(self.card)
    }
}

/// Whose nodes they are.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Device {
    /// A function on a PCI bus.
    Pci(PciAddress),
    /// Any other, by its driver.
    Other(String),
}

/// All devices that have a node.
pub(super) fn devices(
    sys: &Tree,
    nodes: &mut Nodes<'_>,
) -> Result<BTreeMap<Device, Drm>, InventoryError> {
    let mut devices: BTreeMap<Device, Drm> = BTreeMap::new();
    for name in sys.names("class/drm")? {
        let Some(kind) = kind(&name) else { continue };
        let path = format!("class/drm/{name}");
        let Some(link) = sys.link(&path)? else {
            continue;
        };
        let Some(device) = device(sys, &path, &link)? else {
            continue;
        };
        let Some(number) = sys.device_number(&format!("{path}/dev"))? else {
            continue;
        };
        let default = Permissions::of_group(kind.group());
        let node = nodes.node(&format!("dri/{name}"), number, &default)?;
        let device = devices.entry(device).or_default();
        match kind {
            Kind::Render => device.render = Some(node),
            Kind::Card => device.card = Some(node),
        }
    }
    Ok(devices)
}

#[derive(Clone, Copy)]
enum Kind {
    Render,
    Card,
}

impl Kind {
    const fn group(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::Card => "video",
        }
    }
}

/// `card0-DP-1` is a socket of a card, `controlD64` was a node of older kernels.
fn kind(name: &str) -> Option<Kind> {
    let numbered = |prefix: &str| {
        let number = name.strip_prefix(prefix)?;
        (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
    };
    numbered("renderD")
        .map(|()| Kind::Render)
        .or_else(|| numbered("card").map(|()| Kind::Card))
}

/// From `../../devices/pci0000:00/0000:00:02.0/drm/card0` to whose it is.
///
/// Nodes belong to the function itself or to the virtio device that is its only child. What hangs
/// further down, a screen on a USB controller for one, is no graphics processor of that function.
fn device(sys: &Tree, path: &str, link: &Path) -> Result<Option<Device>, InventoryError> {
    let names: Vec<&str> = link.iter().filter_map(|name| name.to_str()).collect();
    let [.., above, own, "drm", _] = names.as_slice() else {
        return Ok(None);
    };
    let function = if own.starts_with("virtio") {
        above
    } else {
        own
    };
    if let Ok(address) = function.parse() {
        return Ok(Some(Device::Pci(address)));
    }
    let driver = sys.link_name(&format!("{path}/device/driver"))?;
    // A device that its own module made up has no driver, or that of all which are made up.
    let driver = driver.filter(|driver| driver != "faux_driver");
    Ok(Some(Device::Other(
        driver.unwrap_or_else(|| (*own).to_owned()),
    )))
}
