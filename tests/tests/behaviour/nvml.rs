//! A host with a recorded NVIDIA card, and a library that answers for it.

use std::process::Command;

use ctr_lab::{Host, Options, recorded_machine};
use tempfile::TempDir;

/// Where a NixOS host has the library, and where it is in truth: devices are on a file system without programs.
const LINK: &str = "/run/hardware/run/opengl-driver/lib/libnvidia-ml.so.1";
pub(crate) const LIBRARY: &str = "/opt/libnvidia-ml.so.1";

/// A laptop that runs this declaration, whose driver can be asked.
pub(crate) fn laptop(declaration: &str) -> Host {
    let directory = TempDir::new().expect("a directory");
    let library = directory.path().join("nvml.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/nvml.c");
    // Whoever builds the tests has a compiler: it links them.
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .status()
        .expect("cc is there");
    assert!(compiled.success(), "{source}");
    let host = Options::new()
        .with_ctr(declaration)
        .hardware(recorded_machine("nvidia-laptop").expect("a recorded machine"))
        .copy(library, LIBRARY)
        .boot()
        .expect("a host");
    host.ok(&format!(
        "mkdir -p /run/nvml $(dirname {LINK}) && ln -s {LIBRARY} {LINK}"
    ));
    host
}
