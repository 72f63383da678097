//! What a card says of itself in sysfs, whom else to ask, and whether it may be asked at all.

use std::fs;
use std::path::{Path, PathBuf};

use super::Card;
use crate::model::PciAddress;

fn device(sys: &Path, card: PciAddress) -> PathBuf {
    sys.join("bus/pci/devices").join(card.to_string())
}

/// A card that sleeps would be woken by a question, and on a laptop kept awake by whoever looks every second
/// (`power/runtime_status`, the kernel's `Documentation/power/runtime_pm.rst`). Nobody uses it then.
pub(super) fn sleeps(sys: &Path, card: PciAddress) -> bool {
    let status = fs::read_to_string(device(sys, card).join("power/runtime_status"));
    status.is_ok_and(|status| status.trim() == "suspended")
}

/// NVIDIA's own driver drives it; nouveau has no NVML.
pub(super) fn has_nvml(sys: &Path, card: PciAddress) -> bool {
    let driver = fs::read_link(device(sys, card).join("driver"));
    driver.is_ok_and(|driver| driver.file_name().is_some_and(|name| name == "nvidia"))
}

/// amdgpu's figures (the kernel's Documentation/gpu/amdgpu); other drivers have none of these files.
pub(super) fn totals(sys: &Path, card: PciAddress) -> Option<Card> {
    let device = device(sys, card);
    let number = |name: &str| -> Option<u32> { read(&device.join(name)) };
    let size = |name: &str| -> Option<u64> { read(&device.join(name)) };
    let totals = Card {
        memory_total: size("mem_info_vram_total"),
        memory_used: size("mem_info_vram_used"),
        busy: number("gpu_busy_percent").map(|percent| f64::from(percent.min(100)) / 100.0),
    };
    (totals != Card::default()).then_some(totals)
}

fn read<T: std::str::FromStr>(path: &Path) -> Option<T> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{has_nvml, sleeps, totals};
    use crate::gpu::meter::Card;

    #[test]
    fn a_card_tells_what_its_driver_has_files_for() {
        let sys = tempfile::tempdir().expect("a directory");
        let card = "0000:03:00.0".parse().expect("valid");
        assert_eq!(totals(sys.path(), card), None);
        let device = sys.path().join("bus/pci/devices/0000:03:00.0");
        fs::create_dir_all(device.join("power")).expect("made");
        fs::write(device.join("mem_info_vram_total"), "8589934592\n").expect("written");
        fs::write(device.join("gpu_busy_percent"), "35\n").expect("written");
        let told = Card {
            memory_total: Some(8 << 30),
            memory_used: None,
            busy: Some(0.35),
        };
        assert_eq!(totals(sys.path(), card), Some(told));
        assert!(!sleeps(sys.path(), card));
        fs::write(device.join("power/runtime_status"), "suspended\n").expect("written");
        assert!(sleeps(sys.path(), card));
        for (driver, expected) in [("nouveau", false), ("nvidia", true)] {
            let _ = fs::remove_file(device.join("driver"));
            symlink(format!("../../drivers/{driver}"), device.join("driver")).expect("linked");
            assert_eq!(has_nvml(sys.path(), card), expected, "{driver}");
        }
    }
}
