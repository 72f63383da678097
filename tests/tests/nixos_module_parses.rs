//! The NixOS module is a Nix expression. (What it says is checked by evaluation where there is a nixpkgs.)

use std::fs;
use std::path::Path;

#[test]
fn the_nixos_module_parses() {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nixos-module");
    let mut count = 0;
    for entry in modules.read_dir().expect("the modules").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a file");
        let errors = rnix::Root::parse(&text).errors().to_vec();
        assert!(errors.is_empty(), "{}: {errors:?}", entry.path().display());
        count += 1;
    }
    assert!(count > 0, "no module was found");
    let broken = rnix::Root::parse("{ config, lib }: { enable = ; }");
    assert!(
        !broken.errors().is_empty(),
        "the parser sees what is broken"
    );
}
