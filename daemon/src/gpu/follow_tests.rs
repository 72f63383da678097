//! Files in a directory of the test's own, and the kernel's events in a network namespace of its own.
//!
//! Time stands still and jumps when there is nothing more to do (`tokio::time::pause`): who waits a
//! while for nothing knows that nothing comes, however busy the machine is.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use netlink_sys::Socket;
use nix::sched::{CloneFlags, unshare};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::*;

/// Longer than anything takes.
const WHILE: Duration = Duration::from_secs(60);

/// Whoever is told.
struct Follower {
    hardware: TempDir,
    told: UnboundedReceiver<()>,
}

impl Follower {
    /// Follows a host where nothing is but `/dev` and `/etc`.
    async fn new() -> Self {
        let hardware = tempfile::tempdir().expect("a directory");
        for name in ["dev", "etc", "run"] {
            fs::create_dir(hardware.path().join(name)).expect("made");
        }
        let paths = Paths::default().with_hardware_below(hardware.path());
        let (tell, told) = unbounded_channel();
        tokio::spawn(async move {
            let ended = follow(&paths, || tell.send(()).unwrap_or_default()).await;
            panic!("following ended: {ended:?}");
        });
        let mut follower = Self { hardware, told };
        follower.is_told("that it listens").await;
        follower
    }

    async fn is_told(&mut self, of: &str) {
        let told = tokio::time::timeout(WHILE, self.told.recv()).await;
        told.unwrap_or_else(|_| panic!("nobody was told {of}"))
            .expect("it follows on");
    }

    /// Waits until all that happened was told.
    async fn settle(&mut self) {
        while !self.is_quiet().await {}
    }

    async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(WHILE, self.told.recv()).await.is_err()
    }

    async fn tells_of(&mut self, what: &str, change: impl FnOnce(&Path)) {
        self.settle().await;
        change(self.hardware.path());
        self.is_told(what).await;
    }

    async fn tells_nothing_of(&mut self, what: &str, change: impl FnOnce(&Path)) {
        self.settle().await;
        change(self.hardware.path());
        assert!(self.is_quiet().await, "told of {what}");
    }
}

/// Runs a test as a task: the runtime looks at its own future before tasks that were woken earlier.
fn task(test: impl Future<Output = ()> + Send + 'static) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    runtime
        .block_on(async { tokio::spawn(test).await })
        .expect("no panic");
}

fn make(path: &str) -> impl FnOnce(&Path) + use<'_> {
    move |root| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("above it")).expect("made");
        fs::write(path, "").expect("written");
    }
}

#[test]
fn nodes_are_told_of() {
    task(async {
        let mut follower = Follower::new().await;
        follower.tells_of("a node", make("dev/nvidia0")).await;
        follower.tells_of("another driver's", make("dev/kfd")).await;
        follower
            .tells_of("a directory", make("dev/dri/card0"))
            .await;
        follower
            .tells_of("a node in it", make("dev/dri/renderD128"))
            .await;
        follower
            .tells_of("another", make("dev/nvidia-caps/nvidia-cap2"))
            .await;
        let close = |root: &Path| {
            let closed = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(root.join("dev/dri/renderD128"), closed).expect("closed");
        };
        follower.tells_of("who may open it", close).await;
        let remove = |root: &Path| fs::remove_dir_all(root.join("dev/dri")).expect("removed");
        follower.tells_of("a directory that goes", remove).await;
        follower
            .tells_of("one that comes back", make("dev/dri/card0"))
            .await;
        follower
            .tells_of("what is in it", make("dev/dri/renderD128"))
            .await;
        follower
            .tells_nothing_of("another device", make("dev/loop7"))
            .await;
        follower
            .tells_nothing_of("a terminal", make("dev/tty9"))
            .await;
        follower
            .tells_of("a node, as before", make("dev/nvidia1"))
            .await;
    });
}

