//! The rules between values, a family in each file.
//!
//! They see the declaration as written and not the model, so that one problem hides no other.

mod addresses;
mod capabilities;
mod credentials;
mod files;
mod gpu;
mod health;
mod limits;
mod names;
mod order;
mod ports;
mod program;
mod reach;
mod roots;
mod secrets;

use super::collect::Collector;
use super::file::{Container, Document, Group};
use super::place::{At, Place};
use super::read::Entry;
use crate::model::{ContainerId, ContainerName, GroupName};

pub(crate) use health::{INTERVAL_DEFAULT, START_INTERVAL_DEFAULT, TIMEOUT_DEFAULT};
pub(crate) use limits::{DELAY_DEFAULT, MAX_DELAY_DEFAULT, WINDOW_DEFAULT};
pub(crate) use ports::protocol_of;

/// Records every rule that does not hold.
pub(crate) fn validate(document: &Document, problems: &mut Collector) {
    let declared = Declared::new(document);
    names::check(&declared, problems);
    addresses::check(&declared, problems);
    ports::check(&declared, problems);
    reach::check(&declared, problems);
    order::check(&declared, problems);
    roots::check(&declared, problems);
    for container in &declared.containers {
        program::check(container, problems);
        capabilities::check(container, problems);
        limits::check(container, problems);
        files::check(container, problems);
        gpu::check(container, problems);
        health::check(container, problems);
        credentials::check(container, problems);
        secrets::check(container, problems);
    }
}

/// The declaration by group and container, in the order of the text.
struct Declared<'a> {
    document: &'a Document,
    groups: Vec<DeclaredGroup<'a>>,
    containers: Vec<DeclaredContainer<'a>>,
}

/// A group with its name.
#[derive(Clone, Copy)]
struct DeclaredGroup<'a> {
    name: &'a At<GroupName>,
    group: &'a Group,
}

/// A container with its group and name.
struct DeclaredContainer<'a> {
    id: ContainerId,
    /// The place of its name.
    place: &'a Place,
    group: DeclaredGroup<'a>,
    container: &'a Container,
}

impl<'a> Declared<'a> {
    fn new(document: &'a Document) -> Self {
        let groups: Vec<_> = document
            .groups
            .iter()
            .flat_map(|groups| &groups.value.0)
            .map(|Entry { name, value }| DeclaredGroup { name, group: value })
            .collect();
        let mut containers: Vec<_> = groups.iter().flat_map(DeclaredGroup::containers).collect();
        containers.sort_by_key(|container| container.place.span.start);
        Self {
            document,
            groups,
            containers,
        }
    }
}

impl<'a> DeclaredGroup<'a> {
    fn containers(&self) -> impl Iterator<Item = DeclaredContainer<'a>> + use<'a> {
        let group = *self;
        group
            .entries()
            .map(move |Entry { name, value }| DeclaredContainer {
                id: ContainerId {
                    group: group.name.value.clone(),
                    name: name.value.clone(),
                },
                place: &name.place,
                group,
                container: value,
            })
    }

    fn entries(&self) -> impl Iterator<Item = &'a Entry<ContainerName, Box<Container>>> + use<'a> {
        self.group
            .containers
            .iter()
            .flat_map(|containers| &containers.value.0)
    }
}

/// The elements of a list that may be absent.
fn elements<T>(list: Option<&At<Vec<At<T>>>>) -> &[At<T>] {
    list.map_or(&[], |list| &list.value)
}
