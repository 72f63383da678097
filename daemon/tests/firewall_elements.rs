//! What the model asks of the firewall, and what is planned from what nft lists.

mod network_world;

use std::net::Ipv4Addr;

use ctrd::firewall::{
    Atom, Desired, Element, Observed, Plan, Reason, Set, Table, container_elements, group_elements,
    parse_table, plan,
};
use ctrd::model::{ContainerId, Reach};
use network_world::{container, desired, group, model, port, published, reach_group, udp};

const MAC: [u8; 6] = [10, 0, 0, 0, 0, 1];

fn lines(elements: &[Element]) -> Vec<String> {
    elements.iter().map(ToString::to_string).collect()
}

#[test]
fn a_group_asks_for_its_bridge_its_host_ports_and_its_reach() {
    let mut model = model();
    container(&mut model, "postgres", "dev").ports = vec![port(5432), udp(53)];
    group(&mut model, "ml").host_ports = vec![53];
    group(&mut model, "ml").reach = vec![reach_group("dev")];
    let ml = model
        .groups
        .values()
        .find(|group| group.name.as_str() == "ml")
        .expect("ml");
    assert_eq!(
        lines(&group_elements(&model, ml)),
        [
            "group bridge br-ml",
            "traffic within br-ml",
            "way out for 192.168.200.0/24",
            "ping from br-ml to 192.168.200.10",
            "host port tcp/53 for br-ml",
            "host port udp/53 for br-ml",
            "reach from br-ml to 192.168.210.15 tcp/5432",
            "reach from br-ml to 192.168.210.15 udp/53",
        ]
    );
}

#[test]
fn one_container_can_be_reached_without_its_group() {
    let mut model = model();
    let id = ContainerId {
        group: "ml".parse().expect("a name"),
        name: "jupyter".parse().expect("a name"),
    };
    group(&mut model, "dev").reach = vec![Reach::Container(id)];
    let dev = model
        .groups
        .values()
        .find(|group| group.name.as_str() == "dev")
        .expect("dev");
    let reached: Vec<_> = group_elements(&model, dev)
        .into_iter()
        .filter(|element| element.set == Set::Reach)
        .collect();
    assert_eq!(
        lines(&reached),
        ["reach from br-dev to 192.168.200.12 tcp/8888"]
    );
}

#[test]
fn a_published_port_is_two_elements_of_one_key() {
    let mut model = model();
    let ml = group(&mut model, "ml").clone();
    let ollama = container(&mut model, "ollama", "ml");
    ollama.ports = vec![
        published(port(11434), 80, None),
        published(udp(53), 5353, Some(Ipv4Addr::LOCALHOST)),
        port(9),
    ];
    let elements = container_elements(&ml, ollama, MAC);
    assert_eq!(
        lines(&elements[3..]),
        [
            "published tcp/80 leading to 192.168.200.11",
            "published tcp/80 leading to 11434",
            "published 127.0.0.1 udp/5353 leading to 192.168.200.11",
            "published 127.0.0.1 udp/5353 leading to 53",
        ]
    );
    assert!(
        lines(&elements)[2].starts_with("guest source 192.168.200.11 0a:00:00:00:00:01 on cv-")
    );
}

#[test]
fn what_nft_lists_is_read_back() {
    let listing = r#"{"nftables": [
        {"metainfo": {"version": "1.1.3"}},
        {"table": {"family": "inet", "name": "ctr", "handle": 7}},
        {"set": {"family": "inet", "name": "ctr_bridges", "table": "ctr", "type": "ifname",
                 "handle": 3, "elem": ["br-ml", {"elem": {"val": "br-dev", "comment": "x"}}]}},
        {"set": {"family": "inet", "name": "ctr_subnets", "table": "ctr", "type": "ipv4_addr",
                 "elem": [{"prefix": {"addr": "192.168.200.0", "len": 24}}]}},
        {"map": {"family": "inet", "name": "ctr_publish_port", "table": "ctr", "handle": 9,
                 "type": ["inet_proto", "inet_service"], "map": "inet_service",
                 "elem": [[{"concat": ["tcp", 80]}, 8080], [{"concat": ["sctp", 80]}, 8080]]}},
        {"chain": {"family": "inet", "table": "ctr", "name": "ctr_skeleton_0123", "handle": 2}}
    ]}"#;
    let table = parse_table(Table::Inet, listing).expect("a listing");
    let elements: Vec<_> = table.elements.iter().cloned().collect();
    assert_eq!(
        lines(&elements),
        [
            "group bridge br-dev",
            "group bridge br-ml",
            "way out for 192.168.200.0/24",
            "published tcp/80 leading to 8080"
        ]
    );
    assert_eq!(table.foreign.len(), 1, "{:?}", table.foreign);
    assert!(table.marks.contains("ctr_skeleton_0123"));
    // Elements, handles and marks say nothing about the skeleton; rules do.
    let same = listing
        .replace("\"handle\": 3", "\"handle\": 5")
        .replace("br-ml", "br-x");
    assert_eq!(
        parse_table(Table::Inet, &same).expect("a listing").listing,
        table.listing
    );
    let other = listing.replace("ipv4_addr", "ipv6_addr");
    assert_ne!(
        parse_table(Table::Inet, &other).expect("a listing").listing,
        table.listing
    );
    parse_table(Table::Inet, "{}").expect_err("no listing");
    parse_table(Table::Inet, "nonsense").expect_err("no JSON");
}

#[test]
fn without_tables_everything_is_made() {
    let desired = desired(&model());
    let change = plan(&desired, &Observed::default());
    let Plan::Replace {
        reason: Reason::Absent(Table::Inet),
        elements,
    } = &change
    else {
        panic!("{change:?}");
    };
    assert_eq!(elements.len(), desired.elements.len());
    assert_eq!(change.lines(), ["create the firewall with 17 elements"]);
    assert!(!change.is_empty() && Plan::Nothing.is_empty());
}

#[test]
fn elements_come_from_groups_and_containers_apart() {
    let model = model();
    let mut parts = Desired::default();
    for group in model.groups.values() {
        parts.extend(group_elements(&model, group));
    }
    let bridge = Atom::Interface("br-ml".to_owned());
    assert!(
        parts
            .elements
            .iter()
            .any(|element| element.key == [bridge.clone()])
    );
    assert_eq!(parts.elements.len(), 8);
}
