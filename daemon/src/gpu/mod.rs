//! Graphics processors: what the host has, what a container is given of it.
//!
//! `inventory` is what was found, `desired` what a container gets of that; both are values. How it
//! gets there is `machine`'s: nodes and mounts before its unit starts, the unit's own list of
//! devices, and nodes that come and go while it runs.

pub mod cdi;
pub mod check;
mod delivery;
mod desired;
mod drm;
mod follow;
mod given;
mod inventory;
mod links;
mod look;
pub mod meter;
mod nvidia;
mod observe;
mod pci;
mod permissions;
mod tree;
mod uevent;
mod userspace;
mod watched;

pub use delivery::{Delivery, Mount};
pub use desired::{Lack, Offer, Refusal, Userspace, found};
pub use follow::follow;
pub use given::Given;
pub use inventory::{Driver, Gpu, Inventory, Node, Vendor};
pub use look::offer;
pub use observe::observe;
pub use tree::InventoryError;
