//! What a container may besides what its kind of guest gets.

use std::collections::BTreeMap;

use super::{DeclaredContainer, elements};
use crate::declaration::collect::Collector;
use crate::declaration::place::Place;
use crate::model::{Capability, UserMode};

pub(super) fn check(declared: &DeclaredContainer<'_>, problems: &mut Collector) {
    let container = declared.container;
    let own = container
        .users
        .as_ref()
        .is_none_or(|users| users.value.0 == UserMode::Own);
    let mut seen: BTreeMap<Capability, &Place> = BTreeMap::new();
    for capability in elements(container.capabilities.as_ref()) {
        let (it, place) = (capability.value, &capability.place);
        if let Some(first) = seen.insert(it, place) {
            problems
                .error(place, format!("{it} is listed twice"))
                .hint("remove one")
                .related(first, "the first");
        } else if it.is_the_hosts() {
            problems
                .error(
                    place,
                    format!("{it} reaches the kernel of the host, and no container gets it"),
                )
                .hint("remove it: what needs it is a service of the host");
        } else if own && it == Capability::SysResource {
            problems
                .error(
                    place,
                    format!("with {it} a container lifts the bounds that it is held by"),
                )
                .hint("remove it; `limits` has what can be declared");
        } else if own && it.needs_the_hosts_users() {
            problems
                .error(
                    place,
                    format!("a container with users of its own can do nothing with {it}"),
                )
                .hint(match it {
                    Capability::NetBindService => "remove it: such a container binds every port",
                    Capability::NetRaw => {
                        "remove it: ping works without; other raw sockets need users = \"host\""
                    }
                    _ => "remove it, or declare users = \"host\" as well",
                });
        } else if !own && it == Capability::SysAdmin && container.command.is_some() {
            problems
                .warning(
                    place,
                    format!(
                        "with {it} and the host's users, root of {} is root of the host",
                        declared.id
                    ),
                )
                .hint("declare it only for a program that you trust with the host");
        }
    }
}
