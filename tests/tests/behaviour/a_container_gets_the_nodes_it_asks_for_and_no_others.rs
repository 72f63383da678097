//! A container has the nodes of the graphics processors that it asks for, and may open them. It has no other
//! node of the machine, and could not open one if it had it.

use ctr_lab::Host;

use crate::gpus::{INTEL, LAPTOP, NVIDIA, has_only, machine, opens};
use crate::guests::{booted, lab, running, sleeper};

/// All nodes of the server with two cards.
const SERVER: [&str; 20] = [
    "/dev/dri/card0",
    "/dev/dri/renderD128",
    "/dev/nvidia-caps/nvidia-cap1",
    "/dev/nvidia-caps/nvidia-cap2",
    "/dev/nvidia-caps/nvidia-cap12",
    "/dev/nvidia-caps/nvidia-cap13",
    "/dev/nvidia-caps/nvidia-cap21",
    "/dev/nvidia-caps/nvidia-cap22",
    "/dev/nvidia-caps-imex-channels/channel0",
    "/dev/nvidia-fabricmanager",
    "/dev/nvidia-modeset",
    "/dev/nvidia-nvlink",
    "/dev/nvidia-nvswitch0",
    "/dev/nvidia-nvswitchctl",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
    "/dev/nvidia0",
    "/dev/nvidia1",
    "/dev/nvidia2",
    "/dev/nvidiactl",
];
const BOTH_CARDS: [&str; 4] = [
    "/dev/nvidia-caps/nvidia-cap2",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
    "/dev/nvidiactl",
];
const FIRST_CARD: [&str; 5] = [
    "/dev/nvidia0",
    "/dev/nvidia-caps/nvidia-cap12",
    "/dev/nvidia-caps/nvidia-cap13",
    "/dev/nvidia-caps/nvidia-cap21",
    "/dev/nvidia-caps/nvidia-cap22",
];
const SECOND_CARD: [&str; 1] = ["/dev/nvidia1"];

const NVIDIA_KEY: &str = "gpu = { vendor = \"nvidia\" }\n";
const INTEL_KEY: &str = "gpu = { vendor = \"intel\" }\n";

#[test]
fn a_container_gets_the_nodes_it_asks_for_and_no_others() {
    let hosts_users = |keys: &str| format!("{keys}users = \"host\"\n");
    let host = machine(
        "nvidia-laptop",
        &lab(&[
            sleeper("nvidia", 11, NVIDIA_KEY),
            sleeper("intel", 12, &hosts_users(INTEL_KEY)),
            booted("boots", 13, INTEL_KEY),
            booted("hosts", 14, &hosts_users(NVIDIA_KEY)),
            sleeper("any", 15, "gpu = { vendor = \"any\" }\n"),
            sleeper("none", 16, ""),
        ]),
    );
    running(&host, &["nvidia", "intel", "boots", "hosts", "any", "none"]);
    let any = [&NVIDIA[..], &INTEL[..]].concat();
    for (guest, given) in [
        ("nvidia", &NVIDIA[..]),
        ("intel", &INTEL[..]),
        ("boots", &INTEL[..]),
        ("hosts", &NVIDIA[..]),
        ("any", &any[..]),
        ("none", &[]),
    ] {
        has_only(&host, guest, given, &LAPTOP);
    }
    // NVIDIA's programs look at the modules.
    host.ok("ctr lab exec nvidia -- /usr/bin/test -d /sys/module");
    host.ok(
        "ctr lab exec nvidia -- /usr/bin/grep -q ' /sys sysfs ro,' /proc/self/mounts || \
        ctr lab exec nvidia -- /usr/bin/grep -q ' /sys/module .*ro,' /proc/self/mounts",
    );

    for guest in ["none", "intel", "boots"] {
        assert_eq!(by_hand(&host, guest, 195, 0), "EPERM", "{guest}");
        assert_eq!(by_hand(&host, guest, 511, 0), "EPERM", "{guest}");
    }
    for guest in ["nvidia", "hosts", "none"] {
        assert_eq!(by_hand(&host, guest, 226, 128), "EPERM", "{guest}");
        // The card node of a screen, and the right to divide cards.
        assert_eq!(by_hand(&host, guest, 226, 0), "EPERM", "{guest}");
        assert_eq!(by_hand(&host, guest, 235, 1), "EPERM", "{guest}");
    }
    // The control: the same by whom it was given to.
    assert_eq!(by_hand(&host, "nvidia", 195, 0), "ENXIO");
    assert_eq!(by_hand(&host, "hosts", 511, 0), "ENXIO");
    assert_eq!(by_hand(&host, "intel", 226, 128), "ENXIO");
    assert_eq!(by_hand(&host, "boots", 226, 1), "ENXIO");
}

#[test]
fn cards_are_named_by_index_identifier_and_address() {
    let devices =
        |devices: &str| format!("gpu = {{ vendor = \"nvidia\", devices = [{devices}] }}\n");
    let declaration = lab(&[
        sleeper("index", 11, &devices("1")),
        sleeper(
            "uuid",
            12,
            &devices("\"GPU-0b6a11f7-8f13-5c2d-9d0e-3a5f6c7d8e90\""),
        ),
        sleeper("address", 13, &devices("\"0000:c1:00.0\"")),
        sleeper("both", 14, &devices("\"0000:41:00.0\", 1")),
    ]);
    let host = machine("two-nvidia", &declaration);
    running(&host, &["index", "uuid", "address", "both"]);
    let first = [&BOTH_CARDS[..], &FIRST_CARD[..]].concat();
    let second = [&BOTH_CARDS[..], &SECOND_CARD[..]].concat();
    has_only(&host, "index", &second, &SERVER);
    has_only(&host, "uuid", &first, &SERVER);
    has_only(&host, "address", &second, &SERVER);
    has_only(
        &host,
        "both",
        &[&first[..], &SECOND_CARD[..]].concat(),
        &SERVER,
    );
    assert_eq!(by_hand(&host, "index", 195, 0), "EPERM");
    assert_eq!(by_hand(&host, "index", 236, 12), "EPERM");
    assert_eq!(by_hand(&host, "uuid", 195, 1), "EPERM");
    assert_eq!(by_hand(&host, "both", 195, 1), "ENXIO");
}

/// What a guest's root is told about a node that somebody made for it.
#[track_caller]
fn by_hand(host: &Host, guest: &str, major: u32, minor: u32) -> String {
    let path = format!("/dev/by-hand-{major}-{minor}");
    host.ok(&format!(
        "dev=/proc/$(machinectl show --value --property=Leader lab-{guest})/root/dev
        test -e $dev/null && mknod -m 0666 $dev/$(basename {path}) c {major} {minor}
        chown --reference=$dev/null $dev/$(basename {path})"
    ));
    let said = opens(host, guest, "root", &[&path]);
    let word = said.first().and_then(|line| line.split(' ').nth(1));
    word.unwrap_or_default().to_owned()
}
