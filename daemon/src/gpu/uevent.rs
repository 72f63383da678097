//! What the kernel says of devices and modules, and whether it is about graphics processors.

/// Base classes of PCI functions, as in `pci.rs`: displays, and those that only compute.
const CLASSES: [u32; 2] = [0x03, 0x12];

/// Whether a message of `NETLINK_KOBJECT_UEVENT` is about a graphics processor or its driver.
///
/// The kernel's form: `add@/devices/…`, then words such as `SUBSYSTEM=drm`, each ended by a zero
/// byte (`lib/kobject_uevent.c`).
pub(super) fn is_about_gpus(message: &[u8]) -> bool {
    let words: Vec<&str> = message
        .split(|byte| *byte == 0)
        .filter_map(|word| std::str::from_utf8(word).ok())
        .collect();
    let value = |name: &str| {
        let values = words.iter().filter_map(|word| word.split_once('='));
        values
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value)
            .next()
    };
    match value("SUBSYSTEM") {
        // A screen was plugged in.
        Some("drm") => value("HOTPLUG").is_none(),
        Some("kfd") => true,
        // `PCI_CLASS=30200`, also when a driver is bound to it or leaves it.
        Some("pci") => value("PCI_CLASS")
            .and_then(|class| u32::from_str_radix(class, 16).ok())
            .is_some_and(|class| CLASSES.contains(&(class >> 16))),
        // Said when a module's start has ended. Drivers of the kernel's tree tell of each card besides.
        Some("module") => value("DEVPATH").is_some_and(|path| path.starts_with("/module/nvidia")),
        Some(other) => other.starts_with("nvidia"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_about_gpus;

    #[test]
    fn a_message_is_about_gpus_or_not() {
        for (text, about) in [
            (
                "add@/module/nvidia_uvm ACTION=add DEVPATH=/module/nvidia_uvm SUBSYSTEM=module SEQNUM=1",
                true,
            ),
            (
                "remove@/module/nvidia ACTION=remove DEVPATH=/module/nvidia SUBSYSTEM=module",
                true,
            ),
            (
                "add@/module/loop ACTION=add DEVPATH=/module/loop SUBSYSTEM=module",
                false,
            ),
            (
                "add@/devices/x/drm/renderD128 ACTION=add DEVPATH=/devices/x/drm/renderD128 SUBSYSTEM=drm DEVNAME=dri/renderD128",
                true,
            ),
            (
                "change@/devices/x/drm/card0 ACTION=change SUBSYSTEM=drm HOTPLUG=1",
                false,
            ),
            (
                "bind@/devices/x ACTION=bind SUBSYSTEM=pci DRIVER=nvidia PCI_CLASS=30200 PCI_ID=10DE:25EC",
                true,
            ),
            (
                "add@/devices/x ACTION=add SUBSYSTEM=pci PCI_CLASS=120000 PCI_ID=1002:74A1",
                true,
            ),
            (
                "bind@/devices/x ACTION=bind SUBSYSTEM=pci DRIVER=nvme PCI_CLASS=10802",
                false,
            ),
            ("bind@/devices/x ACTION=bind SUBSYSTEM=pci", false),
            (
                "add@/devices/virtual/kfd/kfd ACTION=add SUBSYSTEM=kfd",
                true,
            ),
            (
                "add@/devices/virtual/nvidia-x ACTION=add SUBSYSTEM=nvidia-x",
                true,
            ),
            (
                "add@/devices/virtual/block/loop0 ACTION=add SUBSYSTEM=block",
                false,
            ),
            (
                "add@/devices/virtual/tty/tty63 ACTION=add SUBSYSTEM=tty NAME=drm",
                false,
            ),
            ("", false),
        ] {
            let message = text.replace(' ', "\0");
            assert_eq!(is_about_gpus(message.as_bytes()), about, "{text}");
        }
        assert!(!is_about_gpus(&[0xff, 0, 0xfe]));
        assert!(
            is_about_gpus(b"\xff\0SUBSYSTEM=kfd"),
            "whatever else is in it"
        );
    }
}
