//! What keeps the systems of a machine from Nix's garbage collector.
//!
//! The collector deletes every store path that nothing leads to from `/nix/var/nix/gcroots`, and knows
//! nothing of containers. So a link `<machine>` there leads to the declared system, from before anything
//! boots it. What a guest was started with, or has switched to, may be in use for as long as it runs, as on any
//! NixOS host: a link to it moves into `<machine>.earlier/` before another system is declared to be next, and
//! stays until the guest is down.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::model::MachineName;
use crate::os::{Paths, durable, failpoint};

use super::RootError;

/// No machine's name has a dot.
const EARLIER: &str = ".earlier";

/// The links of one machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GcRoots {
    /// This host has a collector that links could be made for.
    pub collected: bool,
    /// To the system that is declared, and boots next.
    pub next: Option<PathBuf>,
    /// To those that the guest which runs may still use; `None` where there is no place for any.
    pub earlier: Option<BTreeSet<PathBuf>>,
}

impl GcRoots {
    /// What they have to be where `system` boots next, and a guest that may use others runs or not.
    #[must_use]
    pub fn for_system(&self, system: Option<&Path>, runs: bool) -> Self {
        if !self.collected {
            return self.clone();
        }
        let mut earlier = self.earlier.clone().filter(|_| runs).unwrap_or_default();
        earlier.extend(self.next.clone().filter(|_| runs));
        earlier.retain(|it| Some(it.as_path()) != system);
        Self {
            collected: true,
            next: system.map(Path::to_owned),
            earlier: Some(earlier).filter(|earlier| !earlier.is_empty()),
        }
    }

    /// There are some.
    pub fn any(&self) -> bool {
        self.next.is_some() || self.earlier.is_some()
    }
}

/// Reads the links of a machine.
pub fn observe_gc_roots(paths: &Paths, machine: &MachineName) -> Result<GcRoots, RootError> {
    // On a file system that is read-only nothing is collected.
    if access(&paths.nix_gc_roots, Access::WRITE_OK).is_err() {
        return Ok(GcRoots::default());
    }
    let link = paths.machine_gc_root(machine);
    let next = match fs::read_link(&link) {
        Ok(system) => Some(system),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(RootError::io("read", &link)(error)),
    };
    let directory = earlier_of(&link);
    let earlier = match fs::read_dir(&directory) {
        Ok(entries) => Some(
            entries
                .map(|entry| fs::read_link(entry?.path()))
                .collect::<io::Result<_>>()
                .map_err(RootError::io("read", &directory))?,
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(RootError::io("read", &directory)(error)),
    };
    Ok(GcRoots {
        collected: true,
        next,
        earlier,
    })
}

/// Makes them what they have to be where `system` boots next. Whatever was held and has to be is held at
/// every moment of it.
pub fn hold_system(
    paths: &Paths,
    machine: &MachineName,
    system: Option<&Path>,
    runs: bool,
) -> Result<(), RootError> {
    let now = observe_gc_roots(paths, machine)?;
    if !now.collected {
        return Ok(());
    }
    let then = now.for_system(system, runs);
    let link = paths.machine_gc_root(machine);
    let directory = earlier_of(&link);
    for system in then.earlier.iter().flatten() {
        durable::make_directory(&directory, 0o755)?;
        failpoint("place of earlier systems made");
        place(system, &directory.join(name_of(system)))?;
        failpoint("earlier system held");
    }
    match &then.next {
        Some(system) if now.next != then.next => {
            durable::make_directory(&paths.gc_roots(), 0o755)?;
            place(system, &link)?;
            failpoint("system held");
        }
        Some(_) => {}
        None => durable::remove(&link)?,
    }
    let is_held = |system: &PathBuf| then.earlier.iter().flatten().any(|it| it == system);
    for system in now.earlier.iter().flatten().filter(|it| !is_held(it)) {
        durable::remove(&directory.join(name_of(system)))?;
        failpoint("earlier system let go");
    }
    if then.earlier.is_none() && now.earlier.is_some() {
        fs::remove_dir(&directory).map_err(RootError::io("remove", &directory))?;
    }
    Ok(())
}

/// Takes all of them away: the machine is not declared any more, and down.
pub fn let_systems_go(paths: &Paths, machine: &MachineName) -> Result<(), RootError> {
    hold_system(paths, machine, None, false)
}

/// The machines that have some.
pub fn machines_with_gc_roots(paths: &Paths) -> BTreeSet<MachineName> {
    let entries = fs::read_dir(paths.gc_roots()).into_iter().flatten();
    let names = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let name = name.to_str()?;
        name.strip_suffix(EARLIER).unwrap_or(name).parse().ok()
    });
    names.collect()
}

