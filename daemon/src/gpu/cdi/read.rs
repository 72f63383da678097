//! Reads the specifications of a host, each within bounds.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::error::Wrong;
use super::spec::Spec;
use crate::declaration::trust::distrust;
use crate::guest_text::visible;

/// The most bytes that a specification may have. One for eight processors has some ten thousand.
pub const SIZE_MAX: usize = 1024 * 1024;
/// The most specifications that one directory may have.
pub const FILES_MAX: usize = 256;
/// The most values that a specification in YAML may have, with those that aliases repeat.
const NODES_MAX: usize = 65_536;
/// How deep values may lie within each other in YAML; a specification has them seven deep. `serde_json`
/// has a bound of its own.
const DEPTH_MAX: usize = 32;

/// Said of a file in YAML beyond one of these bounds.
const BOUND: &str = "it has more values than are read, or repeats or nests them more";

/// A file in a directory of specifications.
#[derive(Debug, Clone)]
pub(super) struct SpecFile {
    /// Its name; that of the directory where it cannot be listed.
    pub(super) path: PathBuf,
    /// Its directory's place among the directories; the last one counts most.
    pub(super) directory: usize,
    /// What it says.
    pub(super) spec: Result<Spec, Wrong>,
}

/// Reads the specifications in the directories, in the order of their names: files that end in `.json`
/// or `.yaml`, as the CDI specification has it. A directory that is missing has none.
pub(super) fn specifications(directories: &[PathBuf]) -> Vec<SpecFile> {
    let mut all = Vec::new();
    for (index, directory) in directories.iter().enumerate() {
        match names(directory) {
            Ok(paths) => all.extend(paths.into_iter().map(|path| SpecFile {
                spec: read(&path),
                path,
                directory: index,
            })),
            Err(wrong) => all.push(SpecFile {
                path: directory.clone(),
                directory: index,
                spec: Err(wrong),
            }),
        }
    }
    all
}

fn names(directory: &Path) -> Result<Vec<PathBuf>, Wrong> {
    let unreadable = |error: io::Error| {
        let reason = format!("it cannot be listed: {error}");
        Wrong::new(reason, "make it a directory that root can read")
    };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if format(&path).is_none() {
            continue;
        }
        if paths.len() == FILES_MAX {
            let reason = format!("it has more than {FILES_MAX} specifications");
            return Err(Wrong::new(reason, "remove those that nobody needs"));
        }
        paths.push(path);
    }
    paths.sort();
    Ok(paths)
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Json,
    Yaml,
}

fn format(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "json" => Some(Format::Json),
        "yaml" => Some(Format::Yaml),
        _ => None,
    }
}

fn read(path: &Path) -> Result<Spec, Wrong> {
    let unreadable = |error: io::Error| {
        let reason = format!("it cannot be read: {error}");
        Wrong::new(reason, "make it a file that root can read, or remove it")
    };
    // Never waits, as it would for the other side of a FIFO.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(Wrong::new(
            "it is not a regular file",
            "replace it by a file, or remove it",
        ));
    }
    // It says which devices and files of the host a guest gets, so whoever can write to it is root.
    if let Some(distrust) = distrust(&file, path).map_err(unreadable)? {
        return Err(Wrong::new(distrust.to_string(), distrust.hint()));
    }
    let bytes = bytes(file).map_err(unreadable)?;
    if bytes.len() > SIZE_MAX {
        return Err(Wrong::new(
            format!("it has more than {SIZE_MAX} bytes"),
            "split it into several",
        ));
    }
    match format(path) {
        Some(Format::Json) => json(&bytes),
        Some(Format::Yaml) | None => yaml(&bytes),
    }
}

/// At most one byte more than is accepted.
fn bytes(file: File) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(SIZE_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn json(bytes: &[u8]) -> Result<Spec, Wrong> {
    serde_json::from_slice(bytes).map_err(|error| unlike("JSON", &error.to_string()))
}

pub(super) fn yaml(bytes: &[u8]) -> Result<Spec, Wrong> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: DEPTH_MAX,
            flow_nesting_limit: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_events: 4 * NODES_MAX,
            max_aliases: 1024,
            max_anchors: 1024,
            max_merge_keys: 64,
            max_recorded_anchor_events: NODES_MAX,
            max_recorded_anchor_bytes: 4 * SIZE_MAX,
            max_total_scalar_bytes: 4 * SIZE_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: NODES_MAX,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: 1024,
        },
        emit_comments: false,
        with_snippet: false,
    };
    serde_saphyr::from_slice_with_options(bytes, options).map_err(|error| {
        let error = error.to_string();
        // What it says of its own bounds is meant for programs.
        let bounds = ["budget breached", "limit exceeded", "recursive references"];
        let bound = bounds.iter().any(|it| error.contains(it));
        unlike("YAML", if bound { BOUND } else { &error })
    })
}

/// A reader's own words are shown on one line, and not without end.
fn unlike(format: &str, error: &str) -> Wrong {
    const LONGEST: usize = 200;
    let line = error.lines().next().unwrap_or_default();
    let mut words: String = visible(line).chars().take(LONGEST).collect();
    if words.len() < line.len() {
        words.push('…');
    }
    Wrong::new(
        format!("it is not a specification in {format}: {words}"),
        "generate it again with the vendor's tool",
    )
}
