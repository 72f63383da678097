//! A host with recorded cards, and specifications of the Container Device Interface on it.

use ctr_lab::Host;

use crate::gpus;

/// Where the host's ctrd looks for specifications.
pub(crate) const FOLDER: &str = "/run/hardware/etc/cdi";

/// A laptop that runs this declaration and has no specification yet.
#[track_caller]
pub(crate) fn laptop(declaration: &str) -> Host {
    gpus::machine("nvidia-laptop", declaration)
}

/// Writes a specification as tools do: whole, under its name.
#[track_caller]
pub(crate) fn write_spec(host: &Host, file: &str, text: &str) {
    let write =
        format!("mkdir -p {FOLDER} && cat >{FOLDER}/.new && mv {FOLDER}/.new {FOLDER}/{file}");
    let written = host.bash(&write).stdin(text).output();
    let written = written.expect("the command runs");
    assert!(written.success(), "{written:#?}");
}

/// The character devices that a guest of `lab` has.
#[track_caller]
pub(crate) fn devices(host: &Host, guest: &str) -> Vec<String> {
    // What a directory says of its entries is not what is mounted on them: each is looked at.
    let find = "find /dev ! -type l -exec test -c {} ';' -print";
    let found = host.ok(&format!("ctr lab exec {guest} -- {find}"));
    let mut found: Vec<String> = found.lines().map(str::to_owned).collect();
    found.sort();
    found
}
