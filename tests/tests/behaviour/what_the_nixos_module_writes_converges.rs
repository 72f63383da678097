//! What the NixOS module writes for the configuration that the old modules had converges on a host: each
//! container of it gets its address, its binds with their owners, its secrets and its graphics processor, and
//! is healthy. An edit of one restarts that one.
//!
//! The module is evaluated by Nix. The guests' systems are [stand-ins](crate::nixos): what is proved is the
//! declaration, not the services that NixOS builds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use ctr_api::wire::{ContainerStatus, State};
use ctr_lab::{Host, Options, Output, recorded_machine};
use serde_json::Value;

use crate::guests::{PATIENCE, host_status};
use crate::nixos::fill_store;

const SYSTEMS: &str = include_str!("../nixos-services.sh");
/// The lab's own root cannot shift owners. What is mounted belongs to nobody of the host, as what ctrd makes does.
const DISKS: &str = "
mount -t tmpfs home /home && mount -t tmpfs srv /srv && useradd --create-home kernelcore
for data in ollama/models dev-chat-ui postgres-dev; do
    mkdir -p /var/lib/$data && mount -t tmpfs -o uid=2147352576,gid=2147352576 data /var/lib/$data
done
";
const FILE: &str = "/etc/ctr/containers.toml";

/// The systems are swapped for stand-ins, whose init finds its libraries by a variable.
const OVERRIDE: &str = r#"
{ lib, ... }:
let
  names = {
    ml = [ "ollama" "jupyter" "comfyui" "vllm" "localai" ];
    dev = [ "dev-ml" "chat-ui" "code-server" "proxy" "postgres" ];
  };
  libraries = { environment.LD_LIBRARY_PATH = "/nix/store/aaaa-debian/usr/lib/x86_64-linux-gnu"; };
in
{
  imports = [ CASE EDIT ];
  kernelcore.containers = lib.mapAttrs (_: names: lib.genAttrs names (_: libraries)) names // {
    evalContainer = lib.mkForce ({ name, ... }: "/nix/store/eeee-nixos-system-${name}");
  };
}
"#;

/// A module in which a person has changed one line.
const EDIT: &str = r#"({ lib, ... }: {
  kernelcore.containers.ml.jupyter.notebooksPath = lib.mkForce "/srv/notebooks";
})"#;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What the module makes of the old configuration and another module: the declaration, and its text.
#[track_caller]
fn evaluated(edit: &str) -> (Value, String) {
    let tests = repository().join("tests/nix");
    let case = tests.join("cases/the_configuration_of_the_old_modules/configuration.nix");
    let case = case.canonicalize().expect("the case");
    let directory = tempfile::tempdir().expect("a directory");
    let configuration = directory.path().join("configuration.nix");
    let text = OVERRIDE.replace("CASE", &case.display().to_string());
    fs::write(&configuration, text.replace("EDIT", edit)).expect("a file");
    let output = Command::new("bash")
        .arg(tests.join("evaluate.sh"))
        .args([configuration.as_os_str(), "result".as_ref()])
        .output()
        .expect("bash");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let result: Value = serde_json::from_slice(&output.stdout).expect("a document");
    let text = result["text"].as_str();
    let text = text.unwrap_or_else(|| panic!("{result:#}")).to_owned();
    (result["declaration"].clone(), text)
}

/// A line for each container: its machine, and the ports that it serves.
fn machines(declaration: &Value) -> String {
    let groups = declaration["groups"].as_object().expect("groups");
    let containers = groups.values().flat_map(|group| {
        group["containers"]
            .as_object()
            .expect("containers")
            .values()
    });
    let line = |container: &Value| {
        let root = container["root"]["nixos"].as_str().expect("a system");
        let (_, machine) = root.split_once("nixos-system-").expect("a name");
        let ports = container["ports"].as_array().expect("ports").iter();
        let ports: Vec<_> = ports.map(|port| port["port"].to_string()).collect();
        format!("{machine} {}\n", ports.join(" "))
    };
    containers.map(line).collect()
}

