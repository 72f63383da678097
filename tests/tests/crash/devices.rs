//! Graphics processors: a guest is started with one, and one comes, goes and comes again while it runs.

use crate::guests::{bystander, declaration, group, sleeper};
use crate::scenario::Scenario;

/// A specification of the driver's files, of which a guest with its nodes is given two.
pub(crate) const SPECIFICATION: &str = "cdiVersion: 0.5.0
kind: nvidia.com/gpu
containerEdits:
  mounts:
  - hostPath: /usr/lib/os-release
    containerPath: /usr/share/driver/release
  - hostPath: /usr/share/common-licenses
    containerPath: /usr/share/driver/licenses
devices:
- name: all
  containerEdits:
    env: [DRIVER=there]
";

/// Says that something about the driver may have changed.
const TELL: &str = "touch /run/hardware/dev/nvidiactl";
/// The card is on the bus, or not.
const CARD: &str = "/run/hardware/sys/bus/pci/devices/0000:01:00.0";
const AWAY: &str = "/run/hardware/card";

pub(crate) fn scenarios() -> Vec<Scenario> {
    let lab =
        |keys: &str| declaration(&[group("lab", 3, &[bystander(), sleeper("web", 11, keys)])]);
    let with = lab("gpu = { vendor = \"nvidia\" }");
    let optional = lab("autostart = true\ngpu = { vendor = \"nvidia\", optional = true }");
    let number = |number: u32| {
        format!(
            "sed -i 's/^51[01] nvidia-uvm/{number} nvidia-uvm/' /run/hardware/proc/devices; {TELL}"
        )
    };
    let plugged = format!("if [ -L {AWAY} ]; then mv {AWAY} {CARD}; fi; {TELL}");
    let unplugged = format!("if [ -L {CARD} ]; then mv {CARD} {AWAY}; fi; {TELL}");
    let has = |number: &str| {
        until(&format!(
            "[ \"$(stat -c %t:%T /proc/$(machinectl show -p Leader --value lab-web)/root/dev/nvidia-uvm)\" = {number} ]"
        ))
    };
    let has_none = until("[ -z \"$(ls /run/ctr/dev/lab-web)\" ]");
    vec![
        Scenario::asked(
            "start with a graphics processor",
            &with,
            &format!("{plugged} && ctr lab start web && ctr lab stop web"),
            "ctr lab start web",
        ),
        Scenario::asked(
            "stop of one with a graphics processor",
            &with,
            &format!("{plugged} && ctr lab start web"),
            "ctr lab stop web",
        ),
        Scenario::happens(
            "a driver comes again with other numbers",
            &optional,
            &format!(
                "{plugged} && {} && ctr lab restart web && {}",
                number(511),
                has("1ff:0")
            ),
            &format!("{}\n{}", number(510), has("1fe:0")),
        ),
        Scenario::happens(
            "a graphics processor goes",
            &optional,
            &format!(
                "{plugged} && {} && ctr lab restart web && {}",
                number(511),
                has("1ff:0")
            ),
            &format!("{unplugged}\n{has_none}"),
        ),
        Scenario::happens(
            "a graphics processor comes",
            &optional,
            &format!(
                "{} && {unplugged} && ctr lab restart web && {has_none}",
                number(511)
            ),
            &format!("{plugged}\n{}", has("1ff:0")),
        ),
    ]
}

fn until(condition: &str) -> String {
    format!("for _ in {{1..200}}; do {condition} && break; sleep 0.05; done 2>/dev/null")
}
