//! Whatever ends a lab's owner, no process, cgroup, mount or network of the lab is left.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ctr_lab::{Cgroup, Host};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::{NamedTempFile, TempPath};

const PATIENCE: Duration = Duration::from_secs(15);

/// What one lab is made of, seen from the machine.
#[derive(Debug)]
struct Traces {
    cgroup: String,
    namespaces: Vec<(&'static str, u64)>,
}

impl Traces {
    fn of(leader: u32, keeper: u32, cgroup: &Path) -> Self {
        let inode = |pid: u32, kind: &'static str| {
            let file = fs::metadata(format!("/proc/{pid}/ns/{kind}"));
            (kind, file.expect("a running process has namespaces").ino())
        };
        let mut namespaces: Vec<_> = ["mnt", "pid", "net", "cgroup"]
            .map(|kind| inode(leader, kind))
            .into();
        namespaces.push(inode(keeper, "net"));
        Self {
            cgroup: cgroup.display().to_string(),
            namespaces,
        }
    }

    /// Everything that is still there.
    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        let name = Path::new(&self.cgroup)
            .file_name()
            .expect("a lab's cgroup has a name");
        for path in [
            Path::new(&self.cgroup),
            &Path::new("/run/ctr-lab").join(name),
        ] {
            if path.exists() {
                left.push(path.display().to_string());
            }
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts can be read");
        let name = name.to_string_lossy().into_owned();
        left.extend(
            mounts
                .lines()
                .filter(|line| line.contains(&name))
                .map(str::to_owned),
        );
        for entry in fs::read_dir("/proc")
            .expect("/proc can be listed")
            .flatten()
        {
            for (kind, inode) in &self.namespaces {
                let file = entry.path().join("ns").join(kind);
                if fs::metadata(&file).is_ok_and(|file| file.ino() == *inode) {
                    left.push(file.display().to_string());
                }
            }
        }
        left
    }

    fn assert_gone(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.left().is_empty() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(self.left(), Vec::<String>::new());
    }
}

#[test]
fn a_dropped_host_is_gone_at_once() {
    let host = Host::boot();
    host.ok("systemd-run --quiet sleep 600; setsid sleep 600 >/dev/null 2>&1 &");
    let traces = Traces::of(host.leader(), host.keeper(), host.cgroup().path());
    assert_ne!(traces.left(), Vec::<String>::new());
    drop(host);
    // Namespaces end a moment after their last process; the cgroup and its directory do not.
    traces.assert_gone();
}

/// A person's `lab run` whose script has begun.
struct Owner {
    process: Child,
    keeper: u32,
    traces: Traces,
    _script: TempPath,
}

impl Owner {
    fn start() -> Self {
        let mut script = NamedTempFile::new().expect("a script can be made");
        script
            .write_all(b"echo begun; sleep 50")
            .expect("a script can be written");
        let script = script.into_temp_path();
        let mut process = Command::new(env!("CARGO_BIN_EXE_lab"))
            .args(["run", "--bare"])
            .arg(&script)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the lab's program runs");
        let stdout = BufReader::new(process.stdout.take().expect("its stdout is a pipe"));
        let begun = stdout
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "begun");
        assert!(begun, "the script began");
        let keeper = child(process.id(), "keep");
        let leader = child(keeper, "systemd");
        let cgroup = fs::read_to_string(format!("/proc/{leader}/cgroup")).expect("a cgroup");
        let name = cgroup.split('/').find(|part| part.starts_with("ctr-lab-"));
        let hierarchy = Cgroup::hierarchy().expect("a cgroup2 hierarchy");
        let cgroup = hierarchy.join(name.expect("the host's cgroup is the lab's"));
        Self {
            process,
            keeper,
            traces: Traces::of(leader, keeper, &cgroup),
            _script: script,
        }
    }
}

/// The child of `parent` with this in its command line.
fn child(parent: u32, word: &str) -> u32 {
    let of_parent = format!("PPid:\t{parent}\n");
    fs::read_dir("/proc")
        .expect("/proc can be listed")
        .flatten()
        .filter(|entry| {
            let read = |file| fs::read_to_string(entry.path().join(file)).unwrap_or_default();
            read("status").contains(&of_parent) && read("cmdline").contains(word)
        })
        .find_map(|entry| entry.file_name().to_str()?.parse().ok())
        .expect("the process is there")
}

#[test]
fn a_killed_owner_takes_its_lab_along() {
    let mut owner = Owner::start();
    owner.process.kill().expect("the owner can be killed");
    owner.process.wait().expect("the owner ends");
    owner.traces.assert_gone();
}

#[test]
fn what_a_killed_keeper_leaves_is_swept_by_the_next_lab() {
    let mut owner = Owner::start();
    let keeper = i32::try_from(owner.keeper).expect("a PID");
    owner.process.kill().expect("the owner can be killed");
    kill(Pid::from_raw(keeper), Signal::SIGKILL).expect("the keeper can be killed");
    owner.process.wait().expect("the owner ends");
    drop(Host::boot());
    owner.traces.assert_gone();
}
