//! A container that names a device of a CDI specification gets the nodes, files, links and variables that are
//! written there, and nothing else; what of it is not done is said.

use ctr_api::wire::{GpuFinding, GpuSeverity};
use ctr_lab::Host;

use crate::cdi::{devices, laptop, write_spec};
use crate::gpus::error;
use crate::guests::{booted, lab, running, sleeper};
use crate::nixos;

/// What tools of vendors write, shortened: a device that is named, one that is not, and what goes with both.
const SPEC: &str = r"
cdiVersion: 0.6.0
kind: nvidia.com/gpu
devices:
- name: all
  containerEdits:
    env: [NVIDIA_VISIBLE_DEVICES=void]
    deviceNodes:
    - {path: /dev/nvidia0, major: 195, minor: 0, fileMode: 438, permissions: rwm}
    - {path: /dev/own, hostPath: /dev/dri/renderD129, major: 226, minor: 129}
    hooks:
    - hookName: createContainer
      path: /usr/bin/nvidia-cdi-hook
      args: [nvidia-cdi-hook, create-symlinks, --link, '../../own::/dev/dri/by-path/pci-render']
- name: another
  containerEdits:
    env: [OF_ANOTHER=yes]
    deviceNodes:
    - {path: /dev/dri/renderD128}
containerEdits:
  env: [DRIVER_FILES=/opt/driver]
  deviceNodes:
  - {path: /dev/nvidiactl}
  - {path: /dev/nvidia-uvm}
  hooks:
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
    args: [nvidia-cdi-hook, create-symlinks, --link, 'libz.so.1::/opt/driver/lib/libz.so',
      --link, 'none::/opt/driver/lib/leads-nowhere']
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
    args: [nvidia-cdi-hook, update-ldcache, --folder, /opt/driver/lib]
  - hookName: createContainer
    path: /opt/driver/run-me
    args: [run-me, as-root]
  mounts:
  - {hostPath: /opt/driver/libz.so.570.133.07, containerPath: /opt/driver/lib/libz.so.570.133.07}
  - {hostPath: /opt/driver/programs, containerPath: /opt/driver/programs, options: [rw, rbind]}
  - {hostPath: /opt/driver/programs, containerPath: /opt/driver/files, options: [ro, noexec]}
";

