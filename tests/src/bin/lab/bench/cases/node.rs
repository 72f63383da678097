//! A node that appears on the host, until a guest can open it.

use crate::bench::OURS;
use crate::bench::plan::{Contender, Step};
use crate::bench::scene::{Scene, Work};

const DECLARATION: &str = r#"schema = 1

[groups.lab]
subnet = "10.77.3.0/24"
host-address = "10.77.3.10"

[groups.lab.containers.runs]
address = "10.77.3.11"
autostart = true
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/sleep", "infinity"]
gpu = { vendor = "nvidia", optional = true }

[groups.lab.containers.starts]
address = "10.77.3.12"
autostart = true
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/python3", "-u", "-c", """
import errno, os, time
try:
    os.open("/dev/nvidia-uvm", os.O_RDWR)
except OSError as error:
    assert error.errno == errno.ENXIO
print(time.monotonic_ns(), file=open("/run/opened", "w"))
time.sleep(1e9)
"""]
gpu = { vendor = "nvidia" }
"#;

const WORKS: [&str; 2] = [
    "a node that appears, until a guest that runs can open it",
    "a node that appears, until a guest that waited has started and opened it",
];

/// On a host with a recorded machine, whose driver is loaded late.
pub(crate) fn scene() -> Scene {
    let step = Step::Figures {
        works: WORKS.map(str::to_owned).into(),
        text: format!("python3 - <<'END'\n{}END", include_str!("node.py")),
    };
    Scene {
        declaration: DECLARATION.to_owned(),
        works: WORKS.map(Work::seconds).into(),
        hardware: Some("nvidia-laptop"),
        contenders: vec![Contender {
            who: OURS,
            steps: vec![step],
            ..Contender::default()
        }],
        ..Scene::default()
    }
}
