//! Where files come from: one kind of root, and no two containers writing into one tree.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Declared, DeclaredContainer};
use crate::declaration::collect::Collector;
use crate::declaration::file::{Root, Table as _};
use crate::declaration::place::{At, Place};
use crate::model::ContainerId;

/// Where NixOS keeps its systems.
const STORE: &str = "/nix/store";

pub(super) fn check(declared: &Declared<'_>, problems: &mut Collector) {
    for container in &declared.containers {
        if let Some(root) = &container.container.root {
            one(container, root, problems);
        }
    }
    shared(declared, problems);
}

fn one(container: &DeclaredContainer<'_>, root: &At<Root>, problems: &mut Collector) {
    match root.value.written() {
        [_] => {}
        [] => {
            problems
                .error(
                    &root.place,
                    "a root needs one of `tree`, `directory` and `nixos`",
                )
                .hint("for example: root = { tree = \"/var/lib/machines/debian\" }");
        }
        [first, second, ..] => {
            let message = format!("a root is one thing, not both `{first}` and `{second}`");
            problems
                .error(&root.place, message)
                .hint("remove one of them");
        }
    }
    let Root {
        tree,
        directory,
        nixos,
        written: _,
    } = &root.value;
    let kinds = [("tree", tree), ("directory", directory), ("nixos", nixos)];
    for (kind, path) in kinds {
        let Some(path) = path else { continue };
        let path_value = &path.value.0;
        if path_value.parent().is_none() {
            problems
                .error(
                    &path.place,
                    "the host's own root cannot be the root of a container",
                )
                .hint("name the directory that holds the container's files");
        } else if kind == "nixos" && !below(path_value, Path::new(STORE)) {
            problems
                .error(
                    &path.place,
                    format!("{} is not a path below {STORE}", path_value.display()),
                )
                .hint(
                    "`nixos` is the store path of a NixOS system; for others use `tree` or `directory`",
                );
        }
    }
    if let (Some(directory), Some(ephemeral)) = (directory, &container.container.ephemeral)
        && ephemeral.value
    {
        problems
            .error(
                &ephemeral.place,
                "a `directory` root is written in place, so nothing of it can be dropped",
            )
            .hint("use `tree` for the root, or remove `ephemeral`")
            .related(&directory.place, "the root");
    }
}

fn below(path: &Path, directory: &Path) -> bool {
    path != directory && path.starts_with(directory)
}

/// A container's claim to a root.
struct Claim<'a> {
    id: &'a ContainerId,
    place: &'a Place,
    /// It is written in place.
    written: bool,
}

/// Who claims a path.
struct Claimed<'a> {
    path: &'a Path,
    first: Option<&'a Claim<'a>>,
    /// The first that writes there.
    writer: Option<&'a Claim<'a>>,
}

/// A tree that is written in place belongs to one container alone, with all below and above it.
fn shared(declared: &Declared<'_>, problems: &mut Collector) {
    let mut roots: BTreeMap<&Path, Vec<Claim<'_>>> = BTreeMap::new();
    for container in &declared.containers {
        let Some(root) = &container.container.root else {
            continue;
        };
        let Root {
            tree,
            directory,
            nixos: _,
            written: _,
        } = &root.value;
        for (path, written) in [(tree, false), (directory, true)] {
            // `/` itself is a problem of its own.
            if let Some(path) = path
                && path.value.0.parent().is_some()
            {
                let claim = Claim {
                    id: &container.id,
                    place: &path.place,
                    written,
                };
                roots.entry(&path.value.0).or_default().push(claim);
            }
        }
    }
    // Paths in their order: all that lie below one follow it directly.
    let mut above: Vec<Claimed<'_>> = Vec::new();
    for (path, claims) in &roots {
        while above
            .last()
            .is_some_and(|parent| !path.starts_with(parent.path))
        {
            above.pop();
        }
        let mut here = Claimed {
            path,
            first: None,
            writer: None,
        };
        for claim in claims {
            let other = if claim.written {
                here.first
                    .or_else(|| above.iter().rev().find_map(|claimed| claimed.first))
            } else {
                here.writer
                    .or_else(|| above.iter().rev().find_map(|claimed| claimed.writer))
            };
            if let Some(other) = other {
                clash(claim, other, problems);
            }
            here.first = here.first.or(Some(claim));
            here.writer = here.writer.or(Some(claim).filter(|claim| claim.written));
        }
        above.push(here);
    }
}

fn clash(claim: &Claim<'_>, other: &Claim<'_>, problems: &mut Collector) {
    let message = if other.written {
        format!("the root of {} is where {} writes", claim.id, other.id)
    } else {
        format!(
            "{} would write into the shared tree of {}",
            claim.id, other.id
        )
    };
    problems
        .error(claim.place, message)
        .hint("give it a directory of its own, or share one as `tree`")
        .related(other.place, format!("the root of {}", other.id));
}
