//! What other programs' firewall rules do to the traffic that is declared.
//!
//! In nftables an `accept` ends one base chain and no other: a packet has to pass every base chain of
//! a hook (`nft(8)`, "VERDICT STATEMENTS"), so nothing that ctrd writes into its own tables helps
//! where another table drops. Nobody else's table is ever changed either. What remains is to say it:
//! which rule of whose stops what, and what its owner has to add.
//!
//! ```text
//! nft list ruleset --Ruleset::parse--> Ruleset -\
//! model, facts of the host --journeys--> packets -+--find--> obstacles    (all of it pure but `read`)
//! ```
//!
//! A [`packet`] is what is known of the packets of some declared traffic at one hook. Each foreign base
//! chain of that hook is [walked](walk) with it. A match is true, false, or not to be told, and only a
//! chain in which every way ends in a drop is reported: what may be let through is no problem.

mod fields;
mod find;
mod journeys;
mod listing;
mod matching;
mod owner;
mod packet;
mod read;
mod remedy;
#[cfg(test)]
mod ruleset_tests;
mod texts;
mod translated;
mod walk;
#[cfg(test)]
mod walk_tests;

pub use find::{Obstacle, find};
pub use journeys::{Facts, Uplink};
pub use listing::Ruleset;
pub use read::read;
