//! What a guest sees of the host, and the files it is given: each at a place of its own.

use std::collections::BTreeMap;
use std::path::Path;

use super::{DeclaredContainer, elements};
use crate::declaration::collect::Collector;
use crate::declaration::file::Bind;
use crate::declaration::place::{At, Place};
use crate::declaration::value::{UserName, Users};
use crate::model::UserMode;

/// File systems of the guest that nspawn mounts itself.
const TAKEN: [&str; 4] = ["/proc", "/sys", "/dev", "/run/host"];

/// What stands at a path in the guest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bind,
    File,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Bind => "a bind",
            Self::File => "a file",
        }
    }
}

pub(super) fn check(declared: &DeclaredContainer<'_>, problems: &mut Collector) {
    let container = declared.container;
    let binds = elements(container.binds.as_ref());
    let mut taken: BTreeMap<&Path, (Kind, &Place)> = BTreeMap::new();
    let guests = binds.iter().filter_map(|bind| bind.value.guest.as_ref());
    let guests = guests.map(|guest| (Kind::Bind, guest.value.0.as_path(), &guest.place));
    let files = container.files.iter().flat_map(|files| &files.value.0);
    let files = files.map(|file| (Kind::File, file.name.value.0.as_path(), &file.name.place));
    for (kind, path, place) in guests.chain(files) {
        if !allowed(kind, path, place, problems) {
            continue;
        }
        if let Some(&(other, first)) = taken.get(path) {
            same_path(kind, other, path, place, first, problems);
        } else {
            taken.insert(path, (kind, place));
        }
    }
    below_files(&taken, problems);
    for bind in binds {
        owners(&bind.value, container.users.as_ref(), problems);
    }
}

fn allowed(kind: Kind, path: &Path, place: &Place, problems: &mut Collector) -> bool {
    let noun = kind.noun();
    if path.parent().is_none() {
        problems
            .error(
                place,
                format!("{noun} cannot take the place of the guest's whole root"),
            )
            .hint("name a path below /; the root itself is declared with `root`");
        return false;
    }
    if let Some(mount) = TAKEN.iter().find(|mount| path.starts_with(mount)) {
        problems
            .error(
                place,
                format!("{noun} cannot be in {mount}, which is mounted for every guest"),
            )
            .hint("choose another path in the guest");
        return false;
    }
    true
}

fn same_path(
    kind: Kind,
    other: Kind,
    path: &Path,
    place: &Place,
    first: &Place,
    problems: &mut Collector,
) {
    let path = path.display();
    let message = if kind == other {
        format!("two {}s are both at {path} in the guest", &kind.noun()[2..])
    } else {
        format!("{path} in the guest is both a bind and a file")
    };
    problems
        .error(place, message)
        .hint("remove one, or give it another path")
        .related(first, "the first");
}

/// Nothing can be below a file. The map's order has what lies below a path directly behind it.
fn below_files(taken: &BTreeMap<&Path, (Kind, &Place)>, problems: &mut Collector) {
    let mut file: Option<(&Path, &Place)> = None;
    for (&path, &(kind, place)) in taken {
        if let Some((above, above_place)) = file
            && path.starts_with(above)
        {
            let message = format!(
                "{} cannot be below {}, which is a file",
                path.display(),
                above.display()
            );
            problems
                .error(place, message)
                .hint("choose another path in the guest")
                .related(above_place, "the file");
        } else {
            file = (kind == Kind::File).then_some((path, place));
        }
    }
}

/// The ids of a guest: 0 to this.
const LAST_USER: u32 = 65_535;

/// Who stands for whom: with the host's users everybody stands for themselves.
fn owners(bind: &Bind, users: Option<&At<Users>>, problems: &mut Collector) {
    let number = |owner: &At<UserName>| owner.value.0.parse::<u32>().ok();
    if let Some(owner) = bind.owner.as_ref()
        && let Some(number) = number(owner).filter(|number| *number > LAST_USER)
    {
        problems
            .error(
                &owner.place,
                format!("{number} is no user of a guest, which has 0 to {LAST_USER}"),
            )
            .hint("write a user of the guest by name or number: \"postgres\"");
    }
    let Some(users) = users.filter(|users| users.value.0 == UserMode::Host) else {
        return;
    };
    let created = bind.create.as_ref().is_some_and(|create| create.value);
    if let Some(owner) = bind.owner.as_ref().filter(|_| !created) {
        problems
            .error(
                &owner.place,
                "with the host's users nobody of the guest stands for the owner of what is there",
            )
            .hint("remove `owner`, or add create = true: it owns what `create` makes")
            .related(&users.place, "the host's users");
    }
    if let Some(owner) = &bind.host_owner {
        problems
            .error(
                &owner.place,
                "with the host's users nobody of the guest stands for a user of the host",
            )
            .hint("remove `host-owner`, or give the container users of its own")
            .related(&users.place, "the host's users");
    }
}
