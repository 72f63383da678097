//! Finds the lab's own program, which keeps hosts and enters them.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// Names the program for whoever builds it elsewhere.
const PROGRAM_VARIABLE: &str = "CTR_LAB_PROGRAM";
/// Set by cargo for the tests of this package.
const CARGO_VARIABLE: &str = "CARGO_BIN_EXE_lab";

/// The `lab` program of this build.
pub(crate) fn lab() -> Result<PathBuf> {
    for variable in [PROGRAM_VARIABLE, CARGO_VARIABLE] {
        if let Some(path) = env::var_os(variable) {
            return Ok(path.into());
        }
    }
    let this = env::current_exe().context("failed to find this program's file")?;
    if this.file_stem().is_some_and(|name| name == "lab") {
        return Ok(this);
    }
    // A test's program lies in target/PROFILE/deps, the lab's one level up.
    this.ancestors()
        .skip(1)
        .take(2)
        .map(|directory| directory.join("lab"))
        .find(|path| path.is_file())
        .with_context(|| {
            format!(
                "the program lab is not beside {}\nhint: cargo build -p ctr-lab",
                this.display()
            )
        })
}
