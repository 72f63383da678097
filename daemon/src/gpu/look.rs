//! What a container could be given now: everything that is read for it, in one answer.

use super::desired::{Offer, found};
use super::{Inventory, InventoryError, userspace};
use crate::model::{Container, GpuRequest, Root};
use crate::os::Paths;

/// What there is for a container that asks so, of an inventory that was just taken.
pub fn offer(
    paths: &Paths,
    container: &Container,
    request: &GpuRequest,
    inventory: &Inventory,
) -> Result<Offer, InventoryError> {
    let Some(mut offer) = found(request, inventory) else {
        return Ok(Offer::default());
    };
    let module = offer.gpus.iter().find_map(|place| {
        let driver = inventory.gpus[*place].driver.as_ref()?;
        (driver.name == NVIDIA).then(|| driver.version.clone())
    });
    let Some(module) = module else {
        return Ok(offer);
    };
    let has_store = matches!(container.root, Root::Nixos(_));
    if let Some(userspace) = userspace::of_nixos(paths, has_store)? {
        offer = offer.with(userspace);
    }
    offer.refused = userspace::mismatch(&offer.delivery.mounts, module.as_deref());
    Ok(offer)
}

/// NVIDIA's own driver, closed or open.
const NVIDIA: &str = "nvidia";
