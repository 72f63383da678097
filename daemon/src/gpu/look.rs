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
    let module = inventory.gpus.iter().find_map(|gpu| {
        let driver = gpu.driver.as_ref()?;
        let is_given = offer.given.contains(&gpu.given());
        (is_given && driver.name == NVIDIA).then(|| driver.version.clone())
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
