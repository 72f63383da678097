//! What a container could be given now: everything that is read for it, in one answer.

use super::cdi::{self, CdiError};
use super::desired::{Offer, Refusal, found, given};
use super::{Delivery, Inventory, InventoryError, userspace};
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
        && let Some(module) = nvidia_module(&offer, inventory)
    {
        offer.refused = userspace::mismatch(&offer.delivery.mounts, module);
    }
    Ok(offer)
}

/// The version of NVIDIA's module, where that drives one of those that are given.
fn nvidia_module<'a>(offer: &Offer, inventory: &'a Inventory) -> Option<Option<&'a str>> {
    inventory.gpus.iter().find_map(|gpu| {
        let driver = gpu.driver.as_ref()?;
        let is_given = offer.given.contains(&gpu.given());
        (is_given && driver.name == NVIDIA).then_some(driver.version.as_deref())
    })
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
    if nvidia_module(&offer, inventory).is_none() {
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

/// What specifications give for these names.
fn specified(paths: &Paths, names: &[CdiName], inventory: &Inventory) -> Offer {
    match cdi::edits(paths, inventory, names) {
        Ok(edits) => {
            let (nodes, userspace) = userspace::of_cdi(edits);
            let offer = Offer {
                given: given(inventory, &nodes),
                delivery: Delivery {
                    nodes,
                    ..Delivery::default()
                },
                ..Offer::default()
            };
            offer.with(userspace)
        }
        Err(error) => match error.waits_for() {
            Some(what) => Offer {
                lacking: vec![what],
                hint: Some(error.hint()),
                unclear: true,
                ..Offer::default()
            },
            None => Offer {
                refused: Some(refusal(&error)),
                unclear: true,
                ..Offer::default()
            },
        },
    }
}

fn refusal(error: &CdiError) -> Refusal {
    Refusal {
        reason: error.to_string(),
        hint: Some(error.hint()),
    }
}
