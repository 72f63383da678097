//! The program `nft`.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::observed::{Observed, ObservedTable, ParseError, parse_objects, parse_table};
use super::ruleset::{self, Commands};
use super::skeleton::Table;
use crate::os::Paths;

/// The oldest nft whose JSON holds everything the tables need.
pub const MINIMUM_VERSION: NftVersion = NftVersion([1, 0, 6]);

/// A version of nft: three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NftVersion(pub [u32; 3]);

impl fmt::Display for NftVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// Why `nft` did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum NftError {
    /// It could not be run.
    #[error("failed to run {program}: install nftables {MINIMUM_VERSION} or newer")]
    Run {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It refused.
    #[error("failed to {what} with {program}: {stderr}")]
    Refused {
        /// The program.
        program: String,
        /// What it was asked.
        what: &'static str,
        /// What it said.
        stderr: String,
    },
    /// It answered something else than a listing.
    #[error("failed to understand what {program} lists")]
    Listing {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: ParseError,
    },
    /// It is too old.
    #[error("{program} is version {found}: install nftables {MINIMUM_VERSION} or newer")]
    TooOld {
        /// The program.
        program: String,
        /// Its version.
        found: String,
    },
}

/// The version of the host's nft; an error where it is missing or too old.
pub async fn nft_version(paths: &Paths) -> Result<NftVersion, NftError> {
    let (_, found) = tables(&paths.nft).await?;
    let version = parse_version(&found).filter(|version| *version >= MINIMUM_VERSION);
    version.ok_or_else(|| NftError::TooOld {
        program: name(&paths.nft),
        found,
    })
}

fn parse_version(text: &str) -> Option<NftVersion> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    let (major, minor) = (parts.next()??, parts.next()??);
    let patch = parts.next().flatten().unwrap_or(0);
    Some(NftVersion([major, minor, patch]))
}

fn name(program: &Path) -> String {
    program.display().to_string()
}

/// Runs nft with `input`; its standard output. (The `nftables` crate can run it as well, but leaves
/// the reason of a refusal on our own standard error.)
pub(super) async fn nft(
    program: &Path,
    what: &'static str,
    words: &[&str],
    input: &str,
) -> Result<String, NftError> {
    let run = async {
        let mut child = Command::new(program)
            // What ctrd.service sets for ctrd alone.
            .env_remove("GLIBC_TUNABLES")
            .args(words)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            match stdin.write_all(input.as_bytes()).await {
                // It ended without reading everything; its status tells more.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                result => result?,
            }
        }
        child.wait_with_output().await
    };
    let output: Output = run.await.map_err(|source| NftError::Run {
        program: name(program),
        source,
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = if stderr.trim().is_empty() {
        output.status.to_string()
    } else {
        stderr.into()
    };
    Err(NftError::Refused {
        program: name(program),
        what,
        stderr: said.trim().to_owned(),
    })
}

async fn list(program: &Path, words: &[&str]) -> Result<String, NftError> {
    let words: Vec<_> = ["-j", "list"].iter().chain(words).copied().collect();
    nft(program, "list the firewall", &words, "").await
}

/// Which of our tables exist, and the version of nft. Asked this way, because "no such table" and
/// "not allowed" differ only in words when a table is listed.
async fn tables(program: &Path) -> Result<(Vec<Table>, String), NftError> {
    let listing = list(program, &["tables"]).await?;
    let objects = parse_objects(&listing).map_err(|source| NftError::Listing {
        program: name(program),
        source,
    })?;
    let text = |object: &Value, kind: &str, key: &str| {
        object.get(kind)?.get(key)?.as_str().map(str::to_owned)
    };
    let found = Table::ALL.into_iter().filter(|table| {
        objects.iter().any(|object| {
            text(object, "table", "name").as_deref() == Some(Table::NAME)
                && text(object, "table", "family").as_deref() == Some(table.family())
        })
    });
    let version = objects
        .iter()
        .find_map(|object| text(object, "metainfo", "version"));
    Ok((found.collect(), version.unwrap_or_default()))
}

/// Lists both tables.
pub(super) async fn observe(program: &Path) -> Result<Observed, NftError> {
    let mut observed = Observed::default();
    for table in tables(program).await?.0 {
        let found = observe_table(program, table).await?;
        match table {
            Table::Inet => observed.inet = Some(found),
            Table::Bridge => observed.bridge = Some(found),
        }
    }
    Ok(observed)
}

async fn observe_table(program: &Path, table: Table) -> Result<ObservedTable, NftError> {
    let listing = list(program, &["table", table.family(), Table::NAME]).await?;
    parse_table(table, &listing).map_err(|source| NftError::Listing {
        program: name(program),
        source,
    })
}

/// Runs commands as one transaction.
pub(super) async fn run(
    program: &Path,
    what: &'static str,
    commands: Commands,
) -> Result<(), NftError> {
    nft(
        program,
        what,
        &["-j", "-f", "-"],
        &ruleset::to_json(commands),
    )
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{MINIMUM_VERSION, NftVersion, parse_version};

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(parse_version("1.1.3"), Some(NftVersion([1, 1, 3])));
        assert_eq!(parse_version("1.1"), Some(NftVersion([1, 1, 0])));
        assert_eq!(parse_version("one"), None);
        assert!(parse_version("1.0.10") > Some(MINIMUM_VERSION));
        assert!(parse_version("0.9.8") < Some(MINIMUM_VERSION));
    }
}
