//! A container is declared differently.

use crate::guests::{EVERYTHING, bystander, declaration, group, nixos, sleeper};
use crate::scenario::Scenario;
use crate::starts_and_stops::by_hand;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let lab =
        |keys: &str| declaration(&[group("lab", 3, &[bystander(), sleeper("web", 11, keys)])]);
    let own = "autostart = true";
    // To make a file with capabilities.
    let able = "autostart = true\ncapabilities = [\"CAP_SETFCAP\"]";
    let other = "autostart = true\nenvironment = { A = \"b\" }";
    let live = "autostart = true
ports = [{ port = 8080, publish = { host-port = 18080 } }]
limits = { tasks-max = 200 }
files.\"/etc/motd\" = { text = \"hello\\n\" }";
    let live_then = "autostart = true
ports = [{ port = 8081, publish = { host-port = 18081 } }]
limits = { tasks-max = 300 }
aliases = [\"www\"]
files.\"/etc/motd\" = { text = \"bye\\n\" }";
    let host_users = "autostart = true\ncapabilities = [\"CAP_SETFCAP\"]\nusers = \"host\"";
    let secret = "autostart = true\ncredentials = { token = { generate = true }, password = \"/etc/crash-secret\" }";
    let ephemeral = "autostart = true\nephemeral = true";
    let start = "ctr lab start web";
    let nix =
        |system: &str| declaration(&[group("lab", 3, &[bystander(), nixos("web", 11, system)])]);
    let switched = "ctr apply && ctr lab wait web && sed -i s/bbbb/cccc/ /etc/ctr/containers.toml && ctr apply";
    vec![
        Scenario::declared("change that restarts", &lab(own), &lab(other)),
        Scenario {
            reset: format!("ctr apply && {start}"),
            ..Scenario::declared(
                "change that restarts one started by hand",
                &lab(""),
                &lab(&by_hand(other)),
            )
        },
        Scenario::declared(
            "change that restarts, with everything",
            &lab(EVERYTHING),
            &lab(&format!("{EVERYTHING}\nenvironment = {{ A = \"b\" }}")),
        ),
        Scenario::declared("change while it runs", &lab(live), &lab(live_then)),
        with_set_id(Scenario::declared(
            "to the host's users",
            &lab(able),
            &lab(host_users),
        )),
        with_set_id(Scenario::declared(
            "to users of its own",
            &lab(host_users),
            &lab(able),
        )),
        Scenario::declared("credentials given", &lab(own), &lab(secret)),
        Scenario::declared("credentials withdrawn", &lab(secret), &lab(own)),
        Scenario::declared("no more ephemeral", &lab(ephemeral), &lab(own)),
        with_store(Scenario::declared(
            "switch to another NixOS system",
            &nix("bbbb"),
            &nix("cccc"),
        ))
        .shallow("/var/lib/ctr/lab-web/root"),
        with_store(Scenario {
            reset: switched.to_owned(),
            ..Scenario::declared(
                "NixOS guest that has switched undeclared",
                &nix("bbbb"),
                &declaration(&[group("lab", 3, &[bystander()])]),
            )
        })
        .shallow("/var/lib/ctr/lab-web/root"),
    ]
}

/// Its host has a stand-in for the store of NixOS.
fn with_store(scenario: Scenario) -> Scenario {
    let store = include_str!("../nixos-store.sh");
    Scenario {
        reset: format!("[ -e /nix/store ] || (\n{store}\n)\n{}", scenario.reset),
        ..scenario
    }
}

/// Its guest has files that lose something when they change their owner: a mode, capabilities, the names in
/// an access list.
fn with_set_id(scenario: Scenario) -> Scenario {
    Scenario {
        reset: format!(
            "{} && ctr lab wait web && ctr lab exec web -- python3 - <<'END'\n{FILES}END",
            scenario.reset
        ),
        ..scenario
    }
}

/// The attributes are as in `linux/posix_acl_xattr.h` and `linux/capability.h`: `user:daemon:r--`, and
/// `cap_net_raw`, permitted.
const FILES: &str = r#"import os, shutil, struct
if not os.path.exists("/opt/tool"):
    for name in ("tool", "list", "able"):
        shutil.copyfile("/usr/bin/true", f"/opt/{name}")
    os.chmod("/opt/tool", 0o4755)
    entries = [(1, 6, -1), (2, 4, 1), (4, 4, -1), (16, 4, -1), (32, 4, -1)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *it) for it in entries)
    os.setxattr("/opt/list", "system.posix_acl_access", acl)
    os.setxattr("/opt/able", "security.capability", struct.pack("<IIIII", 0x02000001, 0x2000, 0, 0, 0))
"#;
