//! A machine's root: whose users it has, where its writable layer is, what stands in it before the
//! first instruction of the guest.

mod binds;
mod driver_files;
mod gc_roots;
mod give;
mod guest_files;
mod guest_groups;
mod host_path;
mod idmap;
mod ids_in_use;
mod inside;
mod journal_directory;
mod machine_id;
mod mounts;
mod nodes;
mod ownership;
mod passwd;
mod prepare;
mod reown;
mod root_error;
mod shift;
mod state;
mod system;
mod uid_base;

pub use crate::os::FileError;
pub use gc_roots::{
    GcRoots, hold_system, let_systems_go, machines_with_gc_roots, observe_gc_roots,
};
pub use give::give_state;
pub use guest_files::{GivenFiles, observe_given, write_given};
pub use host_path::HostPathError;
pub(in crate::machine) use host_path::open_host;
pub use idmap::can_be_idmapped;
pub(in crate::machine) use idmap::copy_of_mount;
pub use journal_directory::make_journal_directory;
pub use machine_id::machine_id;
pub(in crate::machine) use mounts::mounts_below;
pub use nodes::{make_nodes, nodes_are_current, put_nodes_aside, stale_nodes};
pub use ownership::OwnerError;
pub(in crate::machine) use passwd::resolve as user_of_guest;
pub use prepare::{machines_with_roots, prepare, release, root_left, try_prepare};
pub use root_error::RootError;
pub use state::{State, StateError, UNFINISHED, claim_state, drop_layer, observe_state};
pub use system::{note_switch, point_profile, switched_to};
pub use uid_base::UidBase;
