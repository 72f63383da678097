//! `inet ctr`: what is routed, to and from the guests.

use nftables::expr::MetaKey::{Iifname, L4proto, Nfproto, Oifname};
use nftables::types::{NfChainType, NfHook};

use super::element::Set;
use super::expression::{
    Expr, Rule, Stmt, accept, concat, ct, destination_by, destination_type, drop, field, goto, has,
    in_set, is, is_not, leave, loopback, masquerade, meta, not_in_set, rule, text,
};
use super::skeleton::{Chain, Hook};

const FROM_GUEST: &str = "ctr_from_guest";
const TO_HOST: &str = "ctr_to_host";

pub(super) fn chains() -> Vec<Chain> {
    let base = |name, kind, point, priority, rules| Chain {
        name,
        hook: Some(Hook {
            kind,
            point,
            priority,
        }),
        rules,
    };
    let regular = |name, rules| Chain {
        name,
        hook: None,
        rules,
    };
    vec![
        regular(FROM_GUEST, from_guest()),
        regular(TO_HOST, to_host()),
        base(
            "ctr_raw",
            NfChainType::Filter,
            NfHook::Prerouting,
            -300,
            raw(),
        ),
        base(
            "ctr_prerouting",
            NfChainType::NAT,
            NfHook::Prerouting,
            -100,
            prerouting(),
        ),
        base(
            "ctr_output",
            NfChainType::NAT,
            NfHook::Output,
            -100,
            publishing(),
        ),
        base(
            "ctr_postrouting",
            NfChainType::NAT,
            NfHook::Postrouting,
            100,
            postrouting(),
        ),
        base(
            "ctr_forward",
            NfChainType::Filter,
            NfHook::Forward,
            0,
            forward(),
        ),
        base("ctr_input", NfChainType::Filter, NfHook::Input, 0, input()),
    ]
}

fn from_a_guest() -> Stmt {
    in_set(meta(Iifname), Set::Bridges)
}

fn is_ipv4() -> Stmt {
    is(meta(Nfproto), text("ipv4"))
}

fn known_connection() -> Stmt {
    has(ct("state"), &["established", "related"])
}

fn was_published() -> Stmt {
    has(ct("status"), &["dnat"])
}

fn port() -> Expr {
    field("th", "dport")
}

/// `route_localnet` on the bridges makes the kernel take 127.0.0.0/8 seriously there; from a guest
/// it is still a lie.
fn raw() -> Vec<Rule> {
    vec![
        rule(
            "a guest is not the host's loopback",
            [from_a_guest(), is(field("ip", "saddr"), loopback()), drop()],
        ),
        rule(
            "the host's loopback is not for guests",
            [from_a_guest(), is(field("ip", "daddr"), loopback()), drop()],
        ),
    ]
}

/// The kernel drops what arrives for 127.0.0.0/8 only after this hook: without the first rule a
/// neighbour on the LAN could send a packet for 127.0.0.1 and have it led to a guest.
fn prerouting() -> Vec<Rule> {
    let mut rules = vec![rule(
        "what arrives for loopback is never led on",
        [is(field("ip", "daddr"), loopback()), leave()],
    )];
    rules.extend(publishing());
    rules
}

fn publishing() -> Vec<Rule> {
    let at = concat([meta(L4proto), field("ip", "daddr"), port()]);
    let anywhere = concat([meta(L4proto), port()]);
    vec![
        rule(
            "published at one address",
            [
                is_ipv4(),
                destination_by(&at, Set::PublishAtAddress, Set::PublishAtPort),
            ],
        ),
        rule(
            "published at every address",
            [
                is_ipv4(),
                is(destination_type(), text("local")),
                destination_by(&anywhere, Set::PublishAddress, Set::PublishPort),
            ],
        ),
    ]
}

/// The answer of a guest to its own neighbour would not come by the host, whose address the neighbour
/// called. Told by the guest's address: `br_netfilter` sends its packets here without the interface
/// they came in by (`br_nf_post_routing()` in `net/bridge/br_netfilter_hooks.c`).
fn postrouting() -> Vec<Rule> {
    let neighbour = concat([meta(Oifname), field("ip", "saddr")]);
    vec![
        rule(
            "the host's loopback calls a published port",
            [
                is(field("ip", "saddr"), loopback()),
                in_set(meta(Oifname), Set::Bridges),
                masquerade(),
            ],
        ),
        rule(
            "a guest calls a published port of its own group",
            [
                in_set(neighbour, Set::Members),
                was_published(),
                masquerade(),
            ],
        ),
        rule(
            "guests go out, by whichever way",
            [
                in_set(field("ip", "saddr"), Set::Subnets),
                is_not(meta(Oifname), text("lo")),
                not_in_set(meta(Oifname), Set::Bridges),
                masquerade(),
            ],
        ),
    ]
}

/// Frames between two guests of a group come by here as well where `br_netfilter` is on.
fn forward() -> Vec<Rule> {
    let between = concat([meta(Iifname), meta(Oifname)]);
    vec![
        rule("what was allowed to begin", [known_connection(), accept()]),
        rule("within a group", [in_set(between, Set::Within), accept()]),
        rule("from a guest", [from_a_guest(), goto(FROM_GUEST)]),
        rule(
            "to a published port",
            [
                in_set(meta(Oifname), Set::Bridges),
                was_published(),
                accept(),
            ],
        ),
        rule(
            "to a guest otherwise",
            [in_set(meta(Oifname), Set::Bridges), drop()],
        ),
    ]
}

/// A published port of another group is seen here with the guest's own address and port: there is
/// no way around `reach` by way of the host.
fn from_guest() -> Vec<Rule> {
    let target = concat([meta(Iifname), field("ip", "daddr"), meta(L4proto), port()]);
    vec![
        rule(
            "to what its group reaches",
            [in_set(target, Set::Reach), accept()],
        ),
        rule(
            "to other groups otherwise",
            [in_set(meta(Oifname), Set::Bridges), drop()],
        ),
        rule(
            "IPv6 is not offered",
            [is(meta(Nfproto), text("ipv6")), drop()],
        ),
    ]
}

fn input() -> Vec<Rule> {
    vec![rule("from a guest", [from_a_guest(), goto(TO_HOST)])]
}

fn to_host() -> Vec<Rule> {
    let service = concat([meta(Iifname), meta(L4proto), port()]);
    let gateway = concat([meta(Iifname), field("ip", "daddr")]);
    vec![
        rule("what was allowed to begin", [known_connection(), accept()]),
        rule(
            "the host's ports for its group",
            [in_set(service, Set::HostPorts), accept()],
        ),
        rule(
            "ping to its gateway",
            [
                in_set(gateway, Set::Gateways),
                is(field("icmp", "type"), text("echo-request")),
                accept(),
            ],
        ),
        rule("the host otherwise", [drop()]),
    ]
}
