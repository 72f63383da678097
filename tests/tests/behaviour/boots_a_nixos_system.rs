//! A NixOS system boots from the store: a nearly empty root, the store bound read-only, and the init
//! of the system that the profile names. The system is a [stand-in](crate::nixos).

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{status, until};
use crate::nixos::{declaration, fill_store, inside};

const FILE: &str = "/etc/ctr/containers.toml";

#[test]
fn boots_a_nixos_system() {
    let host = Host::with_ctr(&declaration("bbbb", ""));
    let absent = host.fails("ctr lab start nix");
    assert!(
        absent.stderr.contains("/nix/store/bbbb-nixos-system-web"),
        "{absent:#?}"
    );
    fill_store(&host);
    host.ok("ctr lab start nix");
    assert_eq!(until(&host, "nix", State::Running).restarts, 0);
    assert_eq!(inside(&host, "cat /proc/1/comm"), "systemd\n");
    assert_eq!(inside(&host, "cat /etc/which-system"), "bbbb\n");
    assert_eq!(
        inside(&host, "readlink /nix/var/nix/profiles/system"),
        "/nix/store/bbbb-nixos-system-web\n"
    );
    host.fails("ctr lab exec nix -- touch /nix/store/new");
    inside(&host, "touch /root/kept");

    // Another system with another key is booted, from the same place, with the same state.
    host.write(
        FILE,
        declaration("cccc", "files.\"/etc/note\" = { text = \"new\" }\n"),
    );
    let plan = host.ok("ctr plan");
    assert!(plan.contains("lab/nix  restart"), "{plan}");
    assert!(plan.contains("a change of root.nixos and files"), "{plan}");
    host.ok("ctr apply && ctr lab wait nix --timeout 40s");
    assert_eq!(inside(&host, "cat /etc/which-system"), "cccc\n");
    assert_eq!(
        inside(&host, "readlink /nix/var/nix/profiles/system"),
        "/nix/store/cccc-nixos-system-web\n"
    );
    inside(&host, "test -e /root/kept");
    assert_eq!(status(&host, "nix").state, State::Running);
    host.fails("ctr lab exec nix -- test -e /root/switches");
}
