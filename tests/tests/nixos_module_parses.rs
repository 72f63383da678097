//! Every Nix expression of this repository is one. (What they say is found by evaluation, in `nixos_module_evaluates.rs`.)

use std::fs;
use std::path::{Path, PathBuf};

/// Where Nix expressions are: files, and directories with all that is in them.
const EXPRESSIONS: [&str; 7] = [
    "nixos-module",
    "tests/nix",
    "tests/nixos",
    "nix",
    "flake.nix",
    "default.nix",
    "shell.nix",
];

#[test]
fn every_nix_expression_parses() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for place in EXPRESSIONS {
        let files = expressions(&repository.join(place));
        assert!(!files.is_empty(), "{place} has no Nix expression");
        for file in files {
            let text = fs::read_to_string(&file).expect("a file");
            let errors = rnix::Root::parse(&text).errors().to_vec();
            assert!(errors.is_empty(), "{}: {errors:?}", file.display());
        }
    }
    let broken = rnix::Root::parse("{ config, lib }: { enable = ; }");
    assert!(
        !broken.errors().is_empty(),
        "the parser sees what is broken"
    );
}

fn expressions(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let entries = place.read_dir().expect("a directory").flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "nix"))
        .flat_map(|path| expressions(&path))
        .collect()
}
