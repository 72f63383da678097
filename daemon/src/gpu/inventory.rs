//! The graphics processors of a host, as they were found.

use std::path::PathBuf;

use crate::model::PciAddress;

/// Who made a graphics processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vendor {
    /// PCI vendor 0x10de.
    Nvidia,
    /// PCI vendor 0x1002.
    Amd,
    /// PCI vendor 0x8086.
    Intel,
    /// Any other: a virtual one, for one.
    Other,
}

/// What the host has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// Its graphics processors, in the order of their addresses; those without one come last.
    pub gpus: Vec<Gpu>,
}

/// One graphics processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// Who made it.
    pub vendor: Vendor,
    /// Its address; `None` for one that is not on a PCI bus.
    pub pci: Option<PciAddress>,
    /// NVIDIA's identifier, `GPU-` and a UUID; `None` for others and while the driver has not read it.
    pub uuid: Option<String>,
    /// What it is called, in the driver's words where it tells, else the vendor's name and the ids of
    /// vendor and device.
    pub name: String,
    /// The driver that is bound to it.
    pub driver: Option<Driver>,
    /// Its memory in bytes, where the driver tells.
    pub memory: Option<u64>,
    /// The device nodes that make it usable and that can be made now; some belong to several.
    pub nodes: Vec<Node>,
    /// What it cannot be used without and that is not there, by the name that people know it by:
    /// `nvidia-uvm`, `driver`.
    pub missing: Vec<String>,
}

/// A kernel driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// Its module: `nvidia`, `amdgpu`, `i915`, `xe`, `nouveau`.
    pub name: String,
    /// The version that it says it has. Drivers of the kernel's own tree have none.
    pub version: Option<String>,
}

/// A character device that a program opens to use a graphics processor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Where programs expect it: `/dev/nvidia0`.
    pub path: PathBuf,
    /// Its major number.
    pub major: u32,
    /// Its minor number.
    pub minor: u32,
    /// Who may open it: its nine permission bits, as the host has them.
    pub mode: u32,
    /// The name of its group on the host; `None` for root's, and for one without a name.
    pub group: Option<String>,
}
