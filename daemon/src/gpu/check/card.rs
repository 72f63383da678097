//! Whether one card can be used.

use super::{Finding, Severity};
use crate::gpu::{Gpu, Vendor};

/// What people know a card by.
pub(super) fn subject(gpu: &Gpu) -> String {
    match gpu.pci {
        Some(pci) => format!("{} ({pci})", gpu.name),
        None => gpu.name.clone(),
    }
}

/// One finding for each card: the first thing that has to be mended, or that nothing has.
pub(super) fn usable(gpu: &Gpu) -> Finding {
    let subject = subject(gpu);
    let problem = |what: String| Finding::new(Severity::Problem, &subject, what);
    let Some(driver) = &gpu.driver else {
        return problem("has no driver".to_owned()).hint(load_driver(gpu.vendor));
    };
    let name = driver.name.as_str();
    if matches!(
        name,
        "vfio-pci" | "pci-stub" | "nvgrace_gpu_vfio_pci" | "nvidia_vgpu_vfio"
    ) {
        let what = format!("is kept for virtual machines by {name}");
        return problem(what).hint(
            "take its ids out of `vfio-pci.ids=` on the kernel's command line and of \
             /etc/modprobe.d, and restart the host; on NixOS that is `boot.kernelParams` and \
             `boot.extraModprobeConfig`",
        );
    }
    if gpu.vendor == Vendor::Nvidia && name != "nvidia" {
        let what = format!("is driven by {name}, which has no CUDA");
        // It draws: a desktop may want just that.
        let severity = if gpu.nodes.is_empty() {
            Severity::Problem
        } else {
            Severity::Hint
        };
        return Finding::new(severity, &subject, what).hint(load_driver(gpu.vendor));
    }
    if !gpu.missing.is_empty() {
        let missing = gpu.missing.join(", ");
        return problem(format!("lacks {missing}")).hint(mend(&gpu.missing));
    }
    if gpu.nodes.is_empty() {
        let what = format!("is driven by {name}, which makes no device node for it");
        return problem(what).hint("`journalctl -k` says what the driver complains about");
    }
    let version = driver.version.as_ref();
    let version = version.map_or_else(String::new, |it| format!(" {it}"));
    let nodes = match gpu.nodes.len() {
        1 => "one device node".to_owned(),
        count => format!("{count} device nodes"),
    };
    let what = format!("is usable: {name}{version}, {nodes}");
    Finding::new(Severity::Ok, &subject, what)
}

fn load_driver(vendor: Vendor) -> String {
    match vendor {
        Vendor::Nvidia => {
            "on NixOS set `services.xserver.videoDrivers = [ \"nvidia\" ]` and \
             `hardware.nvidia.open`; elsewhere install the distribution's NVIDIA driver. Then \
             restart the host: `journalctl -k -g 'nvidia|NVRM'` says why it does not load"
        }
        Vendor::Amd => {
            "`modprobe amdgpu` loads it; it needs the card's firmware \
             (`hardware.enableRedistributableFirmware` on NixOS, `firmware-amd-graphics` on \
             Debian). `journalctl -k -g amdgpu` says why it does not load"
        }
        Vendor::Intel => {
            "`modprobe i915`, or `modprobe xe` for the newest, loads it; `journalctl -k -g \
             'i915|xe'` says why it does not load"
        }
        Vendor::Other => "`lspci -k` names the modules that can drive it",
    }
    .to_owned()
}

fn mend(missing: &[String]) -> String {
    let has = |name: &str| missing.iter().any(|it| it == name);
    if missing.iter().any(|it| it.starts_with("nvidia-uvm")) {
        return "`modprobe nvidia-uvm` loads it now, and ctrd asks for it when a container needs \
                it; if that fails, the modules are of another kernel than the running one: \
                restart the host"
            .to_owned();
    }
    if has("nvidia") {
        return "the driver is bound and not ready: `journalctl -k -g 'nvidia|NVRM'` says why"
            .to_owned();
    }
    "`journalctl -k` says what the driver complains about".to_owned()
}
