//! A container whose graphics processor is not there waits for it and starts by itself when it comes. One that
//! does without is given it while it runs. systemd is asked for the module that is missing, unless the
//! declaration says not to.

use ctr_api::wire::State;
use ctr_lab::{Entry, Host};

use crate::gpus::{LAPTOP, NVIDIA};
use crate::gpus::{error, has_only, options, until_it_says, with_major};
use crate::guests::{PATIENCE, booted, lab, running, sleeper, status, until, until_that};

const MODULE: &str = "/etc/systemd/system/modprobe@nvidia_uvm.service";
/// What a host's own unit does, but for the loading.
const ASKED: &str = "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\n\
    ExecStart=/bin/sh -c 'echo asked >> /run/asked'\n";
const UVM: &str = "/dev/nvidia-uvm";

fn containers() -> String {
    lab(&[
        sleeper("needs", 11, "gpu = { vendor = \"nvidia\" }\n"),
        booted(
            "likes",
            12,
            "gpu = { vendor = \"nvidia\", optional = true }\n",
        ),
        sleeper("other", 13, ""),
    ])
}

/// What the kernel has drivers for on the laptop before anybody used CUDA on it.
const DEVICES: &str = "Character devices:\n  1 mem\n195 nvidia\n195 nvidiactl\n195 nvidia-modeset\n\
    226 drm\n235 nvidia-caps\n\nBlock devices:\n  7 loop\n";

fn host(declaration: &str) -> Host {
    let mut machine = ctr_lab::recorded_machine("nvidia-laptop").expect("a recorded machine");
    machine.set("proc/devices", Entry::File(DEVICES.to_owned()));
    for path in [
        "dev/nvidia-uvm",
        "dev/nvidia-uvm-tools",
        "sys/module/nvidia_uvm",
    ] {
        machine.remove(path);
    }
    options("nvidia-laptop", declaration)
        .hardware(machine)
        .file(MODULE, ASKED)
        .boot()
        .expect("a host")
}

/// The driver is loaded: its number first, then what its program makes in /dev.
fn comes(host: &Host) {
    host.ok(&format!(
        "{}mknod -m 0666 /run/hardware/dev/nvidia-uvm c 511 0
        mknod -m 0666 /run/hardware/dev/nvidia-uvm-tools c 511 1",
        with_major("nvidia-uvm", 511)
    ));
}

#[test]
fn waits_for_a_gpu_that_is_late() {
    let host = host(&containers());
    let leaders = running(&host, &["likes", "other"]);
    let waits = until(&host, "needs", State::Waiting);
    assert_eq!(waits.reason.as_deref(), Some("gpu (nvidia-uvm)"));
    assert!(waits.hint.is_some(), "{waits:#?}");
    let asked = host.run("ctr lab start needs --timeout 3s");
    assert_eq!(asked.status, 1, "{asked:#?}");
    let said = format!("{}{}", asked.stdout, asked.stderr);
    assert!(said.contains("gpu (nvidia-uvm)"), "{said}");
    assert!(said.contains("ctr gpu check"), "{said}");

    // What is there is given at once.
    let without = status(&host, "likes");
    assert_eq!(without.reason.as_deref(), Some("without gpu (nvidia-uvm)"));
    let there: Vec<&str> = NVIDIA
        .into_iter()
        .filter(|path| !path.starts_with(UVM))
        .collect();
    has_only(&host, "likes", &there, &LAPTOP);
    assert_eq!(host.ok("cat /run/asked"), "asked\n");

    comes(&host);
    running(&host, &["needs"]);
    has_only(&host, "needs", &NVIDIA, &LAPTOP);
    until_it_says(&host, "likes", UVM, "ENXIO");
    has_only(&host, "likes", &NVIDIA, &LAPTOP);
    let has_it = until_that(&host, "likes", |it| it.reason.is_none());
    assert_eq!(has_it.state, State::Running);
    assert_eq!(running(&host, &["likes", "other"]), leaders);
    assert_eq!(host.ok("cat /run/asked"), "asked\n");
}

#[test]
fn systemd_is_not_asked_for_the_module_where_that_is_declared() {
    let no = containers().replacen("schema = 1\n", "schema = 1\nload-gpu-modules = false\n", 1);
    let host = host(&no);
    until(&host, "needs", State::Waiting);
    running(&host, &["likes", "other"]);
    host.fails("test -e /run/asked");
    // The control: the same host, where it is to be asked.
    host.ok("sed -i /load-gpu-modules/d /etc/ctr/containers.toml && ctr apply");
    host.until("grep -q asked /run/asked", PATIENCE);
    assert_eq!(error(&host, "likes", UVM), "ENOENT");
}
