//! The fixed part of both tables, and how it is known again.

use nftables::types::{NfChainType, NfHook};
use serde::Serialize;

use super::expression::Rule;
use super::{bridge_skeleton, inet_skeleton};

/// One of the two tables, both named `ctr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// What is routed, to and from the guests: `inet ctr`.
    Inet,
    /// What comes out of the guests' veths: `bridge ctr`.
    Bridge,
}

impl Table {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Inet, Self::Bridge];
    /// The name of both.
    pub const NAME: &'static str = "ctr";

    /// As nft writes its family.
    pub const fn family(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Bridge => "bridge",
        }
    }

    /// Its chains.
    pub(super) fn chains(self) -> Vec<Chain> {
        match self {
            Self::Inet => inet_skeleton::chains(),
            Self::Bridge => bridge_skeleton::chains(),
        }
    }
}

/// A chain with its rules.
pub(super) struct Chain {
    /// Its name in the kernel, `ctr_...`.
    pub(super) name: &'static str,
    /// Where packets come from; `None` is other chains.
    pub(super) hook: Option<Hook>,
    /// Its rules, in order.
    pub(super) rules: Vec<Rule>,
}

/// Where packets enter a chain. The policy is always to accept: what is not about guests is none of
/// our business.
pub(super) struct Hook {
    pub(super) kind: NfChainType,
    pub(super) point: NfHook,
    /// `nft(8)`, "standard priority names".
    pub(super) priority: i32,
}
