//! What of the host's graphics processors a container is to have: pure.

use std::collections::{BTreeMap, BTreeSet};

use super::delivery::{Delivery, Mount};
use super::{Given, Gpu, Inventory, Node, Vendor};
use crate::model::{GpuChoice, GpuDevices, GpuName, GpuRequest, GpuVendors};

/// What a container could be given now of what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    /// What is there for it.
    pub delivery: Delivery,
    /// The graphics processors that it has by that.
    pub given: Vec<Given>,
    /// What is not there, by the names that people know it by: `nvidia-uvm`.
    pub lacking: Vec<String>,
    /// What a person can do about that, where it is known.
    pub hint: Option<String>,
    /// Why it is not given what is there.
    pub refused: Option<Refusal>,
    /// What it should have is not known now: a running guest keeps what it has.
    pub unclear: bool,
}

/// Why a container is not given what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A sentence.
    pub reason: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}

/// What a container asks for and is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// In a few words.
    pub reason: String,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// It is not started without.
    pub waits: bool,
    /// It is there, and not given as it is: one that runs has what it was started with.
    pub refused: bool,
}

impl Lack {
    /// What there is to say of one that runs.
    pub fn while_it_runs(&self) -> String {
        if self.refused {
            format!("it would not start again: {}", self.reason)
        } else {
            format!("without {}", self.reason)
        }
    }
}

impl Offer {
    /// What is lacking of what was asked for.
    pub fn lack(&self, request: &GpuRequest) -> Option<Lack> {
        if let Some(Refusal { reason, hint }) = &self.refused {
            return Some(Lack {
                reason: format!("gpu: {reason}"),
                hint: hint.clone(),
                waits: true,
                refused: true,
            });
        }
        (!self.lacking.is_empty()).then(|| Lack {
            reason: format!("gpu ({})", self.lacking.join(", ")),
            hint: Some(self.hint.clone().unwrap_or_else(|| {
                "`ctr gpu check` says what is missing, and how to mend it".to_owned()
            })),
            waits: !request.optional,
            refused: false,
        })
    }
}

/// What comes with the graphics processors of a vendor besides their nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Userspace {
    /// Files and directories.
    pub mounts: Vec<Mount>,
    /// Variables.
    pub environment: BTreeMap<String, String>,
    /// Directories with libraries that no loader looks into by itself.
    pub library_folders: Vec<std::path::PathBuf>,
    /// What is not done, each as a sentence.
    pub unapplied: Vec<String>,
}

/// The offer of what was found to a request by vendor; `None` for one by CDI names.
///
/// Of `devices = "all"` one that works is enough to start: another may be a virtual machine's, or come
/// later. Of those that are named each has to be there.
pub fn found(request: &GpuRequest, inventory: &Inventory) -> Option<Offer> {
    let GpuChoice::Found { vendor, devices } = &request.choice else {
        return None;
    };
    let meant: Vec<&Gpu> = inventory
        .gpus
        .iter()
        .filter(|gpu| is_of(*vendor, gpu.vendor))
        .collect();
    let (chosen, lacking) = match devices {
        GpuDevices::All => (meant.clone(), lacking_of_all(*vendor, &meant)),
        GpuDevices::These(names) => named(names, &meant),
    };
    let mut nodes = BTreeMap::new();
    for node in chosen.iter().flat_map(|gpu| &gpu.nodes) {
        nodes
            .entry(node.path.clone())
            .or_insert_with(|| node.clone());
    }
    let nodes: Vec<Node> = nodes.into_values().collect();
    Some(Offer {
        given: given(inventory, &nodes),
        delivery: Delivery {
            nodes,
            ..Delivery::default()
        },
        lacking: lacking.into_iter().collect(),
        hint: None,
        refused: None,
        unclear: false,
    })
}

/// The graphics processors that whoever has these nodes has: those whose own node is among them.
pub(super) fn given(inventory: &Inventory, nodes: &[Node]) -> Vec<Given> {
    let is_given = |gpu: &&Gpu| {
        let label = gpu.label();
        nodes.iter().any(|node| node.path.ends_with(&label))
    };
    inventory
        .gpus
        .iter()
        .filter(is_given)
        .map(Gpu::given)
        .collect()
}

/// Whether a graphics processor is of those that are meant.
fn is_of(vendors: GpuVendors, vendor: Vendor) -> bool {
    match vendors {
        GpuVendors::Nvidia => vendor == Vendor::Nvidia,
        GpuVendors::Amd => vendor == Vendor::Amd,
        GpuVendors::Intel => vendor == Vendor::Intel,
        GpuVendors::Any => true,
    }
}

fn lacking_of_all(vendor: GpuVendors, meant: &[&Gpu]) -> BTreeSet<String> {
    if meant.iter().any(|gpu| gpu.missing.is_empty()) {
        return BTreeSet::new();
    }
    if meant.is_empty() {
        return [vendor.to_string()].into();
    }
    let missing = meant.iter().flat_map(|gpu| gpu.missing.iter().cloned());
    missing.collect()
}

fn named<'a>(names: &[GpuName], meant: &[&'a Gpu]) -> (Vec<&'a Gpu>, BTreeSet<String>) {
    let (mut chosen, mut lacking) = (Vec::new(), BTreeSet::new());
    for name in names {
        let found = match name {
            GpuName::Index(index) => usize::try_from(*index).ok().and_then(|it| meant.get(it)),
            GpuName::Uuid(uuid) => meant.iter().find(|gpu| gpu.uuid.as_ref() == Some(uuid)),
            GpuName::Pci(address) => meant.iter().find(|gpu| gpu.pci == Some(*address)),
        };
        match found {
            Some(gpu) => {
                lacking.extend(gpu.missing.iter().cloned());
                chosen.push(*gpu);
            }
            None => {
                lacking.insert(name.to_string());
            }
        }
    }
    (chosen, lacking)
}

