//! The values of a packet that rules ask for.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::matching::{Answer, addresses_in};
use super::packet::{Addresses, Hook, Link, Packet, State};
use crate::model::Protocol;

/// One value of a packet, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// A name: of an interface, a protocol, a kind.
    Word(&'a str),
    Number(u64),
    Addresses(Addresses),
    /// Of a set of flags these are on and these off; the others are not known.
    Flags(&'static [&'static str], &'static [&'static str]),
    /// What the kernel's routing says is there: the way back to the sender.
    Exists,
    /// Several that are asked for at once.
    Together(Vec<Field<'a>>),
    /// The packets have no such thing: whatever is asked of it, the rule does not match.
    Missing,
    Unknown,
}

/// The value that an expression of a rule asks for. `mark` is the packet's mark, where it is known.
pub(super) fn field<'a>(packet: &'a Packet, mark: Option<u64>, expression: &Value) -> Field<'a> {
    let Some((kind, body)) = expression.as_object().and_then(|it| it.iter().next()) else {
        return Field::Unknown;
    };
    let word = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    match (kind.as_str(), body) {
        ("meta", _) => meta(packet, mark, word("key")),
        ("payload", _) => payload(packet, word("protocol"), word("field")),
        ("ct", _) => connection(packet, word("key")),
        ("fib", _) => routing(packet, word("result"), body.get("flags")),
        ("concat", Value::Array(parts)) => {
            let parts = parts.iter().map(|part| field(packet, mark, part));
            Field::Together(parts.collect())
        }
        ("&", Value::Array(parts)) => match parts.as_slice() {
            [left, right] => match (field(packet, mark, left), right.as_u64()) {
                (Field::Number(number), Some(bits)) => Field::Number(number & bits),
                (Field::Missing, _) => Field::Missing,
                _ => Field::Unknown,
            },
            _ => Field::Unknown,
        },
        _ => Field::Unknown,
    }
}

fn meta<'a>(packet: &'a Packet, mark: Option<u64>, key: &str) -> Field<'a> {
    // An interface that is not there has the empty name (`nft_meta_store_ifname()` in
    // `net/netfilter/nft_meta.c`), and no group or kind.
    let name = |link: &'a Option<Link>| Field::Word(link.as_ref().map_or("", |it| &it.name));
    let group = |link: &Option<Link>| {
        link.as_ref()
            .map_or(Field::Missing, |it| Field::Number(it.group.into()))
    };
    let kind = |link: &Option<Link>| match link {
        None => Field::Missing,
        Some(link) => link.kind.map_or(Field::Unknown, Field::Word),
    };
    match key {
        "iifname" | "iif" => name(&packet.input),
        "oifname" | "oif" => name(&packet.output),
        "iifgroup" => group(&packet.input),
        "oifgroup" => group(&packet.output),
        "iifkind" => kind(&packet.input),
        "oifkind" => kind(&packet.output),
        "nfproto" => Field::Word("ipv4"),
        "protocol" => Field::Word("ip"),
        "l4proto" => protocol(packet),
        "mark" => mark.map_or(Field::Unknown, Field::Number),
        _ => Field::Unknown,
    }
}

fn protocol(packet: &Packet) -> Field<'static> {
    packet
        .protocol
        .map_or(Field::Unknown, |it| Field::Word(it.as_str()))
}

fn payload(packet: &Packet, header: &str, name: &str) -> Field<'static> {
    let port = |port: Option<u16>| port.map_or(Field::Unknown, |it| Field::Number(it.into()));
    match (header, name) {
        ("ip", "saddr") => Field::Addresses(packet.source),
        ("ip", "daddr") => Field::Addresses(packet.destination),
        ("ip", "protocol") => protocol(packet),
        ("ip", "version") => Field::Number(4),
        ("ether", "type") => Field::Word("ip"),
        ("ip6" | "icmpv6" | "arp", _) => Field::Missing,
        ("tcp" | "udp" | "th", _) => {
            let other = packet.protocol.is_some_and(|it| match it {
                Protocol::Tcp => header == "udp",
                Protocol::Udp => header == "tcp",
            });
            match name {
                _ if other => Field::Missing,
                "sport" => port(packet.source_port),
                "dport" => port(packet.destination_port),
                _ => Field::Unknown,
            }
        }
        ("icmp", _) if packet.protocol.is_some() => Field::Missing,
        _ => Field::Unknown,
    }
}

