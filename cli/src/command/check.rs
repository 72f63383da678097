//! `ctr check`: the daemon's own judgement of a file, without the daemon.

use std::io::{self, IsTerminal};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, Exit};
use crate::program;

/// Becomes `ctrd check FILE`.
pub(super) fn run(file: &Path) -> Result<Exit, Error> {
    let mut command = Command::new(program::of_ours("ctrd")?);
    command.arg("check").arg(file);
    if !io::stderr().is_terminal() || !io::stdout().is_terminal() {
        command.env("NO_COLOR", "1");
    }
    let failure = command.exec();
    Err(Error::failed("failed to run ctrd").caused(&failure))
}
