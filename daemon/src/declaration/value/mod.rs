//! Single values: each type is read only where its own rule holds.

mod gpu;
mod metrics;
mod name;
mod network;
mod path;
mod quantity;
mod scalar;
mod word;

pub(crate) use gpu::{CdiNames, Devices};
pub(crate) use name::{ActionName, Reference, VariableName, is_variable_name};
pub(crate) use network::{PortNumber, Subnet, usable};
pub(crate) use path::{AbsolutePath, plain_path};
pub(crate) use quantity::{Cpus, Size, Time, written};
pub(crate) use scalar::{Mode, Number, Policy, Users};
pub(crate) use word::{
    HostUserName, Line, Remark, Scheme, UnitName, UserName, VariableValue, Word,
};
