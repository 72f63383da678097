//! A NixOS system boots from the store: a nearly empty root, the store bound read-only, and the init
//! of the system that the profile names. The system is a [stand-in](crate::nixos).

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{PATIENCE, status, until};
use crate::nixos::{declaration, fill_store, inside};

const FILE: &str = "/etc/ctr/containers.toml";
const NOTE: &str = "files.\"/etc/note\" = { text = \"new\" }\n";

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
    assert_eq!(held(&host), ["lab-nix -> bbbb"]);
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
    host.write(FILE, declaration("cccc", NOTE));
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
    assert_eq!(held(&host), ["lab-nix -> cccc"], "what it ran is over");
    stays_held(&host);
}

/// Which systems Nix's garbage collector is kept from, by the links that it follows.
#[track_caller]
fn held(host: &Host) -> Vec<String> {
    let links = host.ok(
        "cd /nix/var/nix/gcroots/ctr && find -type l -printf '%P -> %l\n' | sort | sed s,/nix/store/,,g",
    );
    let links = links.lines();
    links
        .map(|link| link.replace("-nixos-system-web", ""))
        .collect()
}

/// What runs, and what boots next, is held whatever is declared, until nothing is.
fn stays_held(host: &Host) {
    // It refuses to switch: it may be half of each now.
    inside(host, "touch /root/refuse");
    host.write(FILE, declaration("dddd", NOTE));
    host.fails("ctr apply");
    let halves = ["lab-nix -> dddd", "lab-nix.earlier/cccc -> cccc"];
    assert_eq!(held(host), halves);
    host.write(FILE, declaration("bbbb", NOTE));
    host.fails("ctr apply");
    let all = [
        "lab-nix -> bbbb",
        "lab-nix.earlier/cccc -> cccc",
        "lab-nix.earlier/dddd -> dddd",
    ];
    assert_eq!(held(host), all);
    host.ok("systemctl restart ctrd && ctr lab status");
    assert_eq!(held(host), all, "another ctrd knows it by the links");
    host.ok("ctr lab stop nix");
    assert_eq!(held(host), ["lab-nix -> bbbb"]);

    // What is stopped can boot.
    host.write(FILE, declaration("cccc", NOTE));
    host.ok("ctr apply");
    assert_eq!(held(host), ["lab-nix -> cccc"]);
    // Declared no more, while no ctrd was there to hear of it.
    host.ok("systemctl stop ctrd");
    host.write(FILE, "schema = 1\n");
    host.ok("systemctl start ctrd");
    host.until("! test -e /nix/var/nix/gcroots/ctr/lab-nix", PATIENCE);
    host.write(FILE, declaration("cccc", NOTE));
    host.ok("ctr apply && ctr lab start nix --timeout 40s");
    assert_eq!(held(host), ["lab-nix -> cccc"]);
    host.ok("ctr down --yes");
    host.fails("test -e /nix/var/nix/gcroots/ctr");
}
