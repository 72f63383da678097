//! What a host says about itself when something went wrong there.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::command::Output;
use crate::host::Host;

/// A host that answers.
pub(crate) trait Answers {
    /// Runs a short command there.
    fn answer(&self, argv: &[&str]) -> Result<Output>;
}

impl Answers for Host {
    fn answer(&self, argv: &[&str]) -> Result<Output> {
        let command = self.command(argv.iter().copied());
        command.timeout(Duration::from_secs(10)).output()
    }
}

impl Host {
    /// The last lines of the host's journal: those of one unit, or all.
    pub fn journal(&self, unit: Option<&str>) -> Result<String> {
        journal(self, unit)
    }
}

/// The last lines of a host's journal: those of one unit, or all.
pub(crate) fn journal(host: &impl Answers, unit: Option<&str>) -> Result<String> {
    let mut argv = vec![
        "journalctl",
        "--no-pager",
        "--quiet",
        "--lines=60",
        "--output=short-precise",
    ];
    argv.extend(unit.map(|_| "--unit"));
    argv.extend(unit);
    Ok(host.answer(&argv)?.stdout)
}

/// Fails with the names and journals of units that failed.
pub(crate) fn require_no_failed_unit(host: &impl Answers) -> Result<()> {
    let listed = host.answer(&[
        "systemctl",
        "list-units",
        "--failed",
        "--plain",
        "--no-legend",
    ])?;
    let failed: Vec<&str> = listed
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    if failed.is_empty() && listed.success() {
        return Ok(());
    }
    let mut talk = format!("units failed while the host booted: {}", failed.join(" "));
    for unit in failed {
        write!(talk, "\n{}", journal(host, Some(unit))?)?;
    }
    bail!("{talk}{}", listed.stderr)
}
