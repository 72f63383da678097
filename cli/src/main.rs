//! `ctr`: what people type at `ctrd`.
//!
//! Words become an [`args::Invocation`], a file of [`command`] asks the daemon, [`render`] makes
//! text of the answer. Data goes to stdout, talk to stderr, and the exit status says how it went.

mod args;
mod authorise;
mod changes;
mod command;
mod complete;
mod connect;
mod error;
mod journal;
mod last_words;
mod named;
mod output;
mod program;
mod render;
#[cfg(test)]
mod sample;
mod screen;
#[cfg(test)]
mod screens;
mod session;
mod settle;
mod target;
mod usage;
mod visible;

use std::ffi::OsString;
use std::process::ExitCode;

use error::{Error, Exit};

fn main() -> ExitCode {
    complete::answer_shell();
    let words: Vec<OsString> = std::env::args_os().collect();
    let ended = match args::parse(&words) {
        Ok(invocation) => in_runtime(command::run(invocation)),
        Err(error) => Ok(usage::print(&error)),
    };
    let exit = ended.unwrap_or_else(|error| {
        if !error.is_quiet() {
            output::report(&error);
        }
        error.exit
    });
    exit.into()
}

fn in_runtime(work: impl Future<Output = Result<Exit, Error>>) -> Result<Exit, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::failed("failed to start").caused(&error))?;
    runtime.block_on(work)
}
