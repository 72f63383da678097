//! A process in a guest, under the guest's own users, opens a render node of a real driver and gets an
//! answer from it; where the guest has the node's group, whoever is not in it does not. Another guest has
//! no such node.

use ctr_lab::{Options, Vm};

use crate::guests::{lab, sleeper, started};

/// Asks for the driver's name (`DRM_IOCTL_VERSION`, include/uapi/drm/drm.h), on each node that it is
/// given.
const ASK: &str = "\
import array, fcntl, os, struct, sys
VERSION = 0xC0406400  # _IOWR('d', 0, struct drm_version)
LAYOUT = '=iii4xQQQQQQ'
for path in sys.argv[1:]:
    name = array.array('B', bytes(64))
    address, length = name.buffer_info()
    node = os.open(path, os.O_RDWR)
    answer = fcntl.ioctl(node, VERSION, struct.pack(LAYOUT, 0, 0, 0, length, address, 0, 0, 0, 0))
    length = struct.unpack(LAYOUT, answer)[3]
    print(path, name.tobytes()[:length].decode())
";

/// Every render node that the guest has, asked in turn.
const ALL: &str = "python3 -c \"$ASK\" /dev/dri/renderD*";

/// Runs this in a guest, with the program as `$ASK`.
fn in_guest(name: &str, command: &str) -> String {
    format!(
        "ctr lab exec {name} -- /usr/bin/env ASK=\"$(cat /root/ask.py)\" /bin/bash -c {}",
        quoted(command)
    )
}

/// One word of bash.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[test]
#[ignore = "boots a virtual machine: cargo test -p ctr-lab --test vm -- --ignored"]
fn a_guest_uses_a_real_render_node() {
    let containers = [
        sleeper("user", 11, "gpu = { vendor = \"any\" }"),
        sleeper("other", 12, ""),
    ];
    let vm = Options::new()
        .with_ctr(&lab(&containers))
        .with_gpu()
        .file("/etc/modules-load.d/vgem.conf", "vgem\n")
        .boot_vm()
        .expect("a host with two graphics processors boots");
    started(&vm, &["user", "other"]);
    vm.write("/root/ask.py", ASK);
    let hosts = vm.ok("ASK=\"$(cat /root/ask.py)\"; python3 -c \"$ASK\" /dev/dri/renderD*");
    for driver in ["virtio_gpu", "vgem"] {
        assert!(hosts.contains(driver), "{hosts}");
    }

    // Its root is nobody on the host.
    let ids = vm.ok(&in_guest("user", "cat /proc/self/uid_map"));
    assert_ne!(ids.split_whitespace().nth(1), Some("0"), "{ids}");
    assert_eq!(vm.ok(&in_guest("user", ALL)), hosts);
    group_decides(&vm, &hosts);

    vm.fails(&in_guest("other", "ls /dev/dri"));
}

/// A guest without the node's group lets everybody use it. Where it has the group, that decides, as on
/// the host.
fn group_decides(vm: &Vm, hosts: &str) {
    const GROUP: &str = "stat --format='%a %g' /dev/dri/renderD* | sort -u";
    let as_nobody = |groups: &str| {
        let command = format!("setpriv --reuid=65534 --regid=65534 {groups} {ALL}");
        in_guest("user", &command)
    };
    assert_eq!(vm.ok(&in_guest("user", GROUP)), "666 0\n");
    assert_eq!(vm.ok(&as_nobody("--clear-groups")), hosts);

    vm.ok(&in_guest("user", "echo render:x:777: >>/etc/group"));
    vm.ok("ctr lab restart user");
    started(vm, &["user"]);
    assert_eq!(vm.ok(&in_guest("user", GROUP)), "660 777\n");
    let refused = vm.fails(&as_nobody("--clear-groups"));
    let told = format!("{}{}", refused.stdout, refused.stderr);
    assert!(told.contains("PermissionError"), "{told}");
    assert_eq!(vm.ok(&as_nobody("--groups=777")), hosts);
}
