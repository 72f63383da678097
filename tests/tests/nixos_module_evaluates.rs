//! The NixOS module says what its tests say, evaluated by Nix, and `ctrd` takes what it writes: tests/nix/run.sh.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn the_nixos_module_evaluates() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("nix/run.sh");
    let output = Command::new("bash")
        .arg(&script)
        .env("CTRD", ctrd())
        .output()
        .expect("bash");
    assert!(
        output.status.success(),
        "{} says\n{}{}",
        script.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

/// This build's `ctrd`, or the finished one that the lab is told of too.
fn ctrd() -> PathBuf {
    if let Some(directory) = env::var_os("CTR_LAB_BIN_DIR") {
        return Path::new(&directory).join("ctrd");
    }
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--package", "ctrd"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let status = command.status().expect("cargo");
    assert!(status.success(), "ctrd does not build");
    let this = env::current_exe().expect("this test's own path");
    // target/<profile>/deps/<test>
    let profile = this.ancestors().nth(2).expect("the profile's directory");
    profile.join("ctrd")
}
