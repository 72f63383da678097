//! How long it takes to look at the graphics processors of a host.
//!
//! ```text
//! cargo bench -q -p ctrd --bench gpus          # eight, among three hundred functions on buses
//! cargo bench -q -p ctrd --bench gpus -- 1
//! ```
//!
//! The machine is unpacked on /dev/shm; sysfs makes its texts when they are read, which takes a little
//! longer than to read them there. It asserts nothing.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use ctr_hardware::Machine;
use ctrd::gpu::observe;
use ctrd::os::Paths;

const LOOKS: usize = 200;
/// Bridges, network cards, disks and the parts of processors, as a server with eight cards has them.
const OTHERS: usize = 300;

fn main() {
    // cargo adds `--bench`.
    let number = std::env::args().skip(1).find_map(|it| it.parse().ok());
    let gpus: usize = number.unwrap_or(8);
    let directory = tempfile::tempdir_in("/dev/shm").expect("a directory on a tmpfs");
    let machine: Machine = server(gpus).parse().expect("a machine");
    machine
        .unpack(directory.path(), &|_| 44)
        .expect("unpacked, as root");
    let paths = Paths::default().with_hardware_below(directory.path());
    let mut times: Vec<Duration> = (0..LOOKS)
        .map(|_| {
            let begun = Instant::now();
            let found = observe(&paths).expect("it can be read");
            assert_eq!(found.gpus.len(), gpus);
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{gpus} GPUs: median {:.2} ms, least {:.2} ms, most {:.2} ms",
        milliseconds(times[LOOKS / 2]),
        milliseconds(times[0]),
        milliseconds(times[LOOKS - 1])
    );
}

/// A server with so many of NVIDIA's cards, each with a render node.
fn server(gpus: usize) -> String {
    let mut text = "file proc/devices\n| Character devices:\n| 195 nvidia\n| 226 drm\n\
        | 235 nvidia-caps\n| 511 nvidia-uvm\nfile proc/driver/nvidia/version\n\
        | NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.133.07  Fri\n\
        file sys/module/nvidia/version = 570.133.07\ndir sys/module/nvidia_modeset\n\
        file proc/driver/nvidia/capabilities/mig/monitor\n| DeviceFileMinor: 2\n| DeviceFileMode: 292\n\
        char dev/nvidiactl 195:255 0666 root\nchar dev/nvidia-uvm 511:0 0666 root\n\
        char dev/nvidia-uvm-tools 511:1 0666 root\nchar dev/nvidia-modeset 195:254 0666 root\n\
        char dev/nvidia-caps/nvidia-cap2 235:2 0444 root\n"
        .to_owned();
    let mut function = |address: &str, class: &str| {
        let _ = write!(
            text,
            "link sys/bus/pci/devices/{address} -> ../../../devices/pci0000:00/{address}\n\
             file sys/devices/pci0000:00/{address}/class = {class}\n\
             file sys/devices/pci0000:00/{address}/vendor = 0x10de\n\
             file sys/devices/pci0000:00/{address}/device = 0x2330\n"
        );
    };
    for number in 0..OTHERS {
        let (bus, device) = (number / 32, number % 32);
        function(&format!("0000:{bus:02x}:{device:02x}.0"), "0x088000");
    }
    let cards = (0..gpus).map(|number| (number, format!("0001:{number:02x}:00.0")));
    for (_, address) in cards.clone() {
        function(&address, "0x030200");
    }
    for (number, address) in cards {
        let render = 128 + number;
        let device = format!("sys/devices/pci0000:00/{address}");
        let _ = write!(
            text,
            "link {device}/driver -> ../../../bus/pci/drivers/nvidia\n\
             link sys/class/drm/renderD{render} -> ../../devices/pci0000:00/{address}/drm/renderD{render}\n\
             file {device}/drm/renderD{render}/dev = 226:{render}\n\
             link sys/class/drm/card{number} -> ../../devices/pci0000:00/{address}/drm/card{number}\n\
             file {device}/drm/card{number}/dev = 226:{number}\n\
             char dev/dri/renderD{render} 226:{render} 0660 render\n\
             char dev/dri/card{number} 226:{number} 0660 video\n\
             char dev/nvidia{number} 195:{number} 0666 root\n\
             file proc/driver/nvidia/gpus/{address}/information\n\
             | Model: \t\t NVIDIA H100 80GB HBM3\n| GPU UUID: \t GPU-{number:08}-0000-0000-0000-000000000000\n\
             | Device Minor: \t {number}\n| GPU Excluded:\t No\n"
        );
    }
    text
}
