//! `ctr plan`.

use std::io::{self, Read};
use std::path::Path;

use ctr_api::wire::PlanView;
use ctr_api::{Dict, from_dict};

use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::output;
use crate::render::{Depth, changes_something, plan};

/// How the plan is shown.
#[derive(Debug, Clone, Copy)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "three flags of one command line"
)]
pub(super) struct Show {
    pub(super) verbose: bool,
    pub(super) json: bool,
    pub(super) exit_code: bool,
}

/// Asks what the declaration would do. The file is read here and sent as bytes: the daemon, which
/// may read everything, reads no path that somebody else chose.
pub(super) async fn ask(file: Option<&Path>) -> Result<PlanView, Error> {
    let (name, bytes) = match file {
        None => (String::new(), Vec::new()),
        Some(path) if path.as_os_str() == "-" => ("<stdin>".to_owned(), from_stdin()?),
        Some(path) => (path.display().to_string(), from_file(path)?),
    };
    // On the bus no bytes mean the file in place.
    if file.is_some() && bytes.is_empty() {
        return Err(Error::failed(format!("{name} is empty"))
            .hint("a declaration begins with `schema = 1`"));
    }
    let daemon = Daemon::connect().await?;
    let manager = daemon.manager().inner();
    let sent = (name.as_str(), bytes.as_slice());
    let answer: Dict = daemon.asker().call(manager, "Plan", &sent).await?;
    Ok(from_dict(&answer)?)
}

/// Shows it.
pub(super) fn show(answer: &PlanView, show: Show) -> Result<Exit, Error> {
    if show.json {
        output::print_json(answer)?;
    } else {
        tell_warnings(answer);
        let depth = if show.verbose {
            Depth::Steps
        } else {
            Depth::Changes
        };
        output::print(&plan(answer, depth, output::view()))?;
    }
    let changes = show.exit_code && changes_something(answer);
    Ok(if changes { Exit::CHANGES } else { Exit::OK })
}

/// Warnings of a declaration that is taken nevertheless.
pub(super) fn tell_warnings(plan: &PlanView) {
    for problem in &plan.problems {
        output::say(&format!("{}\n", problem.rendered.trim_end()));
    }
}

fn from_file(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path)
        .map_err(|error| Error::failed(format!("failed to read {}", path.display())).caused(&error))
}

fn from_stdin() -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| Error::failed("failed to read stdin").caused(&error))?;
    Ok(bytes)
}
