//! What a container could be given now: everything that is read for it, in one answer.

use super::cdi::{self, CdiError};
use super::desired::{Offer, Refusal, found, given};
use super::{Driver, Gpu, Inventory, InventoryError, userspace};
use crate::model::{CdiName, Container, GpuChoice, GpuRequest, Root};
use crate::os::Paths;

/// NVIDIA's own driver, closed or open.
const NVIDIA: &str = "nvidia";
/// What its tool writes a specification of.
const NVIDIA_KIND: &str = "nvidia.com/gpu";

/// What there is for a container that asks so, of an inventory that was just taken.
pub fn offer(
    paths: &Paths,
    container: &Container,
    request: &GpuRequest,
    inventory: &Inventory,
) -> Result<Offer, InventoryError> {
    let mut offer = match &request.choice {
        GpuChoice::Cdi(names) => specified(paths, names, inventory),
        GpuChoice::Found { .. } => by_vendor(paths, container, request, inventory)?,
    };
    if offer.refused.is_none()
        && let Some(driver) = nvidia_driver(&offer, inventory)
    {
        let module = driver.version.as_deref();
        offer.refused = userspace::mismatch(&offer.delivery.mounts, module);
    }
    Ok(offer)
}

/// NVIDIA's own driver, where that drives one of those that are given.
fn nvidia_driver<'a>(offer: &Offer, inventory: &'a Inventory) -> Option<&'a Driver> {
    let given = |gpu: &&Gpu| offer.given.contains(&gpu.given());
    let mut drivers = inventory
        .gpus
        .iter()
        .filter(given)
        .filter_map(|gpu| gpu.driver.as_ref());
    drivers.find(|driver| driver.name == NVIDIA)
}

/// The nodes are those that were found. What comes with NVIDIA's is the host's own driver, which on NixOS has a
/// place of its own, and which elsewhere a specification lists.
fn by_vendor(
    paths: &Paths,
    container: &Container,
    request: &GpuRequest,
    inventory: &Inventory,
) -> Result<Offer, InventoryError> {
    let offer = found(request, inventory).unwrap_or_default();
    if nvidia_driver(&offer, inventory).is_none() {
        return Ok(offer);
    }
    let has_store = matches!(container.root, Root::Nixos(_));
    if let Some(userspace) = userspace::of_nixos(paths, has_store)? {
        return Ok(offer.with(userspace));
    }
    Ok(match cdi::userspace(paths, inventory, NVIDIA_KIND) {
        Ok(None) => offer,
        Ok(Some(edits)) => offer.with(userspace::of_cdi(edits).1),
        Err(error) => Offer {
            refused: Some(refusal(&error)),
            ..offer
        },
    })
}

/// What specifications give for these names. One that is not there keeps the others from nobody who starts
/// without it.
fn specified(paths: &Paths, names: &[CdiName], inventory: &Inventory) -> Offer {
    let (mut there, mut offer) = (Vec::new(), Offer::default());
    for name in names {
        match cdi::edits(paths, inventory, std::slice::from_ref(name)) {
            Ok(_) => there.push(name.clone()),
            Err(error) => match error.waits_for() {
                Some(what) => {
                    offer.lacking.push(what);
                    offer.hint.get_or_insert_with(|| error.hint());
                }
                None => return nothing(&error),
            },
        }
    }
    if there.is_empty() {
        offer.unclear = true;
        return offer;
    }
    match cdi::edits(paths, inventory, &there) {
        Ok(edits) => {
            let (nodes, userspace) = userspace::of_cdi(edits);
            offer.given = given(inventory, &nodes);
            offer.delivery.nodes = nodes;
            offer.with(userspace)
        }
        // It went since.
        Err(error) => nothing(&error),
    }
}

fn nothing(error: &CdiError) -> Offer {
    Offer {
        refused: Some(refusal(error)),
        unclear: true,
        ..Offer::default()
    }
}

fn refusal(error: &CdiError) -> Refusal {
    Refusal {
        reason: error.to_string(),
        hint: Some(error.hint()),
    }
}
