//! What comes of all devices that a container names, together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::choose::{choose, of_kind};
use super::edits::{Edits, Link};
use super::error::{CdiError, Wrong};
use super::hooks;
use super::host::Host;
use super::nodes::{self, Outcome};
use super::read::SpecFile;
use super::rules::{self, Judged, shown};
use super::spec::{ContainerEdits, Hook, Unknown};
use crate::declaration::quote;
use crate::gpu::Mount;
use crate::gpu::Node;
use crate::model::CdiName;

/// The most sentences about what is not done; the rest is counted.
const SENTENCES_MAX: usize = 64;

/// The host, and what of it no guest may see.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) looked_in: &'a [PathBuf],
    pub(super) private: &'a [&'a Path],
}

/// What a container is given for these devices.
pub(super) fn devices(
    files: &[SpecFile],
    names: &[CdiName],
    around: Surroundings<'_>,
) -> Result<Edits, CdiError> {
    let mut gathered = Gathered::new(around);
    let mut common: BTreeSet<&Path> = BTreeSet::new();
    let names: BTreeSet<&CdiName> = names.iter().collect();
    for name in names {
        let chosen = choose(files, name, around.looked_in)?;
        let file = &chosen.file.path;
        if common.insert(file) {
            gathered.unknown(file, "it", &chosen.spec.unknown);
            let edits = &chosen.spec.container_edits;
            gathered.nodes(file, edits, name)?;
            gathered.userspace(file, edits).map_err(|it| it.of(file))?;
        }
        let edits = &chosen.device.container_edits;
        gathered.unknown(file, "a device", &chosen.device.unknown);
        gathered.nodes(file, edits, name)?;
        gathered.userspace(file, edits).map_err(|it| it.of(file))?;
    }
    Ok(gathered.finish())
}

/// What a container with any device of a kind is given, without the device nodes; `None` where the host
/// has no specification of that kind.
pub(super) fn userspace(
    files: &[SpecFile],
    kind: &str,
    around: Surroundings<'_>,
) -> Result<Option<Edits>, CdiError> {
    let mut gathered = Gathered::new(around);
    let specs = of_kind(files, kind)?;
    if specs.is_empty() {
        return Ok(None);
    }
    for (file, spec) in specs {
        let file = &file.path;
        gathered.unknown(file, "it", &spec.unknown);
        gathered
            .userspace(file, &spec.container_edits)
            .map_err(|wrong| wrong.of(file))?;
    }
    Ok(Some(gathered.finish()))
}

struct Gathered<'a> {
    around: Surroundings<'a>,
    nodes: BTreeMap<PathBuf, Node>,
    mounts: BTreeMap<PathBuf, Mount>,
    links: BTreeMap<PathBuf, PathBuf>,
    folders: Vec<PathBuf>,
    environment: BTreeMap<String, String>,
    unapplied: Vec<String>,
    said: BTreeSet<String>,
}

impl<'a> Gathered<'a> {
    fn new(around: Surroundings<'a>) -> Self {
        Self {
            around,
            nodes: BTreeMap::new(),
            mounts: BTreeMap::new(),
            links: BTreeMap::new(),
            folders: Vec::new(),
            environment: BTreeMap::new(),
            unapplied: Vec::new(),
            said: BTreeSet::new(),
        }
    }

    fn nodes(
        &mut self,
        file: &Path,
        edits: &ContainerEdits,
        name: &CdiName,
    ) -> Result<(), CdiError> {
        for written in &edits.device_nodes {
            let outcome = nodes::node(written, self.around.host).map_err(|it| it.of(file))?;
            let node = match outcome {
                Outcome::Absent(path) => {
                    return Err(CdiError::NoNode {
                        name: name.clone(),
                        path,
                        file: file.to_owned(),
                    });
                }
                Outcome::Given(node, unapplied) => {
                    let what = format!("the device node {}", shown(&node.path));
                    self.not_done(file, &what, unapplied);
                    node
                }
            };
            self.unknown(file, "a device node", &written.unknown);
            let first = self.nodes.entry(node.path.clone()).or_insert(node.clone());
            if (first.major, first.minor) != (node.major, node.minor) {
                let reason = format!("two devices would stand at {}", shown(&node.path));
                return Err(Wrong::new(reason, "name one of the two").of(file));
            }
        }
        Ok(())
    }

    fn userspace(&mut self, file: &Path, edits: &ContainerEdits) -> Result<(), Wrong> {
        self.unknown(file, "its containerEdits", &edits.unknown);
        for text in &edits.env {
            let (name, value) = rules::variable(text)?;
            self.environment.insert(name, value);
        }
        for written in &edits.mounts {
            let judged = rules::mount(written, self.around.private)?;
            let guest = quote(&written.container_path);
            let value = self.judged(file, &format!("the mount onto {guest}"), judged);
            self.unknown(file, "a mount", &written.unknown);
            let Some(mount) = value else { continue };
            let first = self
                .mounts
                .entry(mount.guest.clone())
                .or_insert(mount.clone());
            if first.host != mount.host {
                let reason = format!(
                    "both {} and {} would be at {}",
                    shown(&first.host),
                    shown(&mount.host),
                    shown(&mount.guest)
                );
                return Err(Wrong::new(reason, "remove one of the two mounts"));
            }
        }
        for hook in &edits.hooks {
            self.hook(file, hook)?;
        }
        self.not_ours(file, edits);
        Ok(())
    }

