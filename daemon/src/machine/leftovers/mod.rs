//! What stays of machines when they are gone: their data, found and deleted.
//!
//! It stands in three places: the state directory, the secrets that were made, and the journal that the
//! guest wrote. Only what is ours by its place, its shape and its owner counts. Deleting begins by giving
//! the state another name, under which it is no machine's state any more and is found again: a ctrd that
//! is killed in the middle leaves something that is listed once more, and never half a state that a
//! container of that name would start with.

mod measure;
mod remove_tree;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::root::{FileError, UidBase, machine_id, mounts_below};
use crate::model::MachineName;
use crate::os::Paths;

use measure::{Measured, measure};
pub use remove_tree::remove_tree;

/// What a state directory of a machine with the host's users may hold: of one with its own users the
/// owner says whose it is.
const SHAPE: [&str; 3] = ["upper", "work", "root"];
/// A state directory that is being deleted.
const DOOMED: &str = ".prune-";
/// Beginnings of names that a state directory has while it is made or given to other users; a leading dot
/// is in no machine's name.
const UNFINISHED: [&str; 3] = [".new-giving-", ".giving-", ".new-"];

/// What stays of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The machine.
    pub machine: MachineName,
    /// The directories and files.
    pub paths: Vec<PathBuf>,
    /// What deleting them gives back, about, in bytes.
    pub size: u64,
    /// When something in them was changed last, in milliseconds since the epoch.
    pub last_used_ms: Option<u64>,
}

/// What stays of the machines that `is_kept` does not say yes to.
pub fn leftovers(
    paths: &Paths,
    is_kept: impl Fn(&MachineName) -> bool,
) -> Result<Vec<Leftover>, FileError> {
    let mut found: BTreeMap<MachineName, Vec<PathBuf>> = BTreeMap::new();
    for (machine, path) in in_state(paths)? {
        if !is_kept(&machine) {
            found.entry(machine).or_default().push(path);
        }
    }
    let all = found.into_iter().map(|(machine, mut own)| {
        own.extend(journal(paths, &machine));
        let mut sum = Measured::default();
        for path in &own {
            sum.add(measure(path)?);
        }
        Ok(Leftover {
            machine,
            paths: own,
            size: sum.bytes,
            last_used_ms: sum.changed_ms,
        })
    });
    all.collect()
}

/// Deletes what stays of a machine, which nobody uses; answers with what was deleted.
pub fn delete_leftover(paths: &Paths, machine: &MachineName) -> Result<Vec<PathBuf>, FileError> {
    let mut own: Vec<PathBuf> = in_state(paths)?
        .into_iter()
        .filter(|(of, _)| of == machine)
        .map(|(_, path)| path)
        .collect();
    if own.is_empty() {
        return Ok(own);
    }
    own.extend(journal(paths, machine));
    for path in &own {
        let below = mounts_below(path).map_err(FileError::new("look for mounts below", path))?;
        if let Some(point) = below.first() {
            let busy = io::Error::from(io::ErrorKind::ResourceBusy);
            return Err(FileError::new("delete below the mount", point)(busy));
        }
    }
    let state = paths.machine_state(machine);
    let doomed = paths.state.join(format!("{DOOMED}{machine}"));
    if own.contains(&state) {
        remove_tree(&doomed)?;
        fs::rename(&state, &doomed).map_err(FileError::new("rename", &state))?;
    }
    // The state goes last: what is left of it is what the rest is found by.
    for path in own.iter().filter(|it| **it != state && **it != doomed) {
        remove_tree(path)?;
    }
    remove_tree(&doomed)?;
    Ok(own)
}

/// Everything of ours in the directories of states and secrets, with the machine that it is of.
fn in_state(paths: &Paths) -> Result<Vec<(MachineName, PathBuf)>, FileError> {
    let mut found = Vec::new();
    for path in list(&paths.state)? {
        let Some(name) = path.file_name().and_then(OsStr::to_str) else {
            continue;
        };
        let (unfinished, name) = [DOOMED]
            .iter()
            .chain(&UNFINISHED)
            .find_map(|it| Some((true, name.strip_prefix(it)?)))
            .unwrap_or((false, name));
        if let Ok(machine) = name.parse()
            && is_ours(&path, unfinished)?
        {
            found.push((machine, path));
        }
    }
    for path in list(&paths.secrets())? {
        let name = path.file_name().and_then(OsStr::to_str);
        let machine = name.and_then(|it| it.parse().ok());
        let metadata = look(&path)?;
        if let Some(machine) = machine
            && metadata.is_some_and(|it| it.is_dir() && it.uid() == 0)
        {
            found.push((machine, path));
        }
    }
    Ok(found)
}

/// Whether a state directory, or one that is being made or deleted, is a machine's.
fn is_ours(path: &Path, unfinished: bool) -> Result<bool, FileError> {
    let Some(metadata) = look(path)? else {
        return Ok(false);
    };
    if UidBase::new(metadata.uid()).is_some() {
        return Ok(metadata.is_dir() || unfinished);
    }
    if metadata.uid() != 0 || !(metadata.is_dir() || (unfinished && metadata.is_file())) {
        return Ok(false);
    }
    if unfinished {
        return Ok(true);
    }
    let shaped = |it: &PathBuf| {
        it.file_name()
            .is_some_and(|name| SHAPE.iter().any(|own| name == *own))
    };
    Ok(list(path)?.iter().all(shaped))
}

/// The journal of a machine's guest: its name comes of the machine's, so it is no one else's.
fn journal(paths: &Paths, machine: &MachineName) -> Option<PathBuf> {
    let path = paths.journal.join(machine_id(machine));
    let metadata = path.symlink_metadata().ok()?;
    let ours = metadata.uid() == 0 || UidBase::new(metadata.uid()).is_some();
    (metadata.is_dir() && ours).then_some(path)
}

fn look(path: &Path) -> Result<Option<fs::Metadata>, FileError> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new("look at", path)(error)),
    }
}

/// The paths in a directory, in order; none where it is not there.
fn list(directory: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::new("list", directory)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(FileError::new("list", directory))?.path());
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;
