//! The host's graphics processors, and what each container could be given of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::gpu::{Delivery, Inventory, Offer, observe, offer};
use crate::machine::root::{State, make_nodes, nodes_are_current, put_nodes_aside, stale_nodes};
use crate::machine::{LiveGuest, Unit, change_nodes, devices_to_set, has_nodes, unit_name};
use crate::model::{Container, GpuRequest, MachineName};
use crate::reconcile::host::Wanted;
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
}

#[derive(Debug, Default)]
struct Known {
    inventory: Option<Arc<Inventory>>,
    offers: HashMap<MachineName, (GpuRequest, Arc<Offer>)>,
    /// What was brought to each machine at its last start.
    brought: HashMap<MachineName, Arc<Delivery>>,
}

impl Gpus {
    pub(super) fn forget(&self, machine: &MachineName) {
        let mut known = lock(&self.known);
        known.offers.remove(machine);
        known.brought.remove(machine);
    }

    /// What was brought to a machine at its last start, if it was by this ctrd.
    pub(super) fn brought(&self, machine: &MachineName) -> Arc<Delivery> {
        lock(&self.known)
            .brought
            .get(machine)
            .cloned()
            .unwrap_or_default()
    }

    pub(super) fn bring(&self, machine: &MachineName, delivery: Arc<Delivery>) {
        lock(&self.known).brought.insert(machine.clone(), delivery);
    }
}

impl RealHost {
    /// Something about the host's graphics processors changed: whoever asks for some looks again.
    pub fn gpus_changed(&self) {
        let machines: Vec<MachineName> = {
            let mut known = lock(&self.gpus.known);
            known.inventory = None;
            let offers = std::mem::take(&mut known.offers);
            offers.into_keys().collect()
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
        if self.gpus.followed.load(Ordering::Relaxed)
            && let Some(known) = lock(&self.gpus.known).inventory.clone()
        {
            return Ok(known);
        }
        let paths = self.paths.clone();
        let inventory = blocking("looking for graphics processors", move || {
            Ok(observe(&paths)?)
        })
        .await?;
        let inventory = Arc::new(inventory);
        lock(&self.gpus.known).inventory = Some(inventory.clone());
        Ok(inventory)
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
        if self.gpus.followed.load(Ordering::Relaxed)
            && let Some((known, offer)) = lock(&self.gpus.known).offers.get(machine)
            && known == request
        {
            return Ok(Some(offer.clone()));
        }
        let inventory = self.inventory().await?;
        let (paths, asks, of) = (self.paths.clone(), request.clone(), container.clone());
        let made = blocking(
            "looking for what comes with graphics processors",
            move || Ok(offer(&paths, &of, &asks, &inventory)?),
        )
        .await?;
        let made = Arc::new(made);
        let entry = (request.clone(), made.clone());
        lock(&self.gpus.known).offers.insert(machine.clone(), entry);
        Ok(Some(made))
    }

    /// Whether a running guest has the nodes that it is offered, no others, and may open them.
    pub(super) async fn devices_current(
        &self,
        container: &Container,
        offer: &Offer,
        unit: &Unit,
        leader: u32,
        state: Option<State>,
    ) -> Result<bool, HostError> {
        if !devices_to_set(&offer.delivery.nodes, unit).is_empty() {
            return Ok(false);
        }
        let base = state.and_then(|state| state.base);
        let guest = LiveGuest {
            leader,
            control_group: unit.control_group.clone(),
            base,
        };
        let (paths, container) = (self.paths.clone(), container.clone());
        let nodes = offer.delivery.nodes.clone();
        blocking("looking at the guest's devices", move || {
            Ok(nodes_are_current(&container, &paths, base, &nodes)? && has_nodes(&guest, &nodes)?)
        })
        .await
    }

    /// Gives a running guest the nodes that it is offered, and takes those away that it is not.
    ///
    /// systemd is told first: what is taken away cannot be opened from then on, whatever fails after that.
    pub(super) async fn set_devices(&self, wanted: &Wanted) -> Result<(), HostError> {
        let container = wanted.container();
        let machine = &container.machine;
        let unit_name = unit_name(machine);
        let Some(offer) = self.offer(container).await? else {
            return Ok(());
        };
        let unit = self.systemd.observe(&unit_name).await?;
        let Some(registered) = self.systemd.registered(machine).await? else {
            return Ok(());
        };
        let properties = devices_to_set(&offer.delivery.nodes, &unit);
        self.systemd.set_properties(&unit_name, &properties).await?;
        let guest = LiveGuest {
            leader: registered.leader,
            control_group: unit.control_group,
            base: self.base(wanted)?,
        };
        let (paths, container) = (self.paths.clone(), container.clone());
        blocking("changing the guest's devices", move || {
            let (machine, nodes) = (&container.machine, &offer.delivery.nodes);
            make_nodes(&container, &paths, guest.base, nodes)?;
            let stale = stale_nodes(&paths, machine, nodes)?;
            change_nodes(&paths, machine, &guest, nodes, stale.iter().cloned())?;
            Ok(put_nodes_aside(&paths, machine, &stale)?)
        })
        .await
    }
}
