//! Extensions of iptables in rules that iptables wrote by way of nftables.
//!
//! nft's JSON has only their names. Its text has them translated by iptables' own libraries
//! (`iptables-translate(8)`), where nft was built with those: what the rules that decide about forwarding
//! commonly ask is read from there, and whatever else there is stays unknown.

use serde_json::{Value, json};

/// What an extension is in a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Extension {
    /// A condition, as nft would write it natively; `None` where that cannot be told.
    Match(Option<Value>),
    /// It decides nothing.
    Nothing,
    /// It changes the packet's mark.
    Marks,
    Drop,
    Accept,
    Unknown,
}

/// The extension `{"type": "match", "name": "conntrack"}` of the rule with this text.
pub(super) fn extension(body: &Value, text: &str) -> Extension {
    let word = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = word("name");
    if word("type") == "match" {
        return match name {
            "comment" => Extension::Nothing,
            "conntrack" | "state" => Extension::Match(one(text, &["ct state", "ct status"])),
            "devgroup" => Extension::Match(one(text, &["iifgroup", "oifgroup"])),
            "addrtype" => Extension::Match(one(text, &["fib daddr type"])),
            "multiport" | "tcp" | "udp" => Extension::Match(ports(text)),
            "mark" => Extension::Match(one(text, &["meta mark"])),
            _ => Extension::Match(None),
        };
    }
    match name {
        "LOG" | "NFLOG" | "TRACE" | "TCPMSS" | "CT" | "NOTRACK" | "CHECKSUM" | "TOS" | "DSCP"
        | "TTL" | "CLASSIFY" | "AUDIT" | "SET" => Extension::Nothing,
        "MARK" | "CONNMARK" | "CONNSECMARK" => Extension::Marks,
        "REJECT" => Extension::Drop,
        "ACCEPT" | "DNAT" | "SNAT" | "MASQUERADE" | "REDIRECT" => Extension::Accept,
        _ => Extension::Unknown,
    }
}

/// The one condition in `text` that starts with one of these. Two of them would have to be told
/// apart, which is left alone.
fn one(text: &str, starts: &[&str]) -> Option<Value> {
    let mut found = starts
        .iter()
        .flat_map(|start| text.match_indices(start).map(move |(at, _)| (*start, at)));
    let (start, at) = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let mut words = text[at + start.len()..].split_whitespace();
    let (op, value) = operator(words.next()?, &mut words)?;
    // A mask follows: `ct mark and 0x1`.
    if matches!(value, "&" | "and" | "or" | "xor" | "{") {
        return None;
    }
    let left = match start {
        "ct state" => json!({"ct": {"key": "state"}}),
        "ct status" => json!({"ct": {"key": "status"}}),
        "fib daddr type" => json!({"fib": {"result": "type", "flags": ["daddr"]}}),
        "meta mark" => json!({"meta": {"key": "mark"}}),
        group => json!({"meta": {"key": group}}),
    };
    let values = value.split(',').map(number_or_word).collect::<Vec<_>>();
    Some(json!({"op": op, "left": left, "right": values}))
}

/// `tcp dport { 80, 443 }`.
fn ports(text: &str) -> Option<Value> {
    let mut found = ["tcp dport", "udp dport"]
        .into_iter()
        .flat_map(|start| text.match_indices(start).map(move |(at, _)| (start, at)));
    let (start, at) = found.next()?;
    if found.next().is_some() || text.contains(" sport ") {
        return None;
    }
    let rest = text[at + start.len()..].trim_start();
    let (op, rest) = match rest.strip_prefix("!=") {
        Some(rest) => ("!=", rest.trim_start()),
        None => ("==", rest),
    };
    let list = match rest.strip_prefix('{') {
        Some(rest) => rest.split_once('}')?.0,
        None => rest.split_whitespace().next()?,
    };
    let values = list
        .split(',')
        .map(|value| match value.trim().split_once('-') {
            Some((low, high)) => {
                json!({"range": [number_or_word(low.trim()), number_or_word(high.trim())]})
            }
            None => number_or_word(value.trim()),
        });
    let protocol = &start[..3];
    let left = json!({"payload": {"protocol": protocol, "field": "dport"}});
    Some(json!({"op": op, "left": left, "right": values.collect::<Vec<_>>()}))
}

fn operator<'a>(
    first: &'a str,
    rest: &mut impl Iterator<Item = &'a str>,
) -> Option<(&'static str, &'a str)> {
    match first {
        "!=" | "!" => Some(("!=", rest.next()?)),
        "==" => Some(("==", rest.next()?)),
        value => Some(("==", value)),
    }
}

fn number_or_word(text: &str) -> Value {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    number.map_or_else(|| Value::from(text), Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(name: &str, text: &str) -> Option<Value> {
        match extension(&json!({"type": "match", "name": name}), text) {
            Extension::Match(condition) => condition,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn a_translated_condition_reads_as_a_native_one() {
        let states = condition(
            "conntrack",
            "oifname \"docker0\" ct state related,established accept",
        );
        let states = states.expect("understood");
        assert_eq!(states["op"], "==");
        assert_eq!(states["right"], json!(["related", "established"]));
        let group = condition("devgroup", "iifgroup != 0x637472 accept").expect("understood");
        assert_eq!(group["op"], "!=");
        assert_eq!(group["right"], json!([6_517_874]));
        let ports = condition(
            "multiport",
            "ip protocol tcp tcp dport { 80, 90-99 } return",
        );
        assert_eq!(
            ports.expect("understood")["right"],
            json!([80, {"range": [90, 99]}])
        );
    }

    #[test]
    fn what_is_not_translated_is_not_known() {
        assert_eq!(
            condition("conntrack", "xt match \"conntrack\" accept"),
            None
        );
        assert_eq!(condition("set", "xt match \"set\" accept"), None);
        // Which of the two is this extension's?
        assert_eq!(condition("conntrack", "ct state new ct status dnat"), None);
        assert_eq!(condition("devgroup", "iifgroup & 0xff == 0x7"), None);
    }
}