/// Every container, once all of them have come to rest.
#[track_caller]
fn settled(host: &Host) -> Vec<ContainerStatus> {
    let deadline = Instant::now() + 3 * PATIENCE;
    loop {
        let groups = host_status(host).groups;
        let all: Vec<_> = groups.into_iter().flat_map(|it| it.containers).collect();
        let rests = |it: &&ContainerStatus| matches!(it.state, State::Healthy | State::Stopped);
        if all.iter().filter(rests).count() == 10 {
            return all;
        }
        assert!(Instant::now() < deadline, "still {all:#?}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// The first process of each container that runs.
fn leaders(all: &[ContainerStatus]) -> BTreeMap<String, u32> {
    let leader = |it: &ContainerStatus| Some((it.machine.clone(), it.leader?));
    all.iter().filter_map(leader).collect()
}

#[test]
fn what_the_nixos_module_writes_converges() {
    let (declaration, text) = evaluated("");
    let host = Options::new()
        .with_ctr("schema = 1\n")
        .hardware(recorded_machine("nvidia-laptop").expect("a recorded machine"))
        .boot()
        .expect("a host");
    host.ok(DISKS);
    fill_store(&host);
    let made = host.bash(SYSTEMS).stdin(machines(&declaration)).output();
    assert!(made.as_ref().is_ok_and(Output::success), "{made:#?}");
    host.write(FILE, text);
    host.ok("systemctl reload ctrd");

    // Each is where the old modules had it; the three that would fight for one card wait to be asked.
    let all = settled(&host);
    let mut shown: Vec<String> = all
        .iter()
        .map(|it| format!("{} {} {:?}", it.machine, it.address, it.state))
        .collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            "dev-chat-ui 192.168.210.12 Healthy",
            "dev-code-server 192.168.210.13 Healthy",
            "dev-ml 192.168.210.11 Healthy",
            "dev-postgres 192.168.210.15 Healthy",
            "dev-proxy 192.168.210.14 Healthy",
            "ml-comfyui 192.168.200.13 Stopped",
            "ml-jupyter 192.168.200.12 Healthy",
            "ml-localai 192.168.200.15 Stopped",
            "ml-ollama 192.168.200.11 Healthy",
            "ml-vllm 192.168.200.14 Stopped",
        ]
    );
    host.ok("ctr plan --exit-code");
    let waits = host.fails("ctr ml start vllm");
    assert!(waits.stderr.contains("no model"), "{waits:#?}");
    host.ok("ctr ml stop vllm");

    // A person's files stay that person's, and the card is there.
    host.ok("ctr dev exec code-server -- /bin/sh -c \
        'setpriv --reuid 2007 --regid 2007 --clear-groups touch /home/kernelcore/dev/written'");
    let owner = host.ok("stat --format %U /home/kernelcore/dev/written");
    assert_eq!(owner, "kernelcore\n");
    host.ok("ctr ml exec ollama -- test -c /dev/nvidia0");
    host.fails("ctr dev exec postgres -- test -e /dev/nvidia0");
    let url = host.ok("ctr ml url jupyter");
    assert!(
        url.starts_with("http://192.168.200.12:8888/?token="),
        "{url}"
    );

    // An edit of one restarts that one.
    let before = leaders(&all);
    let (_, text) = evaluated(EDIT);
    host.write(FILE, text);
    let plan = host.ok("ctr plan");
    assert!(plan.contains("ml/jupyter  restart  "), "{plan}");
    host.ok("systemctl reload ctrd");
    let after = leaders(&settled(&host));
    let changed = |it: &(&String, &u32)| after.get(it.0) != Some(it.1);
    let changed: Vec<_> = before
        .iter()
        .filter(changed)
        .map(|it| it.0.as_str())
        .collect();
    assert_eq!(changed, ["ml-jupyter"]);
}
