//! A driver that is loaded again under other numbers, a card that is unplugged and plugged in again, and
//! another choice in the declaration reach a guest that runs.

use ctr_lab::Host;

use crate::gpus::{INTEL, LAPTOP, NVIDIA, error, has_only, machine, until_it_says};
use crate::guests::{booted, lab, running, sleeper};

const CARD: &str = "/run/hardware/sys/bus/pci/devices/0000:00:02.0";
const RENDER: &str = "/dev/dri/renderD128";
const UVM: &str = "/dev/nvidia-uvm";

fn declaration(nvidia: &str) -> String {
    let intel = "gpu = { vendor = \"intel\", optional = true }\n";
    lab(&[
        sleeper("cuda", 11, nvidia),
        booted("boots", 12, nvidia),
        sleeper("video", 13, intel),
        booted("hosts", 14, &format!("{intel}users = \"host\"\n")),
    ])
}

const GUESTS: [&str; 4] = ["cuda", "boots", "video", "hosts"];
const KEY: &str = "gpu = { vendor = \"nvidia\" }\n";

#[test]
fn a_running_guest_follows_its_gpu() {
    let host = machine("nvidia-laptop", &declaration(KEY));
    let leaders = running(&host, &GUESTS);

    // Unloaded and loaded again, a module that has no number of its own may get another.
    host.ok(
        "sed -i 's/^511 nvidia-uvm/510 nvidia-uvm/' /run/hardware/proc/devices
        cd /run/hardware/dev && rm nvidia-uvm nvidia-uvm-tools
        mknod -m 0666 nvidia-uvm c 510 0 && mknod -m 0666 nvidia-uvm-tools c 510 1",
    );
    for guest in ["cuda", "boots"] {
        until_number(&host, guest, UVM, 510);
        until_it_says(&host, guest, UVM, "ENXIO");
        assert_eq!(by_number(&host, guest, 511), "EPERM");
        assert_eq!(by_number(&host, guest, 510), "ENXIO");
        has_only(&host, guest, &NVIDIA, &LAPTOP);
    }

    for _ in 0..2 {
        host.ok(&format!("mv {CARD} /run/ && {}", told("card1 renderD128")));
        for guest in ["video", "hosts"] {
            until_it_says(&host, guest, RENDER, "E\\(PERM\\|NOENT\\)");
            has_none(&host, guest);
        }
        let back = "cd /run/hardware/dev/dri && mknod -m 0660 card1 c 226 1 && \
            mknod -m 0660 renderD128 c 226 128 && chgrp video card1 && chgrp render renderD128";
        host.ok(&format!("mv /run/0000:00:02.0 {CARD} && {back}"));
        for guest in ["video", "hosts"] {
            until_it_says(&host, guest, RENDER, "ENXIO");
            has_only(&host, guest, &INTEL, &LAPTOP);
        }
    }
    assert_eq!(running(&host, &GUESTS), leaders);
    assert_eq!(error(&host, "cuda", "/dev/nvidia0"), "ENXIO");
}

#[test]
fn another_choice_reaches_a_running_guest() {
    let one_of_any = |one: &str| format!("gpu = {{ vendor = \"any\", devices = {one} }}\n");
    let nvidia = one_of_any("[\"0000:01:00.0\"]");
    let host = machine("nvidia-laptop", &declaration(&nvidia));
    let leaders = running(&host, &GUESTS);
    let any = [&NVIDIA[..], &INTEL[..]].concat();
    for (key, given) in [
        (&one_of_any("\"all\""), &any[..]),
        (&one_of_any("[0]"), &INTEL),
        (&nvidia, &NVIDIA),
    ] {
        host.write("/etc/ctr/containers.toml", declaration(key));
        let plan = host.ok("ctr plan || test $? = 2");
        assert!(plan.contains("cuda") && !plan.contains("restart"), "{plan}");
        host.ok("ctr apply");
        for guest in ["cuda", "boots"] {
            for path in LAPTOP {
                let said = error(&host, guest, path);
                let is_given = given.contains(&path);
                assert_eq!(said == "ENXIO", is_given, "{key}: {guest} {path} {said}");
                assert!(
                    is_given || ["EPERM", "ENOENT"].contains(&said.as_str()),
                    "{key}: {guest} {path} {said}"
                );
            }
        }
        assert_eq!(running(&host, &GUESTS), leaders, "{key}");
        let plan = host.ok("ctr plan || test $? = 2");
        assert!(
            !plan.contains("cuda"),
            "there is nothing left to do: {plan}"
        );
    }
}

/// What removes nodes of cards, by which their going is told.
fn told(nodes: &str) -> String {
    format!("cd /run/hardware/dev/dri && rm {nodes}")
}

/// Asserts that a guest may open none of the laptop's nodes; some may still stand in its /dev.
#[track_caller]
fn has_none(host: &Host, guest: &str) {
    for path in LAPTOP {
        let said = error(host, guest, path);
        assert!(
            ["EPERM", "ENOENT"].contains(&said.as_str()),
            "{guest}: {path} {said}"
        );
    }
}

/// Waits until a node in a guest has this major number.
#[track_caller]
fn until_number(host: &Host, guest: &str, path: &str, major: u32) {
    host.until(
        &format!("ctr lab exec {guest} -- /usr/bin/stat -c %t {path} | grep -qx {major:x}"),
        crate::guests::PATIENCE,
    );
}

/// What a guest's root is told about a node with this major number that somebody made for it.
#[track_caller]
fn by_number(host: &Host, guest: &str, major: u32) -> String {
    let path = format!("/dev/by-hand-{major}");
    host.ok(&format!(
        "dev=/proc/$(machinectl show --value --property=Leader lab-{guest})/root/dev
        test -e $dev/null && mknod -m 0666 $dev/by-hand-{major} c {major} 0"
    ));
    error(host, guest, &path)
}
