//! What is known of packets at one hook.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::model::Protocol;

/// The packets of one declared traffic at one hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) hook: Hook,
    /// They are seen as frames of a bridge, by tables of the family `bridge`.
    pub(super) frame: bool,
    pub(super) input: Option<Link>,
    pub(super) output: Option<Link>,
    pub(super) source: Addresses,
    pub(super) destination: Addresses,
    /// `None`: any of them.
    pub(super) protocol: Option<Protocol>,
    pub(super) source_port: Option<u16>,
    pub(super) destination_port: Option<u16>,
    pub(super) state: State,
    /// The connection's destination was rewritten.
    pub(super) led: bool,
}

/// Where in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
}

impl Hook {
    /// As nft writes it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
        }
    }
}

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) name: String,
    /// Its link group, `IFLA_GROUP`.
    pub(super) group: u32,
    /// `bridge`, for the groups' own; otherwise not known.
    pub(super) kind: Option<&'static str>,
}

/// Which addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addresses {
    /// Some in here, any of them.
    Within(Ipv4Net),
    /// Some address of the host.
    Host,
    /// Somebody on the internet.
    Internet,
    /// Somebody outside of the host, near or far.
    Outside,
}

impl Addresses {
    /// One address.
    pub(super) fn one(address: Ipv4Addr) -> Self {
        Self::Within(Ipv4Net::from(address))
    }
}

/// What conntrack knows of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    New,
    Established,
}
