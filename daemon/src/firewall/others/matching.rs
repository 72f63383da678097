//! Whether a value of a packet is what a rule asks for.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};
use serde_json::Value;

use super::fields::Field;
use super::packet::Addresses;

/// The answer to a question about packets of which not everything is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Of all of them it is so.
    Yes,
    /// Of none of them.
    No,
    /// Of some perhaps.
    Maybe,
}

impl Answer {
    pub(super) fn of(it: bool) -> Self {
        if it { Self::Yes } else { Self::No }
    }

    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Maybe,
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
        }
    }
}

/// Whether `field` is one of `right`; `set` gives the elements of a named set.
pub(super) fn is_one_of<'a>(
    field: &Field<'_>,
    right: &'a Value,
    set: &dyn Fn(&str) -> &'a [Value],
) -> Answer {
    if let Some(name) = right.as_str().and_then(|it| it.strip_prefix('@')) {
        return any(field, set(name), set);
    }
    if let Value::Array(values) = right {
        return any(field, values, set);
    }
    let Some((kind, body)) = right.as_object().and_then(|it| it.iter().next()) else {
        return field.is(right);
    };
    match (kind.as_str(), body) {
        ("set", Value::Array(values)) => any(field, values, set),
        // An element with a timeout, a counter or a comment.
        ("elem", body) => body
            .get("val")
            .map_or(Answer::Maybe, |value| is_one_of(field, value, set)),
        ("prefix", body) => prefix(body).map_or_else(
            || field.is_no_address(),
            |net| field.is_in(net.network(), net.broadcast()),
        ),
        ("range", Value::Array(bounds)) => match bounds.as_slice() {
            [low, high] => in_range(field, low, high),
            _ => Answer::Maybe,
        },
        ("concat", Value::Array(values)) => match field {
            Field::Together(fields) if fields.len() == values.len() => fields
                .iter()
                .zip(values)
                .map(|(field, value)| is_one_of(field, value, set))
                .fold(Answer::Yes, Answer::and),
            _ => Answer::Maybe,
        },
        _ => Answer::Maybe,
    }
}

fn any<'a>(field: &Field<'_>, values: &'a [Value], set: &dyn Fn(&str) -> &'a [Value]) -> Answer {
    values
        .iter()
        .map(|value| is_one_of(field, value, set))
        .fold(Answer::No, Answer::or)
}

fn prefix(body: &Value) -> Option<Ipv4Net> {
    let address = body.get("addr")?.as_str()?.parse().ok()?;
    let length = u8::try_from(body.get("len")?.as_u64()?).ok()?;
    match IpNet::new(address, length).ok()? {
        IpNet::V4(net) => Some(net),
        IpNet::V6(_) => None,
    }
}

fn in_range(field: &Field<'_>, low: &Value, high: &Value) -> Answer {
    match (field, low.as_u64(), high.as_u64()) {
        (Field::Number(number), Some(low), Some(high)) => {
            return Answer::of((low..=high).contains(number));
        }
        (Field::Missing, ..) => return Answer::No,
        _ => {}
    }
    let address = |value: &Value| value.as_str()?.parse::<Ipv4Addr>().ok();
    match (address(low), address(high)) {
        (Some(low), Some(high)) => field.is_in(low, high),
        _ => Answer::Maybe,
    }
}

/// Networks that nobody on the internet has (RFC 6890).
const NOT_INTERNET: [(Ipv4Addr, u8); 9] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Whether these addresses are between two, both included.
pub(super) fn addresses_in(addresses: Addresses, low: Ipv4Addr, high: Ipv4Addr) -> Answer {
    if low.is_unspecified() && high.is_broadcast() {
        return Answer::Yes;
    }
    let inside = |outer: Ipv4Net| outer.contains(&low) && outer.contains(&high);
    let special = || {
        NOT_INTERNET
            .iter()
            .filter_map(|(address, length)| Ipv4Net::new(*address, *length).ok())
            .any(inside)
    };
    match addresses {
        Addresses::Within(net) => {
            let (first, last) = (net.network(), net.broadcast());
            if low <= first && last <= high {
                Answer::Yes
            } else if last < low || high < first {
                Answer::No
            } else {
                Answer::Maybe
            }
        }
        Addresses::Internet if special() => Answer::No,
        Addresses::Outside if low.is_loopback() && high.is_loopback() => Answer::No,
        Addresses::Internet | Addresses::Outside | Addresses::Host => Answer::Maybe,
    }
}
