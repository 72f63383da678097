//! What is certain of a forward chain with the policy to drop, for a guest's packet to the internet.

use serde_json::{Value, json};

use super::{Facts, Ruleset, Uplink, find};
use crate::declaration;

const DECLARATION: &str = "schema = 1\n[groups.red]\nsubnet = \"10.77.1.0/24\"\n\
    host-address = \"10.77.1.1\"\n[groups.red.containers.web]\naddress = \"10.77.1.11\"\n\
    root = { tree = \"/var/lib/machines/debian\" }\n";

/// Whether a chain with these rules certainly drops it, beside further objects of its table.
fn drops_beside(rules: &[Value], more: &[Value]) -> bool {
    let chain = |name: &str, rules: &[Value]| -> Vec<Value> {
        let rule = |expr: &Value| {
            json!({"rule": {"family": "inet", "table": "theirs", "chain": name, "handle": 7,
                "expr": expr}})
        };
        rules.iter().map(rule).collect()
    };
    let mut objects = vec![
        json!({"chain": {"family": "inet", "table": "theirs", "name": "forward",
        "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}}),
    ];
    objects.extend(chain("forward", rules));
    objects.extend(more.iter().cloned());
    // What comes back passes.
    objects.insert(
        1,
        json!({"rule": {"family": "inet", "table": "theirs", "chain": "forward", "handle": 1, "expr":
            [{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "established"}},
             {"accept": null}]}}),
    );
    let listing = json!({ "nftables": objects }).to_string();
    let ruleset = Ruleset::parse(&listing, "").expect("a listing");
    let parsed = declaration::parse("red.toml", DECLARATION.as_bytes());
    let model = parsed.unwrap_or_else(|problems| panic!("{problems}")).model;
    let facts = Facts {
        link_group: 7,
        uplink: Some(Uplink {
            name: "eth0".to_owned(),
            group: 0,
        }),
        ..Facts::default()
    };
    !find(&ruleset, &model, &facts).is_empty()
}

fn drops(rules: &[Value]) -> bool {
    drops_beside(rules, &[])
}

fn meta(key: &str, op: &str, right: &Value) -> Value {
    json!({"match": {"op": op, "left": {"meta": {"key": key}}, "right": right}})
}

fn source(op: &str, right: &Value) -> Value {
    let left = json!({"payload": {"protocol": "ip", "field": "saddr"}});
    json!({"match": {"op": op, "left": left, "right": right}})
}

fn accept() -> Value {
    json!({"accept": null})
}

#[test]
fn a_policy_drops_what_no_rule_is_about() {
    assert!(drops(&[]));
    assert!(drops(&[json!([
        meta("iifname", "==", &json!("docker0")),
        accept()
    ])]));
    assert!(drops(&[json!([
        meta("iifname", "==", &json!("veth*")),
        accept()
    ])]));
    assert!(drops(&[json!([
        meta("oifname", "!=", &json!("eth0")),
        accept()
    ])]));
    assert!(drops(&[json!([
        meta("iifgroup", "==", &json!(8)),
        accept()
    ])]));
    assert!(drops(&[json!([
        source("==", &json!("10.77.2.11")),
        accept()
    ])]));
    let theirs = json!({"prefix": {"addr": "10.42.0.0", "len": 16}});
    assert!(drops(&[json!([source("==", &theirs), accept()])]));
    let udp = json!([meta("l4proto", "==", &json!("udp")), accept()]);
    assert!(drops(&[udp]));
    let six = json!({"prefix": {"addr": "fe80::", "len": 10}});
    assert!(drops(&[json!([source("==", &six), accept()])]));
}

#[test]
fn a_rule_that_lets_it_through_is_seen() {
    assert!(!drops(&[json!([accept()])]));
    assert!(!drops(&[json!([
        meta("iifname", "==", &json!("br-*")),
        accept()
    ])]));
    assert!(!drops(&[json!([
        meta("iifgroup", "==", &json!(7)),
        accept()
    ])]));
    let either = json!({"set": ["docker0", "br-red"]});
    assert!(!drops(&[json!([meta("iifname", "==", &either), accept()])]));
    let ours = json!({"prefix": {"addr": "10.77.0.0", "len": 16}});
    assert!(!drops(&[json!([source("==", &ours), accept()])]));
    let map = json!({"vmap": {"key": {"meta": {"key": "oifname"}}, "data": {"set":
        [["lo", {"drop": null}], ["eth0", {"accept": null}]]}}});
    assert!(!drops(&[json!([map])]));
}

#[test]
fn what_may_let_it_through_is_not_reported() {
    // One guest of the group, some port, some mark, some time, something unheard of.
    assert!(!drops(&[json!([
        source("==", &json!("10.77.1.11")),
        accept()
    ])]));
    let port = json!({"payload": {"protocol": "tcp", "field": "dport"}});
    let web = json!({"match": {"op": "==", "left": port, "right": 443}});
    assert!(!drops(&[json!([web, accept()])]));
    assert!(!drops(&[
        json!([{"limit": {"rate": 3, "per": "minute"}}, accept()])
    ]));
    let unheard = json!({"match": {"op": "==", "left": {"osf": {"key": "name"}}, "right": "x"}});
    assert!(!drops(&[json!([unheard, accept()])]));
    assert!(!drops(&[
        json!([{"xt": {"type": "match", "name": "set"}}, accept()])
    ]));
    assert!(!drops(&[json!([{"queue": {"num": 0}}])]));
    let marked = json!([{"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}]);
    let mark = json!([meta("mark", "==", &json!(1)), accept()]);
    assert!(!drops(&[marked, mark.clone()]));
    // Nobody has marked it.
    assert!(drops(&[mark]));
}

#[test]
fn a_drop_before_an_accept_wins_and_one_that_may_be_does_not() {
    let drop_udp = json!([meta("l4proto", "==", &json!("udp")), {"drop": null}]);
    let drop_all = json!([meta("iifname", "==", &json!("br-red")), {"drop": null}]);
    let drop_one = json!([source("==", &json!("10.77.1.11")), {"drop": null}]);
    let all = json!([accept()]);
    assert!(!drops(&[drop_udp, all.clone()]));
    assert!(!drops(&[drop_one, all.clone()]));
    assert!(drops(&[drop_all, all.clone()]));
    assert!(drops(&[json!([{"reject": null}]), all]));
}

#[test]
fn jumps_come_back_and_gotos_do_not() {
    let other = |rules: &[Value]| {
        let mut objects =
            vec![json!({"chain": {"family": "inet", "table": "theirs", "name": "other"}})];
        objects.extend(rules.iter().map(|expr| {
            json!({"rule": {"family": "inet", "table": "theirs", "chain": "other", "handle": 9,
                "expr": expr}})
        }));
        objects
    };
    let jump = json!([{"jump": {"target": "other"}}]);
    let goto = json!([{"goto": {"target": "other"}}]);
    let all = json!([accept()]);
    assert!(!drops_beside(&[jump.clone(), all.clone()], &other(&[])));
    assert!(drops_beside(&[goto, all.clone()], &other(&[])));
    assert!(!drops_beside(
        std::slice::from_ref(&jump),
        &other(std::slice::from_ref(&all))
    ));
    let back = json!([{"return": null}]);
    assert!(drops_beside(
        std::slice::from_ref(&jump),
        &other(&[back, all.clone()])
    ));
    // A chain that leads to itself, which no kernel has, ends all the same.
    assert!(!drops_beside(
        std::slice::from_ref(&jump),
        &other(std::slice::from_ref(&jump))
    ));
    // A chain that is not listed.
    assert!(!drops_beside(&[jump], &[]));
}

#[test]
fn elements_of_a_named_set_are_known() {
    let set = |elements: Value| {
        json!({"set": {"family": "inet", "table": "theirs", "name": "allowed", "type": "ifname",
            "elem": elements}})
    };
    let rule = json!([meta("iifname", "==", &json!("@allowed")), accept()]);
    let with = |elements| drops_beside(std::slice::from_ref(&rule), &[set(elements)]);
    assert!(with(json!(["docker0"])));
    assert!(!with(
        json!(["docker0", {"elem": {"val": "br-red", "comment": "mine"}}])
    ));
}
