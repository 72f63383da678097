//! The order of starts: `after` leads to containers that are there, and never back.

use std::collections::{BTreeMap, BTreeSet};

use super::reach::Known;
use super::{Declared, DeclaredContainer, elements};
use crate::declaration::collect::Collector;
use crate::declaration::place::{At, Place};
use crate::declaration::value::Reference;
use crate::model::ContainerId;

pub(super) fn check(declared: &Declared<'_>, problems: &mut Collector) {
    let known = Known::new(declared);
    let index: BTreeMap<&ContainerId, usize> = declared
        .containers
        .iter()
        .enumerate()
        .map(|(i, container)| (&container.id, i))
        .collect();
    let mut edges: Vec<Vec<Edge<'_>>> = Vec::with_capacity(declared.containers.len());
    for container in &declared.containers {
        let mut seen = BTreeSet::new();
        let mut leads = Vec::new();
        for after in elements(container.container.after.as_ref()) {
            let Some(target) = target(container, after, &known, problems) else {
                continue;
            };
            if !seen.insert(target) {
                problems
                    .error(&after.place, format!("{target} is listed twice"))
                    .hint("remove one");
            } else if let Some(&target) = index.get(target) {
                leads.push(Edge {
                    target,
                    place: &after.place,
                });
            }
        }
        edges.push(leads);
    }
    cycles(declared, &edges, problems);
}

/// One entry of `after`.
struct Edge<'a> {
    target: usize,
    place: &'a Place,
}

fn target<'a>(
    container: &DeclaredContainer<'_>,
    after: &'a At<Reference>,
    known: &Known<'_>,
    problems: &mut Collector,
) -> Option<&'a ContainerId> {
    match &after.value {
        Reference::Container(id) if *id == container.id => {
            problems
                .error(&after.place, format!("{id} cannot start after itself"))
                .hint("remove it");
            None
        }
        Reference::Container(id) if known.has(&after.value) => Some(id),
        Reference::Container(id) => {
            problems
                .error(&after.place, known.unknown(&after.value))
                .hint_with(|| known.hint(&id.to_string(), false));
            None
        }
        Reference::Group(name) => {
            let message = format!("`after` names containers, and {name} is no group/container");
            let recorded = problems.error(&after.place, message);
            if known.has(&after.value) {
                recorded.hint(format!(
                    "name each container of {name} to wait for: \"{name}/…\""
                ));
            } else {
                recorded.hint_with(|| known.hint(name.as_str(), false));
            }
            None
        }
    }
}

/// How far the walk has come with a container.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    OnThePath,
    Done,
}

/// Walks every chain once, without recursion: a chain may be as long as the file bears.
fn cycles(declared: &Declared<'_>, edges: &[Vec<Edge<'_>>], problems: &mut Collector) {
    let mut seen = vec![Seen::Not; edges.len()];
    for start in 0..edges.len() {
        if seen[start] != Seen::Not {
            continue;
        }
        seen[start] = Seen::OnThePath;
        // Each container on the path, with the number of its entries that are dealt with.
        let mut path = vec![(start, 0)];
        while let Some((here, dealt_with)) = path.last_mut() {
            let Some(edge) = edges[*here].get(*dealt_with) else {
                seen[*here] = Seen::Done;
                path.pop();
                continue;
            };
            *dealt_with += 1;
            match seen[edge.target] {
                Seen::Done => {}
                Seen::Not => {
                    seen[edge.target] = Seen::OnThePath;
                    path.push((edge.target, 0));
                }
                Seen::OnThePath => {
                    let from = path
                        .iter()
                        .position(|&(i, _)| i == edge.target)
                        .unwrap_or(0);
                    let cycle = path[from..]
                        .iter()
                        .map(|&(i, _)| &declared.containers[i].id);
                    problems
                        .error(
                            edge.place,
                            format!("`after` goes in a circle: {}", drawn(cycle)),
                        )
                        .hint("remove one of these entries");
                }
            }
        }
    }
}

/// `a/x -> a/y -> a/x`, with the middle of a long circle left out.
fn drawn<'a>(cycle: impl ExactSizeIterator<Item = &'a ContainerId>) -> String {
    const SHOWN: usize = 10;
    let length = cycle.len();
    let mut names: Vec<String> = cycle.take(SHOWN).map(ToString::to_string).collect();
    let first = names.first().cloned().unwrap_or_default();
    if length > SHOWN {
        names.push(format!("({} more)", length - SHOWN));
    }
    names.push(first);
    names.join(" -> ")
}
