//! What containers use of graphics processors: memory, and how much of the time they keep it busy.
//!
//! ```text
//!  a container's control group ── its processes ──> /proc/PID/fdinfo   AMD, Intel: `fdinfo`, `clients`
//!  NVML, in a process of its own ── processes ──> /proc/PID/cgroup     NVIDIA: `nvml`
//!  sysfs ──────────────────────────────────────> a card's own totals   `totals`
//! ```
//!
//! It is read when somebody asks, and only of containers that have a graphics processor. What a driver does not
//! tell is absent, and never an error. All of it is the kernel's or the driver's word: a guest decides which
//! processes it has, not what is said of them.

mod clients;
mod fdinfo;
mod host;
mod nvml;
mod nvml_process;
mod processes;
mod totals;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::model::{ContainerId, PciAddress};

pub use host::HostMeter;
pub use nvml_process::{nvml_process_main, started_as_nvml_process};

/// A running container that has a graphics processor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guest {
    /// Which.
    pub id: ContainerId,
    /// Its unit's cgroup, below the cgroup2 mount, as systemd says (`ControlGroup`); not empty.
    pub control_group: String,
}

/// What is used now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// By the card as a whole, whoever uses it; cards that tell nothing are absent.
    pub cards: BTreeMap<PciAddress, Card>,
    /// By each container that was asked for and could be looked at.
    pub guests: BTreeMap<ContainerId, GuestUse>,
}

/// What a card says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Card {
    /// Its memory in bytes.
    pub memory_total: Option<u64>,
    /// How much of that is taken.
    pub memory_used: Option<u64>,
    /// The share of the last moment that it was busy, 0 to 1.
    pub busy: Option<f64>,
}

/// What one container uses.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuestUse {
    /// Of each card of which it uses something.
    pub cards: BTreeMap<PciAddress, Use>,
    /// There was more to look at than is looked at: it uses at least this.
    pub at_least: bool,
}

/// What one container uses of one card.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Use {
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// The share of the time that it kept the card's busiest engine at work, 0 to 1: NVIDIA's of the last second,
    /// others' since it was last looked at. Absent at the first look.
    pub busy: Option<f64>,
}

/// Whoever can tell what is used. Leases of a card's memory stand on this too.
#[async_trait]
pub trait Meter: Debug + Send + Sync {
    /// What these containers use of these cards, and what the cards say of themselves. A card that sleeps is left
    /// asleep, and tells nothing.
    async fn read(&self, cards: &[PciAddress], guests: &[Guest]) -> Arc<Reading>;
}

/// Says what it was told to say.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct FakeMeter(pub(crate) Reading);

#[cfg(test)]
#[async_trait]
impl Meter for FakeMeter {
    async fn read(&self, cards: &[PciAddress], guests: &[Guest]) -> Arc<Reading> {
        let mut reading = self.0.clone();
        reading.cards.retain(|card, _| cards.contains(card));
        let asked = |id: &ContainerId| guests.iter().any(|it| it.id == *id);
        reading.guests.retain(|id, _| asked(id));
        Arc::new(reading)
    }
}