impl Offer {
    /// The same with what comes with it besides.
    #[must_use]
    pub fn with(mut self, userspace: Userspace) -> Self {
        let Userspace {
            mounts,
            environment,
            library_folders,
            unapplied,
        } = userspace;
        let delivery = &mut self.delivery;
        delivery.mounts.extend(mounts);
        delivery.mounts.sort();
        // Of two for one place the first by its path on the host: the same at every look.
        delivery
            .mounts
            .dedup_by(|second, first| second.guest == first.guest);
        delivery.environment.extend(environment);
        delivery.library_folders.extend(library_folders);
        delivery.unapplied.extend(unapplied);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::found;
    use crate::gpu::{Gpu, Inventory, Node, Vendor};
    use crate::model::{GpuChoice, GpuDevices, GpuName, GpuRequest, GpuVendors};

    fn node(path: &str, minor: u32) -> Node {
        Node {
            path: path.into(),
            major: 195,
            minor,
            mode: 0o666,
            group: None,
        }
    }

    fn gpu(vendor: Vendor, pci: &str, nodes: &[(&str, u32)], missing: &[&str]) -> Gpu {
        Gpu {
            vendor,
            pci: Some(pci.parse().expect("an address")),
            uuid: None,
            name: "a card".to_owned(),
            driver: None,
            memory: None,
            nodes: nodes
                .iter()
                .map(|(path, minor)| node(path, *minor))
                .collect(),
            missing: missing.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    /// An Intel one, two of NVIDIA, of which the second is given to a virtual machine.
    fn laptop() -> Inventory {
        let control = ("/dev/nvidiactl", 255);
        Inventory {
            gpus: vec![
                gpu(
                    Vendor::Intel,
                    "0000:00:02.0",
                    &[("/dev/dri/renderD128", 9)],
                    &[],
                ),
                gpu(
                    Vendor::Nvidia,
                    "0000:01:00.0",
                    &[("/dev/nvidia0", 0), control],
                    &[],
                ),
                gpu(Vendor::Nvidia, "0000:02:00.0", &[], &["vfio-pci"]),
            ],
        }
    }

    fn ask(vendor: GpuVendors, devices: GpuDevices) -> GpuRequest {
        GpuRequest {
            choice: GpuChoice::Found { vendor, devices },
            optional: false,
        }
    }

    /// The paths of the nodes, and what is waited for.
    fn offered(request: &GpuRequest, inventory: &Inventory) -> (Vec<String>, Option<String>) {
        let offer = found(request, inventory).expect("by vendor");
        let nodes = offer.delivery.nodes.iter();
        let nodes = nodes.map(|node| node.path.display().to_string()).collect();
        let waits = offer.lack(request).filter(|lack| lack.waits);
        (nodes, waits.map(|lack| lack.reason))
    }

    #[test]
    fn all_of_a_vendor_are_those_that_work_and_no_others() {
        let (nodes, waits) = offered(&ask(GpuVendors::Nvidia, GpuDevices::All), &laptop());
        assert_eq!(nodes, ["/dev/nvidia0", "/dev/nvidiactl"]);
        assert_eq!(waits, None);
        let (nodes, _) = offered(&ask(GpuVendors::Any, GpuDevices::All), &laptop());
        assert_eq!(
            nodes,
            ["/dev/dri/renderD128", "/dev/nvidia0", "/dev/nvidiactl"]
        );
    }

    #[test]
    fn each_that_is_named_has_to_be_there() {
        let these = |names: &[GpuName]| GpuDevices::These(names.to_vec());
        let second = GpuName::Pci("0000:02:00.0".parse().expect("an address"));
        let waits = |name: GpuName| offered(&ask(GpuVendors::Nvidia, these(&[name])), &laptop()).1;
        assert_eq!(waits(GpuName::Index(0)), None);
        assert_eq!(waits(second), Some("gpu (vfio-pci)".to_owned()));
        assert_eq!(waits(GpuName::Index(1)), Some("gpu (vfio-pci)".to_owned()));
        assert_eq!(waits(GpuName::Index(2)), Some("gpu (2)".to_owned()));
        let uuid = GpuName::Uuid("GPU-1".to_owned());
        assert_eq!(waits(uuid), Some("gpu (GPU-1)".to_owned()));
    }

    #[test]
    fn what_is_lacking_is_waited_for_unless_it_is_optional() {
        let mut host = laptop();
        host.gpus.truncate(1);
        let mut request = ask(GpuVendors::Nvidia, GpuDevices::All);
        assert_eq!(
            offered(&request, &host),
            (vec![], Some("gpu (nvidia)".to_owned()))
        );
        request.optional = true;
        assert_eq!(offered(&request, &host), (vec![], None));
        let half = [("/dev/nvidia0", 0)];
        let late = gpu(Vendor::Nvidia, "0000:01:00.0", &half, &["nvidia-uvm"]);
        host.gpus.push(late);
        assert_eq!(
            offered(&request, &host),
            (vec!["/dev/nvidia0".to_owned()], None)
        );
        request.optional = false;
        let waits = Some("gpu (nvidia-uvm)".to_owned());
        assert_eq!(
            offered(&request, &host),
            (vec!["/dev/nvidia0".to_owned()], waits)
        );
    }
}