/// `include/uapi/linux/netfilter/nf_conntrack_common.h`.
fn connection(packet: &Packet, key: &str) -> Field<'static> {
    match (key, packet.state) {
        ("state", State::New) => Field::Flags(
            &["new"],
            &["established", "related", "invalid", "untracked"],
        ),
        ("state", State::Established) => Field::Flags(
            &["established"],
            &["new", "related", "invalid", "untracked"],
        ),
        ("status", _) if packet.led => Field::Flags(&["dnat"], &[]),
        ("status", _) => Field::Flags(&[], &["dnat"]),
        _ => Field::Unknown,
    }
}

fn routing(packet: &Packet, result: &str, flags: Option<&Value>) -> Field<'static> {
    let has = |flag: &str| {
        flags.is_some_and(|it| match it {
            Value::Array(flags) => flags.iter().any(|it| it == flag),
            one => one == flag,
        })
    };
    match result {
        "type" if has("daddr") => match (packet.hook, packet.destination) {
            (_, Addresses::Host) | (Hook::Input, _) => Field::Word("local"),
            (Hook::Forward | Hook::Postrouting, _) => Field::Word("unicast"),
            _ => Field::Unknown,
        },
        // A guest's subnet is on its bridge: the way back is the way it came.
        "oif" | "oifname" if has("saddr") => match (&packet.input, packet.source) {
            (Some(link), Addresses::Within(_)) if link.kind == Some("bridge") => Field::Exists,
            _ => Field::Unknown,
        },
        _ => Field::Unknown,
    }
}

impl Field<'_> {
    /// Whether this is one value of a rule.
    pub(super) fn is(&self, value: &Value) -> Answer {
        match self {
            Self::Missing => Answer::No,
            Self::Unknown | Self::Together(_) => Answer::Maybe,
            Self::Exists => value.as_bool().map_or(Answer::Maybe, Answer::of),
            Self::Number(number) => match value {
                // The names of numbers are in files of the host; all but this one.
                Value::String(name) if name == "default" => Answer::of(*number == 0),
                value => value
                    .as_u64()
                    .map_or(Answer::Maybe, |it| Answer::of(it == *number)),
            },
            Self::Word(word) => value.as_str().map_or(Answer::Maybe, |it| is_word(word, it)),
            Self::Flags(on, off) => match value.as_str() {
                Some(flag) if on.contains(&flag) => Answer::Yes,
                Some(flag) if off.contains(&flag) => Answer::No,
                _ => Answer::Maybe,
            },
            Self::Addresses(addresses) => match value.as_str().map(str::parse::<Ipv4Addr>) {
                Some(Ok(address)) => addresses_in(*addresses, address, address),
                _ => Answer::Maybe,
            },
        }
    }

    /// Whether this is an address between two.
    pub(super) fn is_in(&self, low: Ipv4Addr, high: Ipv4Addr) -> Answer {
        match self {
            Self::Addresses(addresses) => addresses_in(*addresses, low, high),
            Self::Missing => Answer::No,
            _ => Answer::Maybe,
        }
    }

    /// Whether this is an address of another family.
    pub(super) fn is_no_address(&self) -> Answer {
        match self {
            Self::Addresses(_) | Self::Missing => Answer::No,
            _ => Answer::Maybe,
        }
    }
}

/// Names of interfaces end in `*` where only their start is meant (`nft(8)`, "meta").
fn is_word(word: &str, asked: &str) -> Answer {
    match asked.strip_suffix('*') {
        Some(start) if !start.ends_with('\\') => Answer::of(word.starts_with(start)),
        _ => Answer::of(word == asked),
    }
}
