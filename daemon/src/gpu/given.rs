//! What a container is told to have.

use super::{Gpu, Inventory, Vendor};
use crate::model::PciAddress;

/// A graphics processor that a container has been given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its address; `None` for one that is not on a PCI bus.
    pub pci: Option<PciAddress>,
    /// What it is called for short: `nvidia0`, `renderD128`.
    pub label: String,
    /// What it is called in full.
    pub name: String,
}

impl Gpu {
    /// This one, as a container that has it is told to have it.
    pub fn given(&self) -> Given {
        Given {
            pci: self.pci,
            label: self.label(),
            name: self.name.clone(),
        }
    }

    /// What it is called for short: the name of its own node, NVIDIA's before a render node before a card's; else
    /// its address, else its name.
    pub fn label(&self) -> String {
        let names: Vec<&str> = self
            .nodes
            .iter()
            .filter_map(|node| node.path.file_name()?.to_str())
            .collect();
        let numbered = |prefix: &str| {
            names.iter().find(|name| {
                let number = name.strip_prefix(prefix);
                number.is_some_and(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()))
            })
        };
        let own = ["nvidia", "renderD", "card"].into_iter().find_map(numbered);
        own.map(|name| (*name).to_owned())
            .or_else(|| self.pci.map(|pci| pci.to_string()))
            .unwrap_or_else(|| self.name.clone())
    }
}

impl Vendor {
    /// As it is said, and as a declaration has it where it can be asked for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nvidia => "nvidia",
            Self::Amd => "amd",
            Self::Intel => "intel",
            Self::Other => "other",
        }
    }
}

impl Inventory {
    /// Every graphics processor with its place among those of its vendor, from 0.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &Gpu)> {
        let mut next = std::collections::BTreeMap::new();
        self.gpus.iter().map(move |gpu| {
            let place = next.entry(gpu.vendor).or_insert(0);
            let index = *place;
            *place += 1;
            (index, gpu)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Driver, Gpu, Inventory, Node, Vendor};

    fn gpu(vendor: Vendor, nodes: &[&str]) -> Gpu {
        let node = |path: &&str| Node {
            path: path.into(),
            major: 1,
            minor: 1,
            mode: 0o666,
            group: None,
        };
        Gpu {
            vendor,
            pci: "0000:01:00.0".parse().ok(),
            uuid: None,
            name: "Card".to_owned(),
            driver: None::<Driver>,
            memory: None,
            nodes: nodes.iter().map(node).collect(),
            missing: Vec::new(),
        }
    }

    #[test]
    fn a_card_is_called_by_its_own_node() {
        let nvidia = [
            "/dev/nvidiactl",
            "/dev/nvidia-uvm",
            "/dev/nvidia1",
            "/dev/dri/renderD129",
        ];
        assert_eq!(gpu(Vendor::Nvidia, &nvidia).label(), "nvidia1");
        let amd = ["/dev/kfd", "/dev/dri/card0", "/dev/dri/renderD128"];
        assert_eq!(gpu(Vendor::Amd, &amd).given().label, "renderD128");
        assert_eq!(gpu(Vendor::Nvidia, &[]).label(), "0000:01:00.0");
        let nowhere = Gpu {
            pci: None,
            ..gpu(Vendor::Other, &[])
        };
        assert_eq!(nowhere.label(), "Card");
    }

    #[test]
    fn places_are_counted_for_each_vendor() {
        let vendors = [Vendor::Intel, Vendor::Nvidia, Vendor::Nvidia, Vendor::Intel];
        let inventory = Inventory {
            gpus: vendors.map(|vendor| gpu(vendor, &[])).into(),
        };
        let places: Vec<u32> = inventory.numbered().map(|(place, _)| place).collect();
        assert_eq!(places, [0, 0, 1, 1]);
    }
}
