//! The device nodes of a guest that runs.

use crate::gpu::Offer;
use crate::machine::root::{State, make_nodes, nodes_are_current, put_nodes_aside, stale_nodes};
use crate::machine::{LiveGuest, Unit, change_nodes, devices_to_set, has_nodes, unit_name};
use crate::model::Container;
use crate::reconcile::host::Wanted;
use crate::reconcile::host_error::HostError;

use super::{RealHost, blocking};

impl RealHost {
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
