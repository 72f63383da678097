//! Plans from made-up observations: what a kernel cannot easily be brought to show.

mod network_world;

use ctrd::network::{
    Attachment, Bridge, Conflict, Interfaces, LINK_GROUP, Link, ObservedContainer, ObservedGroup,
    ObservedNamespace, Route, Step, plan_container, plan_group,
};
use ipnet::Ipv4Net;
use network_world::model;

fn link(index: u32, name: &str, kind: &str) -> Link {
    Link {
        index,
        name: name.to_owned(),
        kind: Some(kind.to_owned()),
        ..Link::default()
    }
}

fn bridge() -> Bridge {
    let model = model();
    Bridge::of(
        model
            .groups
            .values()
            .find(|group| group.name.as_str() == "ml")
            .expect("ml"),
    )
}

fn attachment() -> Attachment {
    let model = model();
    let ml = model
        .groups
        .values()
        .find(|group| group.name.as_str() == "ml")
        .expect("ml");
    Attachment::of(ml, ml.containers.values().next().expect("a container"))
}

fn lines(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}

#[test]
fn a_bridge_left_unfinished_is_finished() {
    let unfinished = Link {
        group: LINK_GROUP,
        ..link(3, "br-ml", "bridge")
    };
    let host = Interfaces {
        links: vec![unfinished],
        ..Interfaces::default()
    };
    let observed = ObservedGroup {
        host,
        ..ObservedGroup::default()
    };
    assert_eq!(
        lines(&plan_group(&bridge(), &observed).expect("ours")),
        [
            "mark br-ml as ctr:ml",
            "add address 192.168.200.10/24 to br-ml",
            "switch br-ml on"
        ]
    );
}

#[test]
fn a_bridge_of_another_group_is_a_conflict() {
    let other = Link {
        alias: Some("ctr:other".to_owned()),
        ..link(3, "br-ml", "bridge")
    };
    let host = Interfaces {
        links: vec![other],
        ..Interfaces::default()
    };
    let observed = ObservedGroup {
        host,
        ..ObservedGroup::default()
    };
    assert_eq!(
        plan_group(&bridge(), &observed)
            .expect_err("a conflict")
            .to_string(),
        "the name br-ml belongs to a bridge interface with the alias `ctr:other` \
         that ctr did not make"
    );
}

#[test]
fn the_name_as_another_interfaces_second_name_is_a_conflict() {
    let mut other = link(3, "eth9", "dummy");
    other.altnames = vec!["br-ml".to_owned()];
    let host = Interfaces {
        links: vec![other],
        ..Interfaces::default()
    };
    let observed = ObservedGroup {
        host,
        ..ObservedGroup::default()
    };
    let conflict = plan_group(&bridge(), &observed).expect_err("a conflict");
    assert!(matches!(conflict, Conflict::NameTaken { .. }));
}

#[test]
fn a_link_whose_namespace_is_gone_is_made_anew() {
    let attachment = attachment();
    let veth = Link {
        alias: Some(attachment.alias.clone()),
        ..link(7, attachment.veth.as_str(), "veth")
    };
    let observed = ObservedContainer {
        veth: Some(veth),
        namespace: ObservedNamespace::Absent,
        ..ObservedContainer::default()
    };
    let steps = plan_container(&attachment, &observed).expect("ours");
    assert_eq!(
        lines(&steps),
        [
            "create network namespace ctr-ml-jupyter".to_owned(),
            format!("delete interface {}", attachment.veth),
            "connect ctr-ml-jupyter to br-ml as 192.168.200.12/24".to_owned(),
        ]
    );
}

#[test]
fn a_namespace_of_another_machine_is_a_conflict() {
    let observed = ObservedContainer {
        namespace: ObservedNamespace::Foreign {
            alias: Some("ctr:other".to_owned()),
        },
        ..ObservedContainer::default()
    };
    assert_eq!(
        plan_container(&attachment(), &observed)
            .expect_err("a conflict")
            .to_string(),
        "the network namespace ctr-ml-jupyter exists and ctr did not make it, \
         it is marked `ctr:other`"
    );
}

/// A bridge of ours at index 4 that has `ml`'s subnet from an earlier declaration.
fn with_a_stale_bridge(used_by: Option<&str>) -> ObservedGroup {
    let stale = Link {
        alias: Some("ctr:old".to_owned()),
        up: true,
        ..link(4, "br-old", "bridge")
    };
    let address: Ipv4Net = "192.168.200.10/24".parse().expect("valid");
    let gateways = used_by.map(|it| (address.addr(), it.parse().expect("valid")));
    ObservedGroup {
        host: Interfaces {
            links: vec![stale],
            addresses: vec![(4, address)],
            routes: vec![Route {
                index: 4,
                destination: address.trunc(),
                connected: true,
                gateway: None,
            }],
        },
        gateways: gateways.into_iter().collect(),
        ..ObservedGroup::default()
    }
}

#[test]
fn an_address_of_a_bridge_of_ours_goes_when_no_guest_uses_it() {
    let free = plan_group(&bridge(), &with_a_stale_bridge(None));
    assert_eq!(
        lines(&free.expect("ours")),
        [
            "remove address 192.168.200.10/24 from br-old",
            "create bridge br-ml 192.168.200.10/24"
        ]
    );
    let used = plan_group(&bridge(), &with_a_stale_bridge(Some("old-web")));
    let conflict = used.expect_err("a guest goes out by it");
    assert!(conflict.passes());
    assert_eq!(
        conflict.to_string(),
        "waits for old-web, whose way out is still 192.168.200.10 on br-old"
    );
}

#[test]
fn an_address_of_somebody_elses_bridge_is_a_conflict() {
    let mut observed = with_a_stale_bridge(None);
    observed.host.links[0].alias = None;
    let conflict = plan_group(&bridge(), &observed).expect_err("not ours");
    assert!(!conflict.passes());
    assert_eq!(
        conflict.to_string(),
        "the address 192.168.200.10 is already on the interface br-old"
    );
}

#[test]
fn the_old_address_of_a_group_stays_while_a_guest_goes_out_by_it() {
    let mut observed = with_a_stale_bridge(Some("ml-ollama"));
    observed.host.links[0] = Link {
        alias: Some("ctr:ml".to_owned()),
        up: true,
        ..link(4, "br-ml", "bridge")
    };
    let mut moved = bridge();
    moved.address = "192.168.201.10/24".parse().expect("valid");
    let steps = plan_group(&moved, &observed).expect("ours");
    assert_eq!(lines(&steps), ["add address 192.168.201.10/24 to br-ml"]);
    observed.gateways.clear();
    let steps = plan_group(&moved, &observed).expect("ours");
    assert_eq!(
        lines(&steps),
        [
            "remove address 192.168.200.10/24 from br-ml",
            "add address 192.168.201.10/24 to br-ml"
        ]
    );
}
