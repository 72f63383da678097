//! `daemon/tests/gpu_machines/<machine>/`: what a kernel shows, and what is found in it.

use std::cell::Cell;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ctr_hardware::{Entry, Machine};
use tempfile::TempDir;

use super::*;

/// Groups of every machine, and what they are on it.
const GROUPS: [(u32, &str); 3] = [(44, "video"), (105, "render"), (990, "nvidia")];

fn machines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gpu_machines")
}

fn machine(name: &str) -> Machine {
    let path = machines().join(name).join("machine.txt");
    let text = fs::read_to_string(&path).expect("a recorded machine");
    text.parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A machine in a directory of its own.
struct Unpacked(TempDir);

impl Unpacked {
    fn new(machine: &Machine) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let number = |name: &str| {
            let group = GROUPS.iter().find(|(_, group)| *group == name);
            group.map_or(0, |(gid, _)| *gid)
        };
        machine
            .unpack(directory.path(), &number)
            .expect("unpacked, as root");
        Self(directory)
    }

    fn paths(&self) -> Paths {
        Paths::default().with_hardware_below(self.0.path())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn observe(&self) -> Result<Inventory, InventoryError> {
        observe_with(&self.paths(), &name)
    }

    /// The error, without the place of the directory.
    fn error(&self) -> String {
        let error = self.observe().expect_err("refused");
        let source = std::error::Error::source(&error).map(|it| format!(": {it}"));
        let place = format!("{}/", self.0.path().display());
        format!("{error}{}", source.unwrap_or_default()).replace(&place, "")
    }
}

fn name(gid: u32) -> Option<String> {
    let group = GROUPS.iter().find(|(number, _)| *number == gid);
    group.map(|(_, group)| (*group).to_owned())
}

fn text(inventory: &Inventory) -> String {
    let mut text = String::new();
    for gpu in &inventory.gpus {
        let Gpu {
            vendor,
            pci,
            uuid,
            name,
            driver,
            memory,
            nodes,
            missing,
        } = gpu;
        let address = pci.map_or_else(|| "no bus".to_owned(), |it| it.to_string());
        let _ = writeln!(text, "{address} {vendor:?}: {name}");
        if let Some(Driver { name, version }) = driver {
            let version = version.as_deref().unwrap_or("without a version");
            let _ = writeln!(text, "  driver   {name} {version}");
        }
        if let Some(uuid) = uuid {
            let _ = writeln!(text, "  uuid     {uuid}");
        }
        if let Some(memory) = memory {
            let _ = writeln!(text, "  memory   {memory}");
        }
        for node in nodes {
            let Node {
                path,
                major,
                minor,
                mode,
                group,
            } = node;
            let group = group.as_deref().unwrap_or("root");
            let path = path.display();
            let _ = writeln!(text, "  node     {path} {major}:{minor} {mode:04o} {group}");
        }
        for missing in missing {
            let _ = writeln!(text, "  missing  {missing}");
        }
    }
    if text.is_empty() {
        text.push_str("nothing\n");
    }
    text
}

#[test]
fn what_is_recorded_is_found() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for folder in fs::read_dir(machines()).expect("the folders").flatten() {
        if !folder.path().is_dir() {
            continue;
        }
        let unpacked = Unpacked::new(&machine(folder.file_name().to_str().expect("a name")));
        let found = text(&unpacked.observe().expect("everything can be read"));
        let path = folder.path().join("inventory.txt");
        if std::env::var_os("CTR_BLESS").is_some() {
            fs::write(&path, &found).expect("written");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            wrong.push(format!(
                "{}: found\n{found}expected\n{expected}",
                path.display()
            ));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 6, "only {count} machines were found");
}

#[test]
fn a_host_without_any_of_it_has_none() {
    let empty = Unpacked::new(&Machine::default());
    assert_eq!(empty.observe().expect("no error"), Inventory::default());
}

const CARD: &str = "0000:01:00.0";
const INFORMATION: &str = "proc/driver/nvidia/gpus/0000:01:00.0/information";

/// What is found of the laptop's NVIDIA card when its machine is changed.
fn card(change: impl FnOnce(&mut Machine)) -> Gpu {
    let mut machine = machine("nvidia-laptop");
    change(&mut machine);
    let found = Unpacked::new(&machine).observe().expect("no error");
    let own = |gpu: &Gpu| gpu.pci.is_some_and(|it| it.to_string() == CARD);
    found.gpus.into_iter().find(own).expect("the card")
}

fn file(text: &str) -> Entry {
    Entry::File(text.to_owned())
}

fn paths(gpu: &Gpu) -> Vec<&str> {
    let paths = gpu.nodes.iter().filter_map(|node| node.path.to_str());
    paths.map(|path| path.trim_start_matches("/dev/")).collect()
}

#[test]
fn modules_that_are_not_loaded_are_missing() {
    let whole = card(|_| {});
    assert!(whole.missing.is_empty());
    assert!(paths(&whole).contains(&"nvidia-uvm"));

    let without = |module: &str| {
        let directory = format!("sys/module/{}", module.replace('-', "_"));
        card(|machine| {
            let devices = "Character devices:\n195 nvidia\n235 nvidia-caps\n511 nvidia-uvm\n";
            let lines = devices.lines().filter(|line| !line.ends_with(module));
            let lines: Vec<_> = lines.collect();
            machine.set("proc/devices", file(&lines.join("\n")));
            machine.remove(directory);
        })
    };
    let uvm = without("nvidia-uvm");
    assert_eq!(uvm.missing, ["nvidia-uvm"]);
    assert!(
        !paths(&uvm)
            .iter()
            .any(|path| path.starts_with("nvidia-uvm"))
    );
    let modeset = without("nvidia-modeset");
    assert!(modeset.missing.is_empty(), "nothing that computes needs it");
    assert!(!paths(&modeset).contains(&"nvidia-modeset"));
    assert!(paths(&modeset).contains(&"nvidia0"));
    let nvidia = without("nvidia");
    assert_eq!(nvidia.missing, ["nvidia"]);
    assert!(!paths(&nvidia).iter().any(|path| path.starts_with("nvidia")));
}

#[test]
fn a_card_that_the_driver_has_not_taken_up_is_not_there() {
    let early = card(|machine| machine.remove(INFORMATION));
    assert_eq!(early.missing, ["nvidia"]);
    assert_eq!(early.name, "NVIDIA 10de:25ec");
    assert!(!paths(&early).contains(&"nvidia0"));
    let excluded = card(|machine| {
        let text = "Model: x\nDevice Minor: \t 0\nGPU Excluded:\t Yes\n";
        machine.set(INFORMATION, file(text));
    });
    assert_eq!(excluded.missing, ["nvidia"]);
    assert!(!paths(&excluded).contains(&"nvidia0"));
}

#[test]
fn a_node_of_another_device_says_nothing_of_this_one() {
    let stale = card(|machine| {
        let devices = "Character devices:\n195 nvidia\n508 nvidia-uvm\n";
        machine.set("proc/devices", file(devices));
        machine.set("dev/nvidia0", Entry::Link("/dev/null".into()));
        machine.set("dev/nvidiactl", file("no device"));
    });
    let of = |name: &str| {
        let path = Path::new("/dev").join(name);
        stale
            .nodes
            .iter()
            .find(|node| node.path == path)
            .expect("it")
    };
    for name in ["nvidia-uvm", "nvidia0", "nvidiactl"] {
        assert_eq!((of(name).mode, &of(name).group), (0o666, &None), "{name}");
    }
    assert_eq!(of("nvidia-uvm").major, 508);
    assert_eq!(of("nvidia-modeset").group.as_deref(), Some("nvidia"));
}

/// What is said of a laptop that was changed.
fn refused(change: impl FnOnce(&mut Machine)) -> String {
    let mut machine = machine("nvidia-laptop");
    change(&mut machine);
    Unpacked::new(&machine).error()
}

const DEVICE: &str = "sys/devices/pci0000:00/0000:00:02.0";

#[test]
fn what_no_driver_says_is_refused_with_its_place() {
    let set = |path: &str, text: &str| refused(|machine| machine.set(path, file(text)));
    let path = format!("{DEVICE}/class");
    assert_eq!(
        set(&path, "display"),
        "sys/bus/pci/devices/0000:00:02.0/class says \"display\", and a number such as 0x10de is expected there"
    );
    let path = format!("{DEVICE}/drm/card1/dev");
    for said in ["226", "226:-1", "226:4294967296", ""] {
        assert_eq!(
            set(&path, said),
            format!(
                "sys/class/drm/card1/dev says {said:?}, and a device's number such as 226:128 is expected there"
            )
        );
    }
    for said in ["255", "-1", "zero"] {
        assert_eq!(
            set(INFORMATION, &format!("Device Minor: \t {said}\n")),
            format!("{INFORMATION} says {said:?}, and a minor number up to 247 is expected there")
        );
    }
    let monitor = "proc/driver/nvidia/capabilities/mig/monitor";
    assert!(set(monitor, "DeviceFileMinor: x").contains("DeviceFileMinor and DeviceFileMode"));
    assert_eq!(
        set(INFORMATION, &"x".repeat(17 * 1024)),
        format!("{INFORMATION} has more than 16384 bytes, which no driver writes there")
    );
}

#[test]
fn links_lead_nowhere_else() {
    let around = refused(|machine| {
        machine.set(format!("{DEVICE}/class"), Entry::Link("other".into()));
        machine.set(format!("{DEVICE}/other"), Entry::Link("class".into()));
    });
    let path = "sys/bus/pci/devices/0000:00:02.0";
    assert!(
        around.starts_with(&format!("failed to read {path}/class: ")),
        "{around}"
    );
    for target in ["/etc/hostname", "../../../../etc/hostname"] {
        let out = refused(|machine| {
            machine.set("etc/hostname", file("0x030000"));
            machine.set(format!("{DEVICE}/class"), Entry::Link(target.into()));
        });
        assert_eq!(
            out,
            format!("failed to read {path}/class: Invalid cross-device link (os error 18)")
        );
    }
}

#[test]
fn what_may_not_be_read_is_not_absent() {
    let machine = Unpacked::new(&machine("nvidia-laptop"));
    let root = machine.0.path().to_owned();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("open to all");
    fs::set_permissions(machine.at(INFORMATION), fs::Permissions::from_mode(0o600))
        .expect("closed");
    let error = std::thread::spawn(move || {
        // The capabilities over files go with it, for this thread alone (capabilities(7)).
        nix::unistd::setfsuid(65534.into());
        nix::unistd::setfsgid(65534.into());
        machine.error()
    });
    let error = error.join().expect("no panic");
    assert_eq!(
        error,
        format!("failed to read {INFORMATION}: Permission denied (os error 13)")
    );
}

#[test]
fn a_card_that_goes_while_it_is_looked_at_is_no_error() {
    // A name in the list whose directory is gone, as between two reads.
    let mut machine = machine("nvidia-laptop");
    machine.remove(DEVICE);
    let found = Unpacked::new(&machine).observe().expect("no error");
    assert_eq!(found.gpus.len(), 1);
    assert_eq!(found.gpus[0].vendor, Vendor::Nvidia);
}

#[test]
fn a_pipe_makes_nobody_wait() {
    let mut machine = machine("nvidia-laptop");
    machine.remove(INFORMATION);
    let unpacked = Unpacked::new(&machine);
    let path = unpacked.at(INFORMATION);
    fs::create_dir_all(path.parent().expect("above it")).expect("made");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR).expect("a pipe");
    assert_eq!(
        unpacked.observe().expect("no error").gpus[1].missing,
        ["nvidia"]
    );
}

#[test]
fn a_group_is_looked_up_once_and_a_file_read_once() {
    let unpacked = Unpacked::new(&machine("nvidia-laptop"));
    let lookups = Cell::new(0);
    let counting = |gid| {
        lookups.set(lookups.get() + 1);
        name(gid)
    };
    let paths = unpacked.paths();
    let dev = Tree::open(&paths.dev).expect("there");
    let host = Host {
        sys: Tree::open(&paths.sys).expect("there"),
        proc: Tree::open(&paths.proc).expect("there"),
    };
    host.observe(&mut Nodes::new(&dev, Groups::new(&counting)))
        .expect("no error");
    assert_eq!(lookups.get(), 3, "video, render and nvidia");
    let mut opened = host.sys.opened();
    opened.extend(host.proc.opened());
    opened.extend(dev.opened());
    let all = opened.len();
    opened.sort_unstable();
    opened.dedup();
    assert_eq!(opened.len(), all, "nothing is opened twice: {opened:?}");
}
