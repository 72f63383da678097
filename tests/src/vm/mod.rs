//! A host in a virtual machine: Debian's kernel, started by qemu with an emulated processor.
//!
//! A host in namespaces has the machine's kernel and what that gives it. This one has its own: pure
//! cgroup v2 with every controller, udev, and a disk that a power cut leaves as it would a real one. It
//! costs half a minute of both processors where the other costs one, so that it is for what only it can show.
//!
//! ```text
//!  test ── Vm ── Agent ═══ unix socket ═══ virtio-serial ═══ agent ── bash        (in the machine)
//!           └── keeper ── qemu: vda root (a copy, served by the keeper: its cache is lost in a cut),
//!                             vdb guests' tree, vdc files laid over the root
//! ```

#[doc(hidden)]
pub mod agent;
mod boot;
mod disks;
mod frame;
mod hardware;
mod image;
#[doc(hidden)]
pub mod keeper;
mod machine;
mod nbd;
mod port;
mod power;
mod recipe;
mod root_disk;
mod spec;
mod volatile_disk;

pub use machine::Vm;
pub use volatile_disk::Loss;
