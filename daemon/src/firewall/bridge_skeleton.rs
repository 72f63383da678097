//! `bridge ctr`: what comes out of the guests' veths.
//!
//! In the prerouting hook of the bridge, before it learns an address or passes a frame on, be it to
//! another guest or to the host.

use nftables::expr::MetaKey::Iifname;
use nftables::types::{NfChainType, NfHook};

use super::element::Set;
use super::expression::{
    Rule, accept, concat, drop, field, in_set, is, leave, meta, not_in_set, rule, text,
};
use super::skeleton::{Chain, Hook};

pub(super) fn chains() -> Vec<Chain> {
    let hook = Hook {
        kind: NfChainType::Filter,
        point: NfHook::Prerouting,
        priority: -300,
    };
    vec![Chain {
        name: "ctr_prerouting",
        hook: Some(hook),
        rules: prerouting(),
    }]
}

fn prerouting() -> Vec<Rule> {
    let source = |protocol, address| {
        let parts = [
            meta(Iifname),
            field("ether", "saddr"),
            field(protocol, address),
        ];
        in_set(concat(parts), Set::Guests)
    };
    let arp_source = [
        meta(Iifname),
        field("arp", "saddr ether"),
        field("arp", "saddr ip"),
    ];
    vec![
        rule(
            "not from a guest",
            [not_in_set(meta(Iifname), Set::Veths), leave()],
        ),
        rule(
            "IPv4 from the guest's own addresses",
            [
                is(field("ether", "type"), text("ip")),
                source("ip", "saddr"),
                accept(),
            ],
        ),
        rule(
            "ARP that speaks of the guest's own addresses",
            [
                is(field("ether", "type"), text("arp")),
                source("arp", "saddr ip"),
                in_set(concat(arp_source), Set::Guests),
                accept(),
            ],
        ),
        rule(
            "anything else: a false source, IPv6, other protocols",
            [drop()],
        ),
    ]
}
