//! What a host says about itself when something went wrong there.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::host::Host;

impl Host {
    /// The last lines of the host's journal: those of one unit, or all.
    pub fn journal(&self, unit: Option<&str>) -> Result<String> {
        let mut argv = vec![
            "journalctl",
            "--no-pager",
            "--quiet",
            "--lines=60",
            "--output=short-precise",
        ];
        argv.extend(unit.map(|_| "--unit"));
        argv.extend(unit);
        Ok(self
            .command(argv)
            .timeout(Duration::from_secs(10))
            .output()?
            .stdout)
    }

    /// Fails with the names and journals of units that failed.
    pub(crate) fn require_no_failed_unit(&self) -> Result<()> {
        let argv = [
            "systemctl",
            "list-units",
            "--failed",
            "--plain",
            "--no-legend",
        ];
        let listed = self.command(argv).output()?;
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
            write!(talk, "\n{}", self.journal(Some(unit))?)?;
        }
        bail!("{talk}{}", listed.stderr)
    }
}
