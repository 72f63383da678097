//! Whatever ends the owner of a virtual machine, nothing of the machine is left.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ctr_lab::Host;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::{NamedTempFile, TempPath};

/// Long enough for the image to be made, where it is not there yet, and for the machines of all other
/// tests to have their turn before.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Ended with the test, however that ends: it would keep its machine from all others.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A person's `lab vm` whose machine is switched on.
struct Owner {
    process: Running,
    machine: u32,
    keeper: Pid,
    /// Where the machine's disks, socket and logs are.
    directories: Vec<PathBuf>,
    _script: TempPath,
}

impl Owner {
    fn start() -> Self {
        let mut script = NamedTempFile::new().expect("a script can be made");
        script.write_all(b"sleep infinity").expect("written");
        let script = script.into_temp_path();
        let process = Command::new(env!("CARGO_BIN_EXE_lab"))
            .args(["vm", "--bare"])
            .arg(&script)
            .stdout(Stdio::null())
            .spawn();
        let mut process = Running(process.expect("the lab's program runs"));
        let deadline = Instant::now() + PATIENCE;
        let (keeper, machine) = loop {
            let ended = process.0.try_wait().expect("the owner can be looked at");
            assert!(ended.is_none(), "the owner ended: {ended:?}");
            let keeper = child(process.0.id(), "vm-keep");
            let machine = keeper.and_then(|keeper| child(keeper, "qemu"));
            if let (Some(keeper), Some(machine)) = (keeper, machine) {
                break (keeper, machine);
            }
            assert!(Instant::now() < deadline, "no machine was switched on");
            thread::sleep(Duration::from_millis(20));
        };
        let options = command_line(machine).expect("a running machine");
        let directories: Vec<PathBuf> = ["file=", "file:"]
            .iter()
            .filter_map(|word| {
                let (_, rest) = options.rsplit_once(word)?;
                let path = rest.split(['\0', ',']).next()?;
                Path::new(path).parent().map(Path::to_owned)
            })
            .collect();
        let owner = Self {
            process,
            machine,
            keeper: pid(keeper),
            directories,
            _script: script,
        };
        assert_eq!(owner.left().len(), 3, "{:?}", owner.left());
        owner
    }

    fn kill(&mut self) {
        self.process.0.kill().expect("the owner can be killed");
        self.process.0.wait().expect("the owner ends");
    }

    /// Everything that is still there.
    fn left(&self) -> Vec<PathBuf> {
        let directories = self.directories.iter().filter(|path| path.exists());
        let mut left: Vec<PathBuf> = directories.cloned().collect();
        // A process that nobody has waited for has no words any more.
        if command_line(self.machine).is_some_and(|words| !words.is_empty()) {
            left.push(format!("/proc/{}", self.machine).into());
        }
        left
    }

    fn pid(&self) -> Pid {
        pid(self.process.0.id())
    }

    fn assert_that_is_left(&self, is_expected: impl Fn(&[PathBuf]) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_expected(&self.left()) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        assert!(is_expected(&self.left()), "{:?}", self.left());
    }
}

/// The child of `parent` with this in its command line.
fn child(parent: u32, word: &str) -> Option<u32> {
    let of_parent = format!("PPid:\t{parent}\n");
    let processes = fs::read_dir("/proc").expect("/proc can be listed");
    let mut numbers = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.find(|number| {
        let status = fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
        let is_it = || {
            // setpriv has the same words, and is qemu in a moment.
            command_line(*number).is_some_and(|it| it.contains(word) && !it.starts_with("setpriv"))
        };
        status.contains(&of_parent) && is_it()
    })
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).expect("a PID"))
}

fn command_line(process: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{process}/cmdline")).ok()
}

#[test]
#[ignore = "boots a virtual machine: cargo test -p ctr-lab --test vm -- --ignored"]
fn a_machine_ends_with_its_owner() {
    let mut owner = Owner::start();
    owner.kill();
    owner.assert_that_is_left(<[_]>::is_empty);

    // With its keeper: then the next lab takes away what lies around.
    let mut owner = Owner::start();
    kill(owner.pid(), Signal::SIGSTOP).expect("the owner can be stopped");
    kill(owner.keeper, Signal::SIGKILL).expect("the keeper can be killed");
    owner.kill();
    owner.assert_that_is_left(|left| left == owner.directories);
    drop(Host::boot());
    owner.assert_that_is_left(<[_]>::is_empty);
}
