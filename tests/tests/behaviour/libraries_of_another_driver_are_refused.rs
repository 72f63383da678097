//! A guest has the driver of a NixOS host: its libraries and `nvidia-smi`, read-only. Libraries of another
//! version than the loaded module are given to nobody: who would start waits, who runs goes on.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::gpus::{INTEL, LAPTOP, NVIDIA, has_only, machine};
use crate::guests::{booted, lab, running, sleeper, status, until, until_that};

const GPU: &str = "gpu = { vendor = \"nvidia\" }\n";
const LIBRARY: &str = "/run/opengl-driver/lib/libcuda.so.570.133.07";
const REFUSED: &str = "the NVIDIA driver's libraries in /opt/driver-560.35.03/lib are of version \
    560.35.03, and the loaded module is 570.133.07";

/// A driver as NixOS has one, and the link to it that it makes when it is activated.
#[track_caller]
fn activate(host: &Host, version: &str) {
    host.ok(&format!(
        "driver=/opt/driver-{version}
        mkdir -p $driver/lib /run/hardware/run /run/hardware/run/current-system/sw/bin
        echo {version} > $driver/lib/libcuda.so.{version}
        printf '#!/bin/sh\\necho smi of {version}\\n' > $driver/nvidia-smi
        chmod 755 $driver/nvidia-smi
        ln -sfn $driver/nvidia-smi /run/hardware/run/current-system/sw/bin/nvidia-smi
        ln -sfn $driver /run/hardware/run/opengl-driver"
    ));
}

#[test]
fn libraries_of_another_driver_are_refused() {
    let host = machine(
        "nvidia-laptop",
        &lab(&[
            sleeper("runs", 11, GPU),
            booted("boots", 12, &format!("{GPU}users = \"host\"\n")),
            sleeper("intel", 13, "gpu = { vendor = \"intel\" }\n"),
            sleeper("none", 14, ""),
        ]),
    );
    let all = ["runs", "boots", "intel", "none"];
    running(&host, &all);
    activate(&host, "570.133.07");
    host.ok("ctr lab restart runs boots");
    let leaders = running(&host, &all);
    for guest in ["runs", "boots"] {
        let inside = |command: &str| format!("ctr lab exec {guest} -- {command}");
        let read = host.ok(&inside(&format!("/usr/bin/cat {LIBRARY}")));
        assert_eq!(read, "570.133.07\n");
        let said = host.ok(&inside("/usr/bin/nvidia-smi"));
        assert_eq!(said, "smi of 570.133.07\n");
        for path in [LIBRARY, "/usr/bin/nvidia-smi"] {
            host.fails(&inside(&format!("/usr/bin/truncate -s 0 {path}")));
            let options = inside(&format!(
                "/usr/bin/findmnt --noheadings --output OPTIONS --target {path}"
            ));
            let options = host.ok(&options);
            assert!(options.starts_with("ro,nosuid,nodev"), "{path}: {options}");
        }
    }
    // Only with the card that it is for.
    for guest in ["intel", "none"] {
        host.ok(&format!(
            "ctr lab exec {guest} -- /usr/bin/test ! -e {LIBRARY}"
        ));
    }

    activate(&host, "560.35.03");
    for guest in ["runs", "boots"] {
        let goes_on = until_that(&host, guest, |it| it.reason.is_some());
        assert_eq!(goes_on.state, State::Running);
        let reason = goes_on.reason.unwrap_or_default();
        assert_eq!(
            reason,
            format!("it would not start again: gpu: {REFUSED}"),
            "{guest}"
        );
        has_only(&host, guest, &NVIDIA, &LAPTOP);
    }
    assert_eq!(running(&host, &all), leaders);
    has_only(&host, "intel", &INTEL, &LAPTOP);
    // Whoever asks for a restart keeps what runs, or hears why it does not come back.
    let asked = host.run("ctr lab stop runs && ctr lab start runs --timeout 3s");
    assert_eq!(asked.status, 1, "{asked:#?}");
    assert!(
        format!("{}{}", asked.stdout, asked.stderr).contains(REFUSED),
        "{asked:#?}"
    );
    let waits = until(&host, "runs", State::Waiting);
    assert_eq!(waits.reason, Some(format!("gpu: {REFUSED}")));
    assert!(waits.hint.is_some_and(|hint| hint.contains("reboot")));
    host.ok("ctr lab restart intel none");
    running(&host, &["boots", "intel", "none"]);

    activate(&host, "570.133.07");
    running(&host, &all);
    assert_eq!(status(&host, "boots").leader, leaders.get(1).copied());
    until_that(&host, "boots", |it| it.reason.is_none());
}
