//! When the host wakes up, guests are given what their graphics processors are by then, also where no event
//! told of a change. When it falls asleep nothing is done.

use crate::gpus::{options, until_it_says, with_major};
use crate::guests::{lab, running, sleeper};

const UVM: &str = "/dev/nvidia-uvm";

#[test]
fn looks_at_gpus_when_the_host_wakes_up() {
    let declaration = lab(&[sleeper(
        "cuda",
        11,
        "gpu = { vendor = \"nvidia\", optional = true }\n",
    )]);
    let host = options("nvidia-laptop", &declaration)
        .file("/srv/caller.py", include_str!("caller.py"))
        .file("/srv/wakes.py", include_str!("wakes.py"))
        .boot()
        .expect("a host");
    let leaders = running(&host, &["cuda"]);
    // Its place is taken, and the bus is not to start it again.
    host.ok("systemctl mask --runtime --now systemd-logind dbus-org.freedesktop.login1.service");

    // Files of this kind tell nobody of a change, as those of /proc do not.
    host.ok("sed -i '/nvidia-uvm$/d' /run/hardware/proc/devices");
    host.ok(&with_major("nvidia-uvm", 509));
    host.ok("python3 /srv/wakes.py sleeps");
    // A look is over when a container has been asked after; this one is not asked to look at its GPUs.
    until_it_says(&host, "cuda", UVM, "ENXIO");
    let number = "ctr lab exec cuda -- /usr/bin/stat -c %t /dev/nvidia-uvm";
    assert_eq!(host.ok(number), "1ff\n");
    host.ok("python3 /srv/wakes.py wakes");
    host.until(&format!("{number} | grep -qx 1fd"), crate::guests::PATIENCE);
    until_it_says(&host, "cuda", UVM, "ENXIO");
    assert_eq!(running(&host, &["cuda"]), leaders);
}
