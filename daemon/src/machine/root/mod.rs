//! A machine's root: whose users it has, where its writable layer is, what stands in it before the
//! first instruction of the guest.

mod file_error;
mod guest_files;
mod idmap;
mod inside;
mod machine_id;
mod mounts;
mod passwd;
mod prepare;
mod state;
mod uid_base;

pub use file_error::FileError;
pub use guest_files::{GivenFiles, observe_given, write_given};
pub use idmap::can_be_idmapped;
pub use machine_id::machine_id;
pub use mounts::mounted;
pub(in crate::machine) use passwd::resolve as user_of_guest;
pub use prepare::{RootError, prepare, release};
pub use state::{StateError, claim_state, drop_layer, observe_state};
pub use uid_base::UidBase;
