//! The host's graphics processors, and what each container could be given of them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::error_text::with_causes;
use crate::gpu::{Delivery, Inventory, Offer, observe, offer};
use crate::model::{Container, GpuChoice, GpuRequest, GpuVendors, MachineName};
use crate::reconcile::host_error::HostError;

use super::{RealHost, blocking, lock};

/// What was read of them, until something about them changes.
///
/// It is kept because a look is not free: what NVIDIA's driver says in /proc wakes a card that sleeps, and
/// a laptop's battery pays for that.
#[derive(Debug, Default)]
pub(super) struct Gpus {
    known: Mutex<Known>,
    /// Somebody says when something changes; until then nothing is kept.
    followed: AtomicBool,
    /// systemd was asked for the module that is missing.
    asked_for_module: AtomicBool,
}

#[derive(Debug, Default)]
struct Known {
    /// Counts the changes: what was read before one is not kept after it.
    changes: u64,
    /// Who has asked.
    asking: HashSet<MachineName>,
    inventory: Option<Arc<Inventory>>,
    offers: HashMap<MachineName, (GpuRequest, Arc<Offer>)>,
    /// What was brought to each machine for its last start.
    brought: HashMap<MachineName, Arc<Delivery>>,
}

impl Gpus {
    pub(super) fn forget(&self, machine: &MachineName) {
        let mut known = lock(&self.known);
        known.asking.remove(machine);
        known.offers.remove(machine);
        known.brought.remove(machine);
    }

    /// What was brought to a machine for its last start, if it was by this ctrd.
    pub(super) fn brought(&self, machine: &MachineName) -> Arc<Delivery> {
        let known = lock(&self.known);
        known.brought.get(machine).cloned().unwrap_or_default()
    }

    pub(super) fn bring(&self, machine: &MachineName, delivery: Arc<Delivery>) {
        let mut known = lock(&self.known);
        known.brought.insert(machine.clone(), delivery);
    }

    /// What is kept of something, with the count of changes that what is read now belongs to.
    fn kept<T>(&self, of: impl FnOnce(&Known) -> Option<T>) -> (Option<T>, u64) {
        let known = lock(&self.known);
        let followed = self.followed.load(Ordering::Relaxed);
        let kept = followed.then(|| of(&known)).flatten();
        (kept, known.changes)
    }

    /// Keeps what was read, if nothing has changed since.
    fn keep(&self, changes: u64, put: impl FnOnce(&mut Known)) {
        let mut known = lock(&self.known);
        if known.changes == changes {
            put(&mut known);
        }
    }
}

impl RealHost {
    /// Something about the host's graphics processors changed: whoever asks for some looks again.
    pub fn gpus_changed(&self) {
        let machines: Vec<MachineName> = {
            let mut known = lock(&self.gpus.known);
            known.changes += 1;
            known.inventory = None;
            known.offers.clear();
            known.asking.iter().cloned().collect()
        };
        for machine in machines {
            self.signals.of(&machine).notify_one();
        }
    }

    /// Whether [`RealHost::gpus_changed`] is called for every change from here on.
    pub fn follows_gpus(&self, follows: bool) {
        self.gpus.followed.store(follows, Ordering::Relaxed);
    }

    /// The host's graphics processors.
    pub async fn inventory(&self) -> Result<Arc<Inventory>, HostError> {
        let (kept, changes) = self.gpus.kept(|known| known.inventory.clone());
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let paths = self.paths.clone();
        let look = move || Ok(Arc::new(observe(&paths)?));
        let seen = blocking("looking for graphics processors", look).await?;
        self.gpus
            .keep(changes, |known| known.inventory = Some(seen.clone()));
        Ok(seen)
    }

    /// What there is for a container; `None` for one that asks for nothing.
    pub(super) async fn offer(
        &self,
        container: &Container,
    ) -> Result<Option<Arc<Offer>>, HostError> {
        let Some(request) = &container.gpu else {
            return Ok(None);
        };
        let machine = &container.machine;
        lock(&self.gpus.known).asking.insert(machine.clone());
        let (kept, changes) = self.gpus.kept(|known| {
            let (asked, offer) = known.offers.get(machine)?;
            (asked == request).then(|| offer.clone())
        });
        if kept.is_some() {
            return Ok(kept);
        }
        let inventory = self.inventory().await?;
        let (paths, of, asked) = (self.paths.clone(), container.clone(), request.clone());
        let look = move || Ok(Arc::new(offer(&paths, &of, &asked, &inventory)?));
        let made = blocking("looking for what comes with graphics processors", look).await?;
        self.gpus.keep(changes, |known| {
            let entry = (request.clone(), made.clone());
            known.offers.insert(machine.clone(), entry);
        });
        Ok(Some(made))
    }

    /// Asks systemd for the module that containers wait for, where the rest of the driver is loaded.
    ///
    /// Until a program uses CUDA as root nobody loads it, and no program in a guest can. systemd's own
    /// unit for that (`modprobe@.service`) needs no right of ctrd's to load modules.
    pub async fn load_gpu_modules(&self) {
        let model = self.declared();
        if !model.load_gpu_modules || !model.containers().any(asks_for_nvidia) {
            return;
        }
        let Ok(inventory) = self.inventory().await else {
            // Whoever asks for one says what is wrong.
            return;
        };
        let mut missing = inventory.gpus.iter().flat_map(|gpu| &gpu.missing);
        let is_missing = missing.any(|it| it == UVM);
        let asked = &self.gpus.asked_for_module;
        if asked.swap(is_missing, Ordering::Relaxed) || !is_missing {
            return;
        }
        tracing::info!("{UVM} is not loaded, and containers ask for it: {UVM_UNIT} is started");
        if let Err(error) = self.systemd.start_existing(UVM_UNIT).await {
            tracing::warn!("{}; `modprobe nvidia-uvm` loads it", with_causes(&error));
        }
    }
}

/// The module of NVIDIA's driver without which no CUDA program runs.
const UVM: &str = "nvidia-uvm";
const UVM_UNIT: &str = "modprobe@nvidia_uvm.service";

/// Whether a container may be waiting for a module of NVIDIA's driver.
fn asks_for_nvidia(container: &Container) -> bool {
    let request = container.gpu.as_ref();
    request.is_some_and(|request| match &request.choice {
        GpuChoice::Found { vendor, .. } => matches!(vendor, GpuVendors::Nvidia | GpuVendors::Any),
        GpuChoice::Cdi(names) => names
            .iter()
            .any(|name| name.kind().starts_with("nvidia.com/")),
    })
}
