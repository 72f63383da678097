//! A STAND-IN for NixOS: a store with the needed parts of Debian, and "systems" whose `init` links
//! them into the root and starts their systemd. It proves what ctrd does for such a root, not that a
//! real NixOS boots.
//!
//! `LD_LIBRARY_PATH` is for that init's shell, which is no static program. A system's
//! `switch-to-configuration` does what that of NixOS does, as far as ctrd can see it: it is called with
//! `test` inside the guest, changes what runs there, leads /run/current-system to the new system, and
//! says how it went with its exit status. `/root/refuse` in the guest makes it fail, `/root/linger` makes
//! it wait.

use ctr_lab::Host;

use crate::guests::{declared, lab};

const STORE: &str = include_str!("../nixos-store.sh");

/// Where the store has a system: `bbbb`, `cccc` or `dddd`.
pub(crate) fn path(system: &str) -> String {
    format!("/nix/store/{system}-nixos-system-web")
}

/// A declaration of `lab/nix` on a system, with these further keys.
pub(crate) fn declaration(system: &str, keys: &str) -> String {
    let root = format!("root = {{ nixos = \"{}\" }}\n", path(system));
    let libraries = "/nix/store/aaaa-debian/usr/lib/x86_64-linux-gnu";
    let environment = format!("environment = {{ LD_LIBRARY_PATH = \"{libraries}\" }}\n");
    lab(&[declared("nix", 11, &format!("{root}{environment}{keys}"))])
}

/// Puts the store there.
#[track_caller]
pub(crate) fn fill_store(host: &Host) {
    host.ok(STORE);
}

/// Runs a command in the guest.
#[track_caller]
pub(crate) fn inside(host: &Host, command: &str) -> String {
    host.ok(&format!("ctr lab exec nix -- {command}"))
}
