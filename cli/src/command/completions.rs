//! `ctr completions`: the script that asks `ctr` itself at every Tab.

use clap_complete::env::Shells;

use crate::args::Shell;
use crate::complete;
use crate::error::{Error, Exit};
use crate::output;

pub(super) fn run(shell: Shell) -> Result<Exit, Error> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(shell.as_str())
        .ok_or_else(|| Error::failed(format!("there is no completion for {}", shell.as_str())))?;
    let mut script = Vec::new();
    completer.write_registration(complete::VARIABLE, "ctr", "ctr", "ctr", &mut script)?;
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::OK)
}
