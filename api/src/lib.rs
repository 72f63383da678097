//! The bus contract between `ctrd` and everybody who talks to it.
//!
//! `ctrd` owns the name [`BUS_NAME`] on the system bus and serves two kinds of object:
//!
//! * [`MANAGER_PATH`] with the interface `org.kernelcore.Containers1.Manager` ([`ManagerProxy`]) and
//!   `org.freedesktop.DBus.ObjectManager`;
//! * one object per declared container below it ([`container_path`]) with the interface
//!   `org.kernelcore.Containers1.Container` ([`ContainerProxy`]).
//!
//! Everything that has more than one value travels as a dictionary (`a{sv}`), made from and into the
//! plain serde types of [`wire`] by [`Dict`]. A dictionary can gain keys without breaking an older
//! reader, so the interface is additive: a break would be `Containers2`. The same serde types are
//! what `ctr --json` prints.
//!
//! A client starts with [`ManagerProxy::status`] (the whole state) and then follows
//! `PropertiesChanged` of the container objects and `InterfacesAdded`/`InterfacesRemoved` of the
//! manager. Every such signal carries whole values, never differences, so a reader that folds them
//! over its first answer always holds the present state.

mod address;
mod dict;
mod error;
pub mod events;
pub mod journal;
mod proxy;
pub mod session;
pub mod wire;
mod words;

pub use address::{
    BUS_NAME, CONTAINER_INTERFACE, MANAGER_INTERFACE, MANAGER_PATH, container_path,
    escape_path_element,
};
pub use dict::{Dict, DictError, from_dict, to_dict};
pub use error::Error;
pub use proxy::{ContainerProxy, ManagerProxy};
pub use words::{RESERVED_FOR_LATER, RESERVED_GROUP_NAMES};
