//! `ctr man`: one manual page per command.

use std::path::Path;

use clap::Command;

use crate::args;
use crate::error::{Error, Exit};

pub(super) fn run(directory: &Path) -> Result<Exit, Error> {
    let failed = |error: &std::io::Error| {
        Error::failed(format!(
            "failed to write manual pages into {}",
            directory.display()
        ))
        .caused(error)
    };
    std::fs::create_dir_all(directory).map_err(|error| failed(&error))?;
    clap_mangen::generate_to(tree(), directory).map_err(|error| failed(&error))?;
    Ok(Exit::OK)
}

/// Every command, with `group` standing for the groups: `ctr-group-start(1)`.
fn tree() -> Command {
    let group = args::group_command(&args::ANY_GROUP.to_lowercase())
        .about("The containers of a group: `ml`, `dev` or any other that is declared");
    args::command()
        .disable_help_subcommand(true)
        .subcommand(group)
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn every_command_has_a_page() {
        let directory = tempfile::tempdir().expect("a directory");
        run(directory.path()).expect("pages");
        for page in ["ctr.1", "ctr-plan.1", "ctr-group.1", "ctr-group-start.1"] {
            assert!(directory.path().join(page).is_file(), "{page}");
        }
        assert!(!directory.path().join("ctr-man.1").exists(), "hidden");
    }
}
