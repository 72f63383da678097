//! Plans from made-up observations: what a kernel cannot easily be brought to show.

mod network_world;

use ctrd::network::{
    Attachment, Bridge, Conflict, Interfaces, LINK_GROUP, Link, ObservedContainer, ObservedGroup,
    ObservedNamespace, Step, plan_container, plan_group,
};
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
