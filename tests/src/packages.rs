//! What the lab needs on the machine it runs on, installed where that can be done.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;

/// Programs that run on the machine, each with the Debian package that has it.
pub(crate) type Tools = [(&'static str, &'static str)];

/// What a host in namespaces needs.
pub(crate) const HOST: [(&str, &str); 3] = [
    ("mmdebstrap", "mmdebstrap"),
    ("ip", "iproute2"),
    ("apt-get", "apt"),
];

/// What a virtual machine needs.
pub(crate) const VIRTUAL_MACHINE: [(&str, &str); 5] = [
    ("mmdebstrap", "mmdebstrap"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("mke2fs", "e2fsprogs"),
    ("setpriv", "util-linux"),
    ("apt-get", "apt"),
];

/// Fails with a sentence unless this process may make namespaces and device nodes.
pub(crate) fn require_root() -> Result<()> {
    if geteuid().is_root() {
        return Ok(());
    }
    bail!("the lab boots a systemd host and needs root\nhint: run the same command with sudo")
}

/// Makes sure every tool is there and says through `say` which packages it installed for that.
pub(crate) fn require_tools(tools: &Tools, say: &dyn Fn(&str)) -> Result<()> {
    let missing: Vec<&str> = tools
        .iter()
        .filter(|(tool, _)| !is_installed(tool))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !is_installed("apt-get") {
        bail!(
            "the lab needs {list}\nhint: it makes its host from Debian packages: run it on Debian, or install {list} by hand"
        );
    }
    say(&format!(
        "installing Debian packages on this machine: {list}"
    ));
    if install(&missing).is_err() {
        // The package list of a fresh or old machine may not know where the files are now.
        apt_get(&["update"]).context("failed to refresh the list of Debian packages")?;
        install(&missing).with_context(|| format!("failed to install {list}"))?;
    }
    Ok(())
}

fn install(packages: &[&str]) -> Result<()> {
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    apt_get(&arguments)
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let output = Command::new("apt-get")
        .args(["-o", "DPkg::Lock::Timeout=120"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .context("failed to start apt-get")?;
    if output.status.success() {
        return Ok(());
    }
    bail!(
        "apt-get {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    )
}

fn is_installed(tool: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(Into::into))
        .any(|directory| Path::new(&directory).join(tool).is_file())
}
