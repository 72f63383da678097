//! Hosts for people: a script on one, or a shell.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use ctr_lab::{Host, Options, interactive, read_machine};

use crate::arguments::{On, Script, VmScript};
use crate::bench::peers;

/// The declaration of the demo, in the source tree this program was built from.
pub(crate) fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/kernelcore.toml")
}

/// `lab run`.
pub(crate) fn run_script(script: &Script) -> Result<ExitCode> {
    let text = fs::read(&script.path)
        .with_context(|| format!("failed to read {}", script.path.display()))?;
    let host = boot(&script.on)?;
    let path = "/root/script";
    let written = host.command(["tee", path]).stdin(text).output()?;
    if !written.success() {
        bail!("failed to copy the script: {}", written.stderr);
    }
    let status = host.command(words(path, &script.arguments)).inherit()?;
    Ok(exit_code(status))
}

/// A script of the host, run at home with these words.
fn words(path: &str, arguments: &[OsString]) -> Vec<OsString> {
    let at_home = "cd && exec bash \"$@\"";
    let mut argv: Vec<OsString> = ["bash", "-c", at_home, "bash", path].map(Into::into).into();
    argv.extend(arguments.iter().cloned());
    argv
}

/// `lab vm`.
pub(crate) fn run_script_in_vm(VmScript { gpu, script }: &VmScript) -> Result<ExitCode> {
    let text = fs::read(&script.path)
        .with_context(|| format!("failed to read {}", script.path.display()))?;
    if script.on.peers {
        bail!("a virtual machine is made of a small tree of its own, without --peers");
    }
    let mut options = options(&script.on)?;
    if *gpu {
        options = options.with_gpu();
    }
    let vm = options.boot_vm()?;
    let path = "/root/script";
    vm.write(path, text);
    let status = vm.inherit(words(path, &script.arguments))?;
    Ok(exit_code(status))
}

/// `lab shell`.
pub(crate) fn shell(on: &On) -> Result<ExitCode> {
    if !interactive::is_possible() {
        bail!("a shell needs a terminal\nhint: `cargo lab run SCRIPT` runs a script without one");
    }
    let host = boot(on)?;
    enter(&host)
}

/// A person's shell on the host, until they leave it.
pub(crate) fn enter(host: &Host) -> Result<ExitCode> {
    let status = host.bash("cd && exec bash --login").interact()?;
    Ok(exit_code(status))
}

fn boot(on: &On) -> Result<Host> {
    options(on)?.boot()
}

fn options(on: &On) -> Result<Options> {
    let mut options = Options::new().say(|line| {
        if io::stderr().is_terminal() {
            eprintln!("lab: {line}");
        }
    });
    if !on.bare {
        let path = on.declaration.clone().unwrap_or_else(example);
        let declaration = fs::read_to_string(&path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        options = options.with_ctr(&declaration);
    }
    if on.peers {
        options = options.packages(&peers::PACKAGES);
    }
    if let Some(path) = &on.hardware {
        options = options.hardware(read_machine(path)?);
    }
    Ok(options)
}

fn exit_code(status: i32) -> ExitCode {
    ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX))
}
