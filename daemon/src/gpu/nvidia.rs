//! What NVIDIA's driver says of itself and of its cards.
//!
//! The places and words are those of the driver's kernel part, `nv-procfs.c`, `nv-caps.c` and
//! `nv-chardev-numbers.h`, which is published.

use std::collections::BTreeMap;

use super::inventory::{Driver, Node};
use super::permissions::{Nodes, Permissions};
use super::tree::{InventoryError, Tree};
use crate::model::PciAddress;

/// `NV_MINOR_DEVICE_NUMBER_REGULAR_MAX`.
const LAST_CARD: u32 = 247;
/// `NV_MINOR_DEVICE_NUMBER_MODESET_DEVICE`.
const MODESET: u32 = 254;
/// `NV_MINOR_DEVICE_NUMBER_CONTROL_DEVICE`.
const CONTROL: u32 = 255;

/// The module, and what it is called where it is missing.
pub(super) const NVIDIA: &str = "nvidia";
/// The module that programs for CUDA need besides.
const UVM: &str = "nvidia-uvm";

/// The driver, loaded.
#[derive(Debug)]
pub(super) struct Nvidia {
    driver: Driver,
    /// What every card needs; empty while the driver has no number of its own.
    shared: Vec<Node>,
    majors: BTreeMap<String, u32>,
    default: Permissions,
}

/// One card, as the driver knows it.
#[derive(Debug)]
pub(super) struct Card {
    pub(super) driver: Driver,
    pub(super) name: Option<String>,
    pub(super) uuid: Option<String>,
    pub(super) nodes: Vec<Node>,
    pub(super) missing: Vec<String>,
}

impl Nvidia {
    /// The driver's own part; `None` while it is not loaded.
    pub(super) fn observe(
        sys: &Tree,
        proc: &Tree,
        nodes: &mut Nodes<'_>,
    ) -> Result<Option<Self>, InventoryError> {
        if !sys.has("module/nvidia")? {
            return Ok(None);
        }
        let text = proc.read("driver/nvidia/version")?;
        let version = match text.as_deref().and_then(version) {
            Some(version) => Some(version.to_owned()),
            None => sys.read("module/nvidia/version")?,
        };
        let majors = majors(&proc.read("devices")?.unwrap_or_default());
        let params = proc.read("driver/nvidia/params")?.unwrap_or_default();
        let mut nvidia = Self {
            driver: Driver {
                name: NVIDIA.to_owned(),
                version,
            },
            shared: Vec::new(),
            majors,
            default: default_permissions(&params, nodes),
        };
        nvidia.shared = nvidia.shared_nodes(sys, proc, nodes)?;
        Ok(Some(nvidia))
    }

    /// Of the cards' own device; older drivers call it the front end.
    fn major(&self) -> Option<u32> {
        let major = |name: &str| self.majors.get(name).copied();
        major("nvidia").or_else(|| major("nvidia-frontend"))
    }

    /// Not among them is what rules over more than one card's work: the nodes of `NVSwitch` and of the
    /// fabric between hosts, and the capabilities `mig/config`, whose holder divides cards anew under
    /// everybody who uses them, and `fabric-mgmt`.
    fn shared_nodes(
        &self,
        sys: &Tree,
        proc: &Tree,
        nodes: &mut Nodes<'_>,
    ) -> Result<Vec<Node>, InventoryError> {
        let mut shared = Vec::new();
        let Some(major) = self.major() else {
            return Ok(shared);
        };
        shared.push(nodes.node("nvidiactl", (major, CONTROL), &self.default)?);
        if sys.has("module/nvidia_modeset")? {
            shared.push(nodes.node("nvidia-modeset", (major, MODESET), &self.default)?);
        }
        if let Some(uvm) = self.majors.get(UVM) {
            shared.push(nodes.node("nvidia-uvm", (*uvm, 0), &self.default)?);
            shared.push(nodes.node("nvidia-uvm-tools", (*uvm, 1), &self.default)?);
        }
        // Whoever has this one may see how busy the parts of a divided card are.
        let monitor = "driver/nvidia/capabilities/mig/monitor";
        shared.extend(self.capability(proc, monitor, nodes)?);
        Ok(shared)
    }

    /// The node of a capability; `None` where the driver does not have it.
    fn capability(
        &self,
        proc: &Tree,
        path: &str,
        nodes: &mut Nodes<'_>,
    ) -> Result<Option<Node>, InventoryError> {
        let Some(major) = self.majors.get("nvidia-caps") else {
            return Ok(None);
        };
        let Some(text) = proc.read(path)? else {
            return Ok(None);
        };
        let number = |name: &str| field(&text, name)?.parse::<u32>().ok();
        let (Some(minor), Some(mode)) = (number("DeviceFileMinor"), number("DeviceFileMode"))
        else {
            return Err(proc.unexpected(path, &text, "DeviceFileMinor and DeviceFileMode"));
        };
        let default = Permissions {
            mode: mode & 0o777,
            group: None,
        };
        let name = format!("nvidia-caps/nvidia-cap{minor}");
        nodes.node(&name, (*major, minor), &default).map(Some)
    }

