//! The tables `inet ctr` and `bridge ctr`.
//!
//! Chains and rules are a fixed skeleton; what is declared is elements of its sets and maps, so that
//! a change touches only what changed and no rule is ever rewritten. No rule names an uplink: a
//! guest gets out by whichever way the host has. Other tables are never touched, and a verdict of
//! ours overrides no drop of theirs (in nftables a packet must pass every table).
//!
//! ```text
//! model --desired--> Desired (elements)          (pure)
//! kernel --nft -j list--> Observed               (parsed, pure)
//! plan (pure) --> Plan: nothing | replace both tables | change elements --> one nft transaction
//! ```
//!
//! [`Firewall`] keeps what it last applied or read, and asks the kernel whether anybody has changed
//! anything since: with nothing to do no `nft` is started.

mod bridge_skeleton;
mod converge;
mod desired;
mod element;
mod expression;
#[cfg(test)]
pub(crate) mod fake_tables;
mod generation;
mod inet_skeleton;
mod nft;
mod observed;
pub mod others;
mod plan;
mod ruleset;
mod skeleton;

pub use converge::{Firewall, FirewallError};
pub use desired::{Desired, container_elements, group_elements};
pub use element::{Atom, Element, Set};
pub(crate) use generation::{Generation, Generations};
pub use nft::{MINIMUM_VERSION, NftError, NftVersion, nft_version};
pub use observed::{Observed, ObservedTable, ParseError, parse_table};
pub use plan::{Plan, Reason, plan};
pub use skeleton::Table;