/// The driver's files on the host, a program that gets root's rights among them, and a node that is no device
/// of anybody.
const FILES: &str = "mkdir -p /opt/driver/programs && cd /opt/driver
    cp $(readlink -f /usr/lib/*/libz.so.1) libz.so.570.133.07
    cp /usr/bin/id programs/id && install -m 4755 /usr/bin/id programs/root-id
    mknod -m 666 programs/node c 1 3
    printf '#!/bin/sh\ntouch /run/hook-was-run\n' >run-me && chmod +x run-me";

const DEVICES: &str = "gpu = { cdi = [\"nvidia.com/gpu=all\"] }\n";
const GIVEN: [&str; 5] = [
    "/dev/dri/by-path/pci-render",
    "/dev/nvidia-uvm",
    "/dev/nvidia0",
    "/dev/nvidiactl",
    "/dev/own",
];
const VARIABLES: [&str; 3] = [
    "DRIVER_FILES=/opt/driver",
    "LD_LIBRARY_PATH=/opt/driver/lib",
    "NVIDIA_VISIBLE_DEVICES=void",
];

#[test]
fn gives_what_a_cdi_specification_says() {
    let host = laptop(&lab(&[
        sleeper("command", 11, DEVICES),
        booted("boots", 12, DEVICES),
        booted("trusted", 13, &format!("users = \"host\"\n{DEVICES}")),
        sleeper("plain", 14, ""),
    ]));
    host.ok(FILES);
    write_spec(&host, "nvidia.yaml", SPEC);
    running(&host, &["command", "boots", "trusted", "plain"]);
    let others = devices(&host, "plain");
    for guest in ["command", "boots", "trusted"] {
        let mut found = devices(&host, guest);
        found.retain(|it| !others.contains(it) && !it.starts_with("/dev/pts/"));
        assert_eq!(found, GIVEN, "{guest}");
        for path in GIVEN {
            assert_eq!(error(&host, guest, path), "ENXIO", "{guest}: {path}");
        }
        let inside = |command: &str| host.ok(&format!("ctr lab exec {guest} -- {command}"));
        assert_eq!(
            inside("stat -c %t:%T /dev/own /dev/dri/by-path/pci-render"),
            "e2:81\n".repeat(2)
        );
        let libraries = ["libz.so", "libz.so.1", "libz.so.570.133.07"];
        for library in libraries {
            let compare =
                format!("cat /opt/driver/lib/{library} | cmp - /opt/driver/libz.so.570.133.07");
            host.ok(&format!("ctr lab exec {guest} -- {compare}"));
        }
        inside("test ! -e /opt/driver/lib/leads-nowhere");
        files_are_the_hosts(&host, guest);
    }
    host.fails("ctr lab exec plain -- test -e /opt/driver");
    variables(&host);
    host.fails("test -e /run/hook-was-run");
    what_is_not_done_is_said(&host);
}

/// Nobody changes them, and nothing in them gives rights.
#[track_caller]
fn files_are_the_hosts(host: &Host, guest: &str) {
    let fails = |command: &str, why: &str| {
        let failed = host.fails(&format!("ctr lab exec {guest} -- {command}"));
        let said = format!("{}{}", failed.stdout, failed.stderr);
        assert!(said.contains(why), "{guest}: {command}: {failed:#?}");
    };
    let ok = |command: &str| host.ok(&format!("ctr lab exec {guest} -- {command}"));
    fails("touch /opt/driver/programs/new", "Read-only file system");
    if guest == "trusted" {
        // To others it belongs to nobody.
        let library = "/opt/driver/lib/libz.so.570.133.07";
        fails(&format!("touch {library}"), "Read-only file system");
    }
    let mounts = ok("cat /proc/self/mounts");
    let driver = mounts.lines().filter(|it| it.contains(" /opt/driver/"));
    let options: Vec<&str> = driver.filter_map(|it| it.split(' ').nth(3)).collect();
    assert_eq!(options.len(), 5, "{mounts}");
    let closed = "ro,nosuid,nodev";
    assert!(options.iter().all(|it| it.starts_with(closed)), "{mounts}");
    let as_nobody = "/usr/sbin/runuser -u nobody --";
    assert_eq!(ok("/opt/driver/programs/id -u"), "0\n");
    fails("/opt/driver/files/id -u", "ermission denied");
    assert_eq!(
        ok(&format!("{as_nobody} /opt/driver/programs/root-id -u")),
        "65534\n"
    );
    assert_eq!(error(host, guest, "/opt/driver/programs/node"), "EACCES");
    assert_eq!(error(host, guest, "/dev/null"), "opened");
    if guest == "command" {
        // No program in it gets rights from its file.
        return;
    }
    ok("install -m 4755 /usr/bin/id /usr/bin/own-id");
    assert_eq!(ok(&format!("{as_nobody} /usr/bin/own-id -u")), "0\n");
}

#[track_caller]
fn variables(host: &Host) {
    let of = |guest: &str, command: &str| {
        let said = host.ok(&format!("ctr lab exec {guest} -- {command}"));
        let lines = said.lines().map(str::to_owned);
        lines.collect::<Vec<String>>()
    };
    let own = "sh -c \"cat /proc/[12]/environ | tr '\\\\0' '\\\\n'\"";
    for (guest, command) in [("command", own), ("boots", "systemctl show-environment")] {
        let variables = of(guest, command);
        for variable in VARIABLES {
            assert!(
                variables.iter().any(|it| it == variable),
                "{guest}: {variables:#?}"
            );
        }
        let other = variables.iter().find(|it| it.starts_with("OF_ANOTHER"));
        assert_eq!(other, None, "{guest}");
    }
    let plain = of("plain", own);
    assert!(
        !plain.iter().any(|it| VARIABLES.contains(&it.as_str())),
        "{plain:#?}"
    );
    let service = "systemd-run --quiet --pipe --wait /usr/bin/env";
    let variables = of("boots", service);
    assert!(
        variables.iter().any(|it| it == VARIABLES[0]),
        "{variables:#?}"
    );
}

#[track_caller]
fn what_is_not_done_is_said(host: &Host) {
    let json = host.run("ctr gpu check --json").stdout;
    let found: Vec<GpuFinding> = serde_json::from_str(&json).expect("an array");
    let journal = host.ok("journalctl -u ctrd --output cat");
    for what in [
        "the hook `/opt/driver/run-me as-root`",
        "/opt/driver/lib/leads-nowhere leads to nothing",
        "and not with `rw`",
    ] {
        let findings = found.iter().filter(|it| it.what.contains(what));
        let findings = findings.filter(|it| it.severity == GpuSeverity::Hint);
        let mut who: Vec<&str> = findings.map(|it| it.subject.as_str()).collect();
        who.sort_unstable();
        assert_eq!(
            who,
            ["lab/boots", "lab/command", "lab/trusted"],
            "{what}: {found:#?}"
        );
        for guest in who {
            let mut lines = journal.lines().filter(|it| it.contains(guest));
            assert!(lines.any(|it| it.contains(what)), "{what}: {journal}");
        }
    }
}

/// As NixOS's own generator of specifications writes them: the store's files, each onto itself.
const STORES: &str = r"
cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
- name: all
  containerEdits:
    deviceNodes: [{path: /dev/nvidiactl}]
containerEdits:
  env: [OF_THE_DRIVER=yes]
  mounts:
  - {hostPath: /nix/store/eeee-driver/lib, containerPath: /nix/store/eeee-driver/lib}
  - {hostPath: /nix/store/eeee-driver/lib/tool, containerPath: /opt/tool}
";

#[test]
fn a_nixos_guest_is_given_the_stores_files_too() {
    let declaration = nixos::declaration("bbbb", DEVICES);
    let host = laptop(&declaration);
    nixos::fill_store(&host);
    host.ok("mkdir -p /nix/store/eeee-driver/lib && echo 570 >/nix/store/eeee-driver/lib/tool");
    write_spec(&host, "nvidia.yaml", STORES);
    host.ok("ctr lab start nix --timeout 40s");
    running(&host, &["nix"]);
    for path in ["/nix/store/eeee-driver/lib/tool", "/opt/tool"] {
        assert_eq!(
            nixos::inside(&host, &format!("cat {path}")),
            "570\n",
            "{path}"
        );
    }
    assert_eq!(
        nixos::inside(&host, "stat -c %t:%T /dev/nvidiactl"),
        "c3:ff\n"
    );
    let variables = nixos::inside(&host, "systemctl show-environment");
    assert!(variables.contains("OF_THE_DRIVER=yes"), "{variables}");
}
