//! The graphics processors on PCI buses.

use std::collections::BTreeMap;

use super::drm::{Device, Drm};
use super::inventory::Vendor;
use super::tree::{InventoryError, Tree};
use crate::model::PciAddress;

/// The base class of display controllers (PCI Code and ID Assignment, base class 03h).
const DISPLAY: u32 = 0x03;

/// A function that is a graphics processor.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) address: PciAddress,
    pub(super) vendor: Vendor,
    /// What it is called where no driver says better.
    pub(super) name: String,
    /// The driver that is bound to it.
    pub(super) driver: Option<String>,
    /// In bytes, where the driver says so.
    pub(super) memory: Option<u64>,
}

/// All of them, in the order of their addresses: display controllers, and whatever has a node of the
/// Direct Rendering Manager. Cards that only compute are of another class, 12h, as are processors for
/// other ends.
pub(super) fn functions(
    sys: &Tree,
    drm: &BTreeMap<Device, Drm>,
) -> Result<Vec<Function>, InventoryError> {
    let mut functions = Vec::new();
    for name in sys.names("bus/pci/devices")? {
        let Ok(address) = name.parse::<PciAddress>() else {
            continue;
        };
        let path = format!("bus/pci/devices/{name}");
        let Some(class) = hexadecimal(sys, &format!("{path}/class"))? else {
            continue;
        };
        if class >> 16 != DISPLAY && !drm.contains_key(&Device::Pci(address)) {
            continue;
        }
        functions.extend(function(sys, &path, address)?);
    }
    functions.sort_unstable_by_key(|function| function.address);
    Ok(functions)
}

/// One that is still there.
fn function(
    sys: &Tree,
    path: &str,
    address: PciAddress,
) -> Result<Option<Function>, InventoryError> {
    let number = |file: &str| hexadecimal(sys, &format!("{path}/{file}"));
    let (Some(maker), Some(device)) = (number("vendor")?, number("device")?) else {
        return Ok(None);
    };
    let (vendor, word) = match maker {
        0x10de => (Vendor::Nvidia, "NVIDIA"),
        0x1002 => (Vendor::Amd, "AMD"),
        0x8086 => (Vendor::Intel, "Intel"),
        _ => (Vendor::Other, "PCI"),
    };
    let mut function = Function {
        address,
        vendor,
        name: format!("{word} {maker:04x}:{device:04x}"),
        driver: sys.link_name(&format!("{path}/driver"))?,
        memory: None,
    };
    if vendor == Vendor::Amd && function.driver.is_some() {
        // Both are amdgpu's; only cards for servers have a name.
        let name = sys.read(&format!("{path}/product_name"))?;
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            function.name = name;
        }
        let bytes = |text: &str| text.parse().ok();
        let file = format!("{path}/mem_info_vram_total");
        function.memory = sys.parse(&file, "a number of bytes", bytes)?;
    }
    Ok(Some(function))
}

/// Numbers of sysfs's PCI files: `0x030000`.
fn hexadecimal(sys: &Tree, path: &str) -> Result<Option<u32>, InventoryError> {
    let number = |text: &str| u32::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    sys.parse(path, "a number such as 0x10de", number)
}
