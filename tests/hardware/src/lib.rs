//! A machine's devices and drivers as a kernel shows them, in one text that people can read.
//!
//! ```text
//! # A comment.
//! file sys/bus/pci/devices/0000:00:02.0/class = 0x030000
//! file proc/devices
//! | Character devices:
//! | 226 drm
//! dir sys/module/i915
//! link sys/bus/pci/devices/0000:00:02.0/driver -> ../../../../bus/pci/drivers/i915
//! char dev/dri/renderD128 226:128 0660 render
//! ```
//!
//! Tests of the daemon unpack it into a temporary directory, the lab into a host.

mod machine;
mod unpack;

pub use machine::{BadMachine, Entry, Machine};
pub use unpack::UnpackError;
