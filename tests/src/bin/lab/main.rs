//! `lab`: a throwaway systemd host to look at, to run a script on, and to see ctr in.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    match real() { Ok(c) => c, Err(e) => { eprintln!("error: {e:#}"); ExitCode::FAILURE } }
}
fn real() -> Result<ExitCode> {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let result = match arguments.split_first() {
        Some((first, rest)) if first == "internal" => internal(rest),
        _ => {
            let host = ctr_lab::Options::new().units_may_fail().boot()?;
            let c = host.command(&arguments).inherit();
            c.map(|c| ExitCode::from(c as u8))
        }
    };
    result
}

/// What the lab runs of itself; no part of the command line that people type.
fn internal(arguments: &[OsString]) -> Result<ExitCode> {
    let Some((name, rest)) = arguments.split_first() else { bail!("internal: which part?") };
    match name.to_str() {
        Some("keep") => ctr_lab::keeper::main().map(|()| ExitCode::SUCCESS),
        Some("first-process") => ctr_lab::first_process::main().map(|()| ExitCode::SUCCESS),
        Some("enter") => ctr_lab::enter::main(rest),
        _ => bail!("internal: no such part"),
    }
}
