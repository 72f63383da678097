//! What is said of graphics processors.

use serde::{Deserialize, Serialize};

/// A graphics processor of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// Who made it: `nvidia`, `amd`, `intel` or `other`.
    pub vendor: String,
    /// Its place among those of its vendor, in the order of their addresses, from 0: what `devices = [0]` means
    /// in a declaration that names the vendor.
    pub index: u32,
    /// Its address: `0000:01:00.0`. Absent for one that is not on a PCI bus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pci: Option<String>,
    /// NVIDIA's identifier, `GPU-` and a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// What it is called.
    pub name: String,
    /// The driver that is bound to it: `nvidia`, `amdgpu`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// The driver's version, where it has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver_version: Option<String>,
    /// Its memory in bytes, where the driver tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_total: Option<u64>,
    /// How much of that is taken, by whomever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used: Option<u64>,
    /// How busy it was in the last moment, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<u32>,
    /// The device nodes that make it usable: `/dev/nvidia0`, `/dev/nvidiactl`.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// What it cannot be used without and that is not there: `nvidia-uvm`, `driver`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The containers that have it: `ml/ollama`.
    #[serde(default)]
    pub used_by: Vec<String>,
}

/// A graphics processor that a container has been given, and what it uses of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerGpu {
    /// What it is called for short: `nvidia0`, `renderD128`.
    pub label: String,
    /// Its address: `0000:01:00.0`. Absent for one that is not on a PCI bus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pci: Option<String>,
    /// What it is called in full.
    pub name: String,
    /// The container's memory on it, in bytes, where the driver tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// How busy the container kept it, in percent, where the driver tells: in the last second, or since it was
    /// last asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<u32>,
}

/// One thing that was found when the host's graphics processors were checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuFinding {
    /// How bad it is.
    pub severity: GpuSeverity,
    /// What it is about: `NVIDIA GeForce RTX 3050 (0000:01:00.0)`, `ml/ollama`.
    pub subject: String,
    /// What is so, in a sentence without its subject.
    pub what: String,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuSeverity {
    /// As it should be.
    Ok,
    /// It works, and could be better.
    Hint,
    /// Something does not work.
    Problem,
}
