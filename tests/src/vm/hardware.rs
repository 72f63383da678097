//! What a virtual machine is built of, as qemu's command line.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::vm::agent;
use crate::vm::spec::Spec;

/// Memory in MiB: a host, two guests, and what a test lets one of them take.
const MEMORY_MIB: u32 = 2048;

/// Debian's kernel: its root is the first disk. Mitigations guard against other users of a processor
/// that is emulated here for one, and take a third of its time.
/// Where many want the processor, a disk may take its time to be seen, and the emulated timer its time
/// to tick: the kernel's test of it (`timer_irq_works()` in arch/x86) would give up the boot for that.
const KERNEL_COMMAND_LINE: &str = "root=/dev/vda rw console=ttyS0 quiet panic=-1 mitigations=off \
    systemd.show_status=error systemd.mask=serial-getty@ttyS0.service \
    systemd.default_device_timeout_sec=600 no_timer_check";

/// The arguments of `qemu-system-x86_64`. The processor is emulated everywhere, so that a machine
/// behaves the same wherever it runs; each virtual one is a thread.
pub(crate) fn arguments(spec: &Spec) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |option: &str, value: OsString| arguments.extend([option.into(), value]);
    add("-machine", "q35".into());
    add("-accel", "tcg,thread=multi".into());
    // No nested virtualisation, and no five-level page tables to walk by emulation.
    add("-cpu", "max,-svm,-la57".into());
    add("-smp", "2".into());
    add("-m", MEMORY_MIB.to_string().into());
    add("-kernel", spec.kernel.clone().into());
    add("-initrd", spec.initrd.clone().into());
    add("-append", KERNEL_COMMAND_LINE.into());
    // In the order in which the kernel names them: vda, vdb, vdc.
    add("-drive", served_disk(&spec.root_disk()));
    add("-drive", disk(&spec.guests, "readonly=on"));
    add("-drive", disk(&spec.own_files(), "readonly=on"));
    add(
        "-object",
        "rng-random,id=random,filename=/dev/urandom".into(),
    );
    add("-device", "virtio-rng-pci,rng=random".into());
    add("-device", "virtio-serial-pci".into());
    add("-chardev", socket(&spec.agent()));
    let port = format!("virtserialport,chardev=agent,name={}", agent::PORT);
    add("-device", port.into());
    if spec.gpu {
        add("-device", "virtio-gpu-pci".into());
    }
    add("-serial", joined("file:", spec.console()));
    add("-display", "none".into());
    for flag in ["-nodefaults", "-no-user-config", "-no-reboot"] {
        arguments.push(flag.into());
    }
    arguments
}

fn disk(path: &Path, how: &str) -> OsString {
    let mut drive: OsString = format!("if=virtio,format=raw,{how},file=").into();
    drive.push(quoted(path));
    drive
}

/// A disk with a cache, which the kernel has to flush: what that means is up to who serves it.
fn served_disk(path: &Path) -> OsString {
    let mut drive: OsString = "if=virtio,format=raw,cache=writeback,file.driver=nbd,\
                               file.server.type=unix,file.server.path="
        .into();
    drive.push(quoted(path));
    drive
}

fn socket(path: &Path) -> OsString {
    joined("socket,id=agent,server=on,wait=off,path=", quoted(path))
}

fn joined(prefix: &str, path: impl AsRef<OsStr>) -> OsString {
    let mut text: OsString = prefix.into();
    text.push(path.as_ref());
    text
}

/// A comma in a value is two of them (qemu(1), `-drive file=`).
fn quoted(path: &Path) -> OsString {
    path.to_string_lossy().replace(',', ",,").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_end_its_option() {
        assert_eq!(
            disk(Path::new("/a,readonly=off/b"), "readonly=on"),
            "if=virtio,format=raw,readonly=on,file=/a,,readonly=off/b"
        );
    }
}