#[test]
fn specifications_and_libraries_are_told_of() {
    task(async {
        let mut follower = Follower::new().await;
        follower
            .tells_of("a file in a new directory", make("etc/cdi/nvidia.yaml"))
            .await;
        follower
            .tells_of("one that is written again", make("etc/cdi/nvidia.yaml"))
            .await;
        let closed = |path: &'static str| {
            move |root: &Path| {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
                fs::set_permissions(root.join(path), mode).expect("closed");
            }
        };
        follower
            .tells_of("who may write to it", closed("etc/cdi/nvidia.yaml"))
            .await;
        follower
            .tells_of("who may write into its directory", closed("etc/cdi"))
            .await;
        follower
            .tells_nothing_of("another file", make("etc/cdi/README"))
            .await;
        follower
            .tells_nothing_of("another directory", make("etc/systemd/x.json"))
            .await;
        let rename = |root: &Path| {
            fs::rename(root.join("etc/cdi"), root.join("etc/cdi.old")).expect("renamed");
        };
        follower
            .tells_of("a directory that is renamed", rename)
            .await;
        follower
            .tells_nothing_of("what is in it then", make("etc/cdi.old/b.json"))
            .await;
        follower
            .tells_of("a new one", make("etc/cdi/amd.json"))
            .await;
        follower
            .tells_of("the other directory", make("run/cdi/nvidia.json"))
            .await;
        let libraries =
            |root: &Path| symlink("/none", root.join("run/opengl-driver")).expect("made");
        follower.tells_of("libraries", libraries).await;
        follower
            .tells_nothing_of("a neighbour", make("run/opengl"))
            .await;
    });
}

#[test]
fn the_first_of_many_is_told_at_once_and_the_rest_together() {
    task(async {
        let mut follower = Follower::new().await;
        follower.settle().await;
        // Nothing else runs here between these: all are there when the first is told.
        for number in 0..200 {
            make(&format!("dev/nvidia{number}"))(follower.hardware.path());
        }
        let begun = Instant::now();
        follower.is_told("of the first").await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        follower.is_told("of the rest").await;
        assert!(begun.elapsed() <= TOGETHER * 2, "{:?}", begun.elapsed());
        assert!(follower.is_quiet().await, "told more than twice");
    });
}

/// Has the kernel tell a network namespace's listeners of an event, as `udevadm trigger` could.
fn uevent(words: &str) {
    let mut socket = Socket::new(NETLINK_KOBJECT_UEVENT).expect("a socket");
    socket.bind_auto().expect("bound");
    let words = words.replace(' ', "\0") + "\0";
    let length = u32::try_from(words.len() + 16).expect("short");
    // The header of netlink(7): length, type, flags, number, port.
    let mut message = length.to_ne_bytes().to_vec();
    message.extend([16u16, 1].map(u16::to_ne_bytes).concat());
    message.extend([0; 8]);
    message.extend(words.as_bytes());
    let kernel = SocketAddr::new(0, 0);
    socket.send_to(&message, &kernel, 0).expect("sent");
}

#[test]
fn the_kernels_events_are_told_of() {
    // The thread leaves, and with it all that it does: nothing is sent to the machine's own udev.
    let alone = || {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace, as root");
        task(async {
            let mut follower = Follower::new().await;
            let module =
                "add@/module/nvidia_uvm ACTION=add DEVPATH=/module/nvidia_uvm SUBSYSTEM=module";
            follower.tells_of("a module", |_| uevent(module)).await;
            let other = module.replace("nvidia_uvm", "loop");
            follower
                .tells_nothing_of("another module", |_| uevent(&other))
                .await;
            let card =
                "bind@/devices/x ACTION=bind DEVPATH=/devices/x SUBSYSTEM=pci PCI_CLASS=30000";
            follower.tells_of("a card", |_| uevent(card)).await;
            // More than its socket holds.
            let flood = |_: &Path| (0..20_000).for_each(|_| uevent(&other));
            follower.tells_of("that something was lost", flood).await;
        });
    };
    std::thread::spawn(alone).join().expect("no panic");
}
