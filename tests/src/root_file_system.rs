//! The host's root: its own writable layer over the base tree, and the mounts a kernel expects.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use crate::first_process::machine_id;
use crate::hardware;
use crate::spec::{Content, File, Spec};

/// Where the host's PID 1 says that it has booted.
pub(crate) const NOTIFY_SOCKET: &str = "/run/lab-notify";

/// The socket's name in the lab's directory on the machine.
pub(crate) const NOTIFY_SOCKET_ON_MACHINE: &str = "notify";

const NOTHING: Option<&str> = None;
const SYSTEM: MsFlags = MsFlags::MS_NOSUID
    .union(MsFlags::MS_NODEV)
    .union(MsFlags::MS_NOEXEC);
const PRIVATE: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV);

/// Character devices a host has without any driver of its own; none reaches the machine's data.
const DEVICES: [(&str, u64, u64); 8] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
    ("fuse", 10, 229),
    ("net/tun", 10, 200),
];

/// Mounts everything below the lab's directory and returns the new root.
pub(crate) fn assemble(spec: &Spec) -> Result<PathBuf> {
    let layers = spec.run_directory.join("root");
    mount_on("tmpfs", &layers, MsFlags::empty(), "mode=755,size=4g")?;
    let [upper, work, root] = ["upper", "work", "root"].map(|name| layers.join(name));
    for directory in [&upper, &work, &root] {
        fs::create_dir(directory)?;
    }
    let overlay = format!(
        "lowerdir={},upperdir={},workdir={}",
        spec.base.display(),
        upper.display(),
        work.display()
    );
    mount_on("overlay", &root, MsFlags::empty(), &overlay)?;
    mount_kernel_file_systems(&root)?;
    fill_dev(&root.join("dev"))?;
    mount_guest_storage(spec, &root)?;
    let socket = root.join(NOTIFY_SOCKET.trim_start_matches('/'));
    fs::write(&socket, "")?;
    bind(&spec.run_directory.join(NOTIFY_SOCKET_ON_MACHINE), &socket)?;
    fs::write(root.join("etc/machine-id"), machine_id()?)?;
    fs::write(root.join("etc/hostname"), format!("{}\n", spec.hostname))?;
    if let Some(machine) = &spec.hardware {
        hardware::unpack(&root, machine)?;
    }
    for file in &spec.files {
        write(&root, file).with_context(|| format!("failed to write {}", file.path.display()))?;
    }
    Ok(root)
}

fn mount_kernel_file_systems(root: &Path) -> Result<()> {
    mount_on("proc", &root.join("proc"), SYSTEM, "")?;
    // A host may set its own network up, and bound its guests; every other setting there belongs to the machine.
    let settings = root.join("proc/sys");
    bind(&settings, &settings)?;
    bind(&settings.join("net"), &settings.join("net"))?;
    // Below it are the bounds of whoever's user namespace looks: ctrd sets those of its guests.
    bind(&settings.join("user"), &settings.join("user"))?;
    read_only(&settings)?;
    let trigger = root.join("proc/sysrq-trigger");
    if trigger.exists() {
        bind(&trigger, &trigger)?;
        read_only(&trigger)?;
    }
    mount_on("sysfs", &root.join("sys"), SYSTEM, "")?;
    mount_on("cgroup2", &root.join("sys/fs/cgroup"), SYSTEM, "")?;
    mount_on("tmpfs", &root.join("run"), PRIVATE, "mode=755")?;
    mount_on("tmpfs", &root.join("tmp"), PRIVATE, "mode=1777")?;
    mount_on("tmpfs", &root.join("dev"), MsFlags::MS_NOSUID, "mode=755")
}

fn fill_dev(dev: &Path) -> Result<()> {
    for directory in ["net", "pts", "shm"] {
        fs::create_dir(dev.join(directory))?;
    }
    for (name, major, minor) in DEVICES {
        let path = dev.join(name);
        mknod(
            &path,
            SFlag::S_IFCHR,
            Mode::from_bits_truncate(0o666),
            makedev(major, minor),
        )
        .with_context(|| format!("failed to make the device {name}"))?;
        // mknod(2) takes the umask off the mode.
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666))?;
    }
    let pts = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount_on(
        "devpts",
        &dev.join("pts"),
        pts,
        "newinstance,ptmxmode=0666,mode=620,gid=5",
    )?;
    mount_on("tmpfs", &dev.join("shm"), PRIVATE, "mode=1777")?;
    for (name, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        // Early messages of PID 1 have no reader; the machine's console is not theirs to use.
        ("console", "null"),
    ] {
        symlink(target, dev.join(name))?;
    }
    Ok(())
}

/// An overlay can neither be idmapped nor hold another overlay's upper layer: what ctr needs for
/// its guests are mounts of their own.
fn mount_guest_storage(spec: &Spec, root: &Path) -> Result<()> {
    let tree = root.join("var/lib/machines/debian");
    fs::create_dir_all(&tree)?;
    bind(&spec.base, &tree)?;
    read_only(&tree)?;
    let state = root.join("var/lib/ctr");
    fs::create_dir_all(&state)?;
    mount_on("tmpfs", &state, MsFlags::empty(), "mode=755,size=4g")
}

/// Writes one file of a host below its root.
pub(crate) fn write(root: &Path, file: &File) -> Result<()> {
    let path = root.join(file.path.strip_prefix("/").unwrap_or(&file.path));
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    match &file.content {
        Content::Text(text) => fs::write(&path, text)?,
        Content::CopyOf(source) => {
            fs::copy(source, &path)?;
        }
        Content::Link(target) => symlink(target, &path)?,
    }
    Ok(())
}

fn mount_on(kind: &str, target: &Path, flags: MsFlags, data: &str) -> Result<()> {
    mount(Some(kind), target, Some(kind), flags, Some(data))
        .with_context(|| format!("failed to mount {kind} on {}", target.display()))
}

fn bind(source: &Path, target: &Path) -> Result<()> {
    mount(Some(source), target, NOTHING, MsFlags::MS_BIND, NOTHING).with_context(|| {
        format!(
            "failed to bind {} on {}",
            source.display(),
            target.display()
        )
    })
}

fn read_only(target: &Path) -> Result<()> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(NOTHING, target, NOTHING, flags, NOTHING)
        .with_context(|| format!("failed to make {} read-only", target.display()))
}
