//! Addresses, subnets and ports.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv4Net;
use toml::de::DeValue;

use super::scalar::{integer, text};
use crate::declaration::collect::Collector;
use crate::declaration::place::{Place, quote};
use crate::declaration::read::{Read, mismatch};

impl Read for Ipv4Addr {
    const EXPECTED: &'static str = "a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let text = text::<Self>(value, place, problems)?;
        if let Ok(address) = text.parse() {
            return Some(address);
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            problems
                .error(place, format!("{} is an IPv6 address", quote(text)))
                .hint("write an IPv4 address: this version of ctrd gives guests no IPv6");
            return None;
        }
        let recorded = problems.error(place, format!("{} is not an IPv4 address", quote(text)));
        match text.split_once('/') {
            Some((address, _)) if address.parse::<Self>().is_ok() => {
                recorded.hint(format!(
                    "write \"{address}\": the prefix belongs to the subnet"
                ));
            }
            _ => {
                recorded.hint("write four numbers from 0 to 255: \"192.168.200.11\"");
            }
        }
        None
    }
}

/// The widest subnet: 10.0.0.0/8 is the widest private network there is.
const PREFIX_MIN: u8 = 8;
/// The narrowest subnet: a /30 has two addresses, the host's and one container's.
const PREFIX_MAX: u8 = 30;

/// A group's subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subnet(pub(crate) Ipv4Net);

impl Read for Subnet {
    const EXPECTED: &'static str = "a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let text = text::<Self>(value, place, problems)?;
        let Ok(subnet) = text.parse::<Ipv4Net>() else {
            not_a_subnet(text, place, problems);
            return None;
        };
        let (problem, hint) = if subnet.prefix_len() > PREFIX_MAX {
            let problem = format!("{text} has no room for the host and a container");
            (problem, format!("use a prefix of /{PREFIX_MAX} or less"))
        } else if subnet.prefix_len() < PREFIX_MIN {
            let problem = format!("{text} is too wide for a group");
            (problem, format!("use a prefix of /{PREFIX_MIN} or more"))
        } else if subnet.trunc() != subnet {
            let problem = format!("{text} has bits set behind its prefix");
            (problem, format!("write \"{}\"", subnet.trunc()))
        } else if let Some(reserved) = reserved(subnet.addr()) {
            let problem = format!("{text} is {reserved}");
            (
                problem,
                "use a private network, such as \"192.168.200.0/24\"".to_owned(),
            )
        } else {
            return Some(Self(subnet));
        };
        problems.error(place, problem).hint(hint);
        None
    }
}

fn not_a_subnet(text: &str, place: &Place, problems: &mut Collector) {
    let recorded = problems.error(place, format!("{} is not an IPv4 subnet", quote(text)));
    if text.parse::<Ipv4Addr>().is_ok() {
        recorded.hint(format!("add its prefix: \"{text}/24\""));
    } else if text.contains(':') {
        recorded.hint("write an IPv4 subnet: this version of ctrd gives guests no IPv6");
    } else {
        recorded.hint("write an address and a prefix: \"192.168.200.0/24\"");
    }
}

/// What an address is that no interface of a guest can have.
fn reserved(address: Ipv4Addr) -> Option<&'static str> {
    let first = address.octets()[0];
    if first == 0 {
        Some("the network of \"this host\", which no interface can have")
    } else if address.is_loopback() {
        Some("the loopback network")
    } else if address.is_link_local() {
        Some("the link-local network")
    } else if first >= 224 {
        Some("not a network of single hosts")
    } else {
        None
    }
}

/// The addresses that interfaces in a subnet can have, the first and the last.
pub(crate) fn usable(subnet: Ipv4Net) -> (Ipv4Addr, Ipv4Addr) {
    let first = u32::from(subnet.network()).saturating_add(1);
    let last = u32::from(subnet.broadcast()).saturating_sub(1);
    (first.into(), last.into())
}

/// A port number that something can listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PortNumber(pub(crate) u16);

impl Read for PortNumber {
    const EXPECTED: &'static str = "a port number";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let Some(written) = value.as_integer() else {
            mismatch::<Self>(value, place, problems);
            return None;
        };
        let port = integer(value)
            .and_then(|port| u16::try_from(port).ok())
            .filter(|&port| port != 0);
        if port.is_none() {
            problems
                .error(place, format!("{written} is not a port number"))
                .hint("ports go from 1 to 65535");
        }
        port.map(Self)
    }
}
