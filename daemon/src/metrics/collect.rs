//! What a scrape takes: for each container its status, which ctrd has; for each that is up, three files of
//! its cgroup and two of its link on the host; and what those use that have a graphics processor.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::gpu::meter::{Reading, Use};
use crate::machine;
use crate::model::{Container, InterfaceName, PciAddress};
use crate::os::Paths;
use crate::reconcile::Status;
use crate::reconcile::fleet::Fleet;

use super::families::{Families, seconds};

/// Where the kernel counts what goes over a link (Linux's Documentation/ABI/testing/sysfs-class-net-statistics).
const LINKS: &str = "/sys/class/net";

/// Everything, as it is now.
pub(super) fn collect(fleet: &Fleet, gpu_use: &Reading) -> String {
    let in_force = fleet.in_force();
    let handles = fleet.handles().borrow().clone();
    let families = Families::new();
    let loaded = seconds(in_force.loaded_ms);
    families.host(loaded, in_force.refused.is_some());
    for container in in_force.model.containers() {
        let status = Status::of(&container.id, &handles);
        families.container(
            container,
            &status,
            &Sample::of(container, &status, fleet.paths(), gpu_use),
        );
    }
    families.text()
}

/// What the kernel says of a container now; what it does not say is absent.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sample {
    pub(super) usage: machine::Usage,
    /// As its guest sees it, in bytes.
    pub(super) received: Option<u64>,
    pub(super) transmitted: Option<u64>,
    /// What it uses of which graphics processor.
    pub(super) gpus: BTreeMap<PciAddress, Use>,
}

impl Sample {
    fn of(container: &Container, status: &Status, paths: &Paths, gpu_use: &Reading) -> Self {
        if status.leader.is_none() {
            return Self::default();
        }
        let link = InterfaceName::veth(&container.machine);
        let counters = Path::new(LINKS).join(link.as_str()).join("statistics");
        let counter = |name: &str| {
            let text = fs::read_to_string(counters.join(name)).ok()?;
            text.trim().parse().ok()
        };
        // The link's other end is the guest's: what it sends, this end receives.
        Self {
            usage: machine::usage(&paths.cgroup, &status.control_group),
            received: counter("tx_bytes"),
            transmitted: counter("rx_bytes"),
            gpus: gpu_use
                .guests
                .get(&container.id)
                .map(|used| used.cards.clone())
                .unwrap_or_default(),
        }
    }
}