/// A link to `system` at `path`, in the place of what stands there.
fn place(system: &Path, path: &Path) -> Result<(), RootError> {
    if fs::read_link(path).is_ok_and(|now| now == system) {
        return Ok(());
    }
    let fresh = durable::unfinished(path);
    durable::remove(&fresh)?;
    symlink(system, &fresh).map_err(RootError::io("make", &fresh))?;
    failpoint("link for the collector made");
    Ok(durable::rename(&fresh, path)?)
}

fn earlier_of(link: &Path) -> PathBuf {
    let mut name = link.as_os_str().to_owned();
    name.push(EARLIER);
    name.into()
}

/// No two store paths have the same name: each begins with its hash.
fn name_of(system: &Path) -> &std::ffi::OsStr {
    system.file_name().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{GcRoots, hold_system, let_systems_go, machines_with_gc_roots, observe_gc_roots};
    use crate::os::Paths;

    #[test]
    fn what_runs_and_what_boots_next_are_held() {
        let place = tempfile::tempdir().expect("a directory");
        let paths = Paths {
            nix_gc_roots: place.path().join("gcroots"),
            ..Paths::default()
        };
        let machine = "lab-web".parse().expect("a name");
        let hold = |system: &str, runs: bool| {
            hold_system(&paths, &machine, Some(Path::new(system)), runs).expect("held");
            let now = observe_gc_roots(&paths, &machine).expect("seen");
            assert_eq!(
                now,
                now.for_system(Some(Path::new(system)), runs),
                "at once"
            );
            let earlier = now.earlier.into_iter().flatten().collect::<Vec<_>>();
            (now.next, earlier)
        };
        let all = |next: &str, earlier: &[&str]| {
            let earlier = earlier.iter().map(Into::into).collect();
            (Some(next.into()), earlier)
        };
        let (a, b, c) = ("/nix/store/a-web", "/nix/store/b-web", "/nix/store/c-web");
        assert_eq!(
            hold(a, false),
            (None, Vec::new()),
            "no Nix, and nothing to hold"
        );
        assert!(!place.path().join("gcroots").exists());

        std::fs::create_dir(&paths.nix_gc_roots).expect("Nix");
        assert_eq!(hold(a, false), all(a, &[]));
        assert_eq!(hold(b, true), all(b, &[a]));
        assert_eq!(hold(c, true), all(c, &[a, b]), "it may be half of each");
        assert_eq!(hold(a, true), all(a, &[b, c]));
        assert_eq!(hold(a, false), all(a, &[]), "it is down");
        assert_eq!(hold(b, true), all(b, &[a]));
        assert!(
            machines_with_gc_roots(&paths)
                .into_iter()
                .eq([machine.clone()])
        );
        let_systems_go(&paths, &machine).expect("gone");
        let_systems_go(&paths, &machine).expect("twice");
        let now = observe_gc_roots(&paths, &machine).expect("seen");
        assert!(now.collected && !now.any());
        assert_eq!(
            std::fs::read_dir(paths.gc_roots()).expect("listed").count(),
            0
        );
    }

    #[test]
    fn a_root_that_is_no_system_any_more_runs_on() {
        let held = GcRoots {
            collected: true,
            next: Some("/nix/store/a-web".into()),
            earlier: None,
        };
        let then = held.for_system(None, true);
        assert_eq!(then.next, None);
        assert_eq!(then.earlier, Some(held.next.into_iter().collect()));
    }
}
