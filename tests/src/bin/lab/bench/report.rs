//! Everything that a run has found, for programs and for a page of the documentation.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::bench::cases::Case;
use crate::bench::outcome::WorkOutcome;
use crate::bench::play::Played;
use crate::bench::table;

/// A run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    processors: usize,
    /// The load averages of the machine before it, and now: figures of a busy machine mean little.
    load_before: String,
    load_after: String,
    versions: Vec<String>,
    cases: Vec<CaseReport>,
}

#[derive(Debug, Serialize)]
struct CaseReport {
    case: &'static str,
    about: &'static str,
    turns: u32,
    works: Vec<WorkOutcome>,
}

impl Report {
    pub(crate) fn begin() -> Self {
        Self {
            processors: std::thread::available_parallelism().map_or(0, Into::into),
            load_before: load(),
            load_after: String::new(),
            versions: Vec::new(),
            cases: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, case: &Case, played: Played) {
        self.load_after = load();
        self.versions = played.versions;
        self.cases.push(CaseReport {
            case: case.name,
            about: case.about,
            turns: played.turns,
            works: played.outcomes,
        });
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
    }

    /// All its tables as one, and what they were measured with.
    pub(crate) fn markdown(&self) -> String {
        let works = self.cases.iter().flat_map(|case| &case.works);
        format!("{}\n{}\n", table::markdown(works), self.circumstances())
    }

    /// What they were measured with.
    pub(crate) fn circumstances(&self) -> String {
        format!(
            "{} processors, load {} before and {} after; {}.",
            self.processors,
            self.load_before,
            self.load_after,
            self.versions.join("; ")
        )
    }
}

/// The load averages of the machine, of one, five and fifteen minutes.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = text.split(' ').take(3).collect();
    averages.join(" ")
}