    fn hook(&mut self, file: &Path, hook: &Hook) -> Result<(), Wrong> {
        let effect = hooks::effect(hook);
        // The first words say which it is; what follows are its objects.
        let words: Vec<&str> = std::iter::once(hook.path.as_str())
            .chain(hook.args.iter().skip(1).map(String::as_str))
            .take(2)
            .collect();
        let what = format!("the hook {}", quote(&words.join(" ")));
        self.unknown(file, "a hook", &hook.unknown);
        self.not_done(file, &what, effect.unapplied);
        for (target, path) in effect.links {
            let judged = rules::link(&target, &path)?;
            let what = format!("the link {}", quote(&path));
            let Some(link) = self.judged(file, &what, judged) else {
                continue;
            };
            let target = self.links.entry(link.path.clone());
            let target = target.or_insert_with(|| link.target.clone());
            if *target != link.target {
                let reason = format!(
                    "the link {} would lead both to {} and to {}",
                    shown(&link.path),
                    shown(target),
                    shown(&link.target)
                );
                return Err(Wrong::new(reason, "remove one of the two links"));
            }
        }
        for folder in effect.folders {
            let folder = rules::folder(&folder)?;
            if !self.folders.contains(&folder) {
                self.folders.push(folder);
            }
        }
        Ok(())
    }

    /// What ctrd gives to no guest.
    fn not_ours(&mut self, file: &Path, edits: &ContainerEdits) {
        if edits.intel_rdt.is_some() {
            let why = "a container has no class of cache allocation".to_owned();
            self.not_done(file, "intelRdt", Some(why));
        }
        if edits.net_devices.is_some() {
            let why = "no interface of the host's network is moved into a guest".to_owned();
            self.not_done(file, "netDevices", Some(why));
        }
        if !edits.additional_gids.is_empty() {
            let why =
                "the users of a guest are in the groups that the guest says: put those that use \
                       the device into the group of its node"
                    .to_owned();
            self.not_done(file, "additionalGids", Some(why));
        }
    }

    fn judged<T>(&mut self, file: &Path, what: &str, judged: Judged<T>) -> Option<T> {
        self.not_done(file, what, judged.unapplied);
        judged.value
    }

    fn unknown(&mut self, file: &Path, whose: &str, keys: &Unknown) {
        for key in &keys.0 {
            let why = format!("this version does not know the key, which {whose} has");
            self.not_done(file, &quote(key), Some(why));
        }
    }

    fn not_done(&mut self, file: &Path, what: &str, why: impl IntoIterator<Item = String>) {
        for why in why {
            let sentence = format!("{what} of {} is not done as written: {why}", file.display());
            if self.said.insert(sentence.clone()) {
                self.unapplied.push(sentence);
            }
        }
    }

    fn finish(mut self) -> Edits {
        self.link_names();
        let (links, hidden): (Vec<Link>, Vec<Link>) = std::mem::take(&mut self.links)
            .into_iter()
            .map(|(path, target)| Link { path, target })
            .partition(|link| {
                let mut above = link.path.ancestors();
                !above.any(|place| self.mounts.contains_key(place))
            });
        for link in hidden {
            self.unapplied.push(format!(
                "the link {} is not made: it would be in or in the place of a mount, which is read-only",
                shown(&link.path)
            ));
        }
        if self.unapplied.len() > SENTENCES_MAX {
            let more = self.unapplied.len() - SENTENCES_MAX;
            self.unapplied.truncate(SENTENCES_MAX);
            self.unapplied.push(format!("and {more} more of the kind"));
        }
        Edits {
            nodes: self.nodes.into_values().collect(),
            mounts: self.mounts.into_values().collect(),
            links,
            library_folders: self.folders,
            environment: self.environment,
            unapplied: self.unapplied,
        }
    }

    /// Makes the links that ldconfig(8) would make in the folders of libraries: the name that programs
    /// know a library by, beside each library that is mounted there.
    fn link_names(&mut self) {
        for mount in self.mounts.values() {
            let (Some(folder), Some(file)) = (mount.guest.parent(), mount.guest.file_name()) else {
                continue;
            };
            let library = file.to_string_lossy().contains(".so");
            if !library || !self.folders.iter().any(|it| it == folder) {
                continue;
            }
            let Some(name) = self.around.host.soname(&mount.host) else {
                continue;
            };
            let path = folder.join(&name);
            if path != mount.guest && !self.mounts.contains_key(&path) {
                self.links
                    .entry(path)
                    .or_insert_with(|| PathBuf::from(file));
            }
        }
    }
}