    /// A card that is bound to the driver.
    pub(super) fn card(
        &self,
        proc: &Tree,
        address: PciAddress,
        nodes: &mut Nodes<'_>,
    ) -> Result<Card, InventoryError> {
        let mut card = Card {
            driver: self.driver.clone(),
            name: None,
            uuid: None,
            nodes: Vec::new(),
            missing: Vec::new(),
        };
        let path = format!("driver/nvidia/gpus/{address}/information");
        let information = proc.read(&path)?.unwrap_or_default();
        let word = |name: &str| field(&information, name).map(ToOwned::to_owned);
        card.name = word("Model");
        // While the card was not yet opened by anybody there are question marks.
        card.uuid = word("GPU UUID").filter(|uuid| !uuid.contains('?'));
        let minor = match field(&information, "Device Minor") {
            None => None,
            Some(text) => match text.parse().ok().filter(|minor| *minor <= LAST_CARD) {
                Some(minor) => Some(minor),
                None => return Err(proc.unexpected(&path, text, "a minor number up to 247")),
            },
        };
        // Who administrates the host may exclude a card: it is bound, and nobody can open it.
        let excluded = field(&information, "GPU Excluded") == Some("Yes");
        match (self.major(), minor) {
            (Some(major), Some(minor)) if !excluded => {
                let name = format!("nvidia{minor}");
                let own = nodes.node(&name, (major, minor), &self.default)?;
                card.nodes.push(own);
                card.nodes.extend(self.shared.iter().cloned());
                card.nodes.extend(self.parts(proc, minor, nodes)?);
                if !self.majors.contains_key(UVM) {
                    card.missing.push(UVM.to_owned());
                }
            }
            // Bound, and not ready: the driver is on its way up or down.
            _ => card.missing.push(NVIDIA.to_owned()),
        }
        Ok(card)
    }

    /// The capabilities of a divided card's parts, without which a part cannot be used: `gi0/access`,
    /// `gi0/ci0/access`.
    fn parts(
        &self,
        proc: &Tree,
        minor: u32,
        nodes: &mut Nodes<'_>,
    ) -> Result<Vec<Node>, InventoryError> {
        let mut parts = Vec::new();
        if !self.majors.contains_key("nvidia-caps") {
            return Ok(parts);
        }
        let card = format!("driver/nvidia/capabilities/gpu{minor}/mig");
        for instance in proc.names(&card)? {
            let instance = format!("{card}/{instance}");
            for inside in proc.names(&instance)? {
                let path = if inside == "access" {
                    format!("{instance}/access")
                } else {
                    format!("{instance}/{inside}/access")
                };
                parts.extend(self.capability(proc, &path, nodes)?);
            }
        }
        Ok(parts)
    }
}

/// The value of a line `Name: \t value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim())
    })
}

/// From the line of the closed module, `NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.133.07
/// Fri …`, or of the open one, `… Open Kernel Module for x86_64  570.133.07  Release Build …`.
fn version(text: &str) -> Option<&str> {
    let first = text
        .lines()
        .find(|line| line.starts_with("NVRM version:"))?;
    first.split_ascii_whitespace().find(|word| {
        let mut parts = word.split('.');
        let number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
        word.contains('.') && parts.all(number)
    })
}

/// The character devices of `proc_devices(5)`: which name has which number.
fn majors(text: &str) -> BTreeMap<String, u32> {
    text.lines()
        .skip_while(|line| line.trim() != "Character devices:")
        .take_while(|line| line.trim() != "Block devices:")
        .filter_map(|line| {
            let (number, name) = line.trim().split_once(' ')?;
            Some((name.trim().to_owned(), number.parse().ok()?))
        })
        .collect()
}

/// Who may open what the driver's own tool makes: the parameters of the module, which are decimal.
fn default_permissions(params: &str, nodes: &mut Nodes<'_>) -> Permissions {
    let number = |name: &str| field(params, name)?.parse::<u32>().ok();
    Permissions {
        mode: number("DeviceFileMode").map_or(0o666, |mode| mode & 0o777),
        group: number("DeviceFileGID").and_then(|gid| nodes.group(gid)),
    }
}

#[cfg(test)]
mod tests {
    use super::{majors, version};

    #[test]
    fn both_modules_say_their_version() {
        for (text, expected) in [
            (
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.133.07  Fri Mar 14 13:12:07 UTC 2025\nGCC version:  gcc version 13.3.0",
                Some("570.133.07"),
            ),
            (
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.133.07  Release Build  (dvs-builder@U22)\nGCC version:  gcc version 12.2.0",
                Some("570.133.07"),
            ),
            ("NVRM version: NVIDIA UNIX Kernel Module", None),
            ("GCC version:  gcc version 12.2.0", None),
            ("", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }

    #[test]
    fn a_block_device_is_no_character_device() {
        let text = "Character devices:\n  1 mem\n195 nvidia\n511 nvidia-uvm\n\nBlock devices:\n  7 loop\n259 nvidia-caps";
        let found = majors(text);
        let found: Vec<_> = found
            .iter()
            .map(|(name, major)| (name.as_str(), *major))
            .collect();
        assert_eq!(found, [("mem", 1), ("nvidia", 195), ("nvidia-uvm", 511)]);
    }
}
