//! `lab`: a throwaway systemd host to look at, to run a script on, and to see ctr in.

mod arguments;
mod bench;
mod demo;
mod host;
mod progress;
mod requests;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Error, Result, bail};
use clap::Parser;

use crate::arguments::{Arguments, Verb};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let result = match arguments.split_first() {
        Some((first, rest)) if first == "internal" => internal(rest),
        _ => run(Arguments::parse()),
    };
    result.unwrap_or_else(|error| {
        eprint!("{}", told(&error));
        ExitCode::FAILURE
    })
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.verb {
        Verb::Demo(demo) => demo::run(&demo),
        Verb::Run(script) => host::run_script(&script),
        Verb::Shell(on) => host::shell(&on),
        Verb::Bench(arguments) => bench::run(&arguments),
        Verb::Vm(script) => host::run_script_in_vm(&script),
    }
}

/// What the lab runs of itself; no part of the command line that people type.
fn internal(arguments: &[OsString]) -> Result<ExitCode> {
    let Some((name, rest)) = arguments.split_first() else {
        bail!("internal: which part?")
    };
    match name.to_str() {
        Some("keep") => ctr_lab::keeper::main().map(|()| ExitCode::SUCCESS),
        Some("first-process") => ctr_lab::first_process::main().map(|()| ExitCode::SUCCESS),
        Some("vm-keep") => ctr_lab::vm::keeper::main().map(|()| ExitCode::SUCCESS),
        Some("vm-agent") => ctr_lab::vm::agent::main().map(|()| ExitCode::SUCCESS),
        Some("enter") => ctr_lab::enter::main(rest),
        _ => bail!("internal: no such part"),
    }
}

/// `error:`, its causes, and last what to do about it.
fn told(error: &Error) -> String {
    let mut lines = Vec::new();
    let mut hints = Vec::new();
    for (depth, cause) in error.chain().enumerate() {
        let text = cause.to_string();
        let mut parts = text.split("\nhint: ");
        let what = parts.next().unwrap_or_default();
        lines.push(if depth == 0 {
            format!("error: {what}\n")
        } else {
            format!(" -> {what}\n")
        });
        hints.extend(parts.map(|hint| format!("hint: {hint}\n")));
    }
    lines.concat() + &hints.concat()
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn an_error_ends_with_what_to_do() {
        let error = anyhow!("no root\nhint: use sudo").context("failed to boot");
        assert_eq!(
            told(&error),
            "error: failed to boot\n -> no root\nhint: use sudo\n"
        );
    }
}
