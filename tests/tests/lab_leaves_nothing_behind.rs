//! Whatever ends a lab's owner, no process, cgroup, mount or network of the lab is left.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ctr_lab::Host;

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

/// A process that owns a lab: this very test program, run again for the one test below.
fn owner() -> (Child, Traces) {
    let mut owner = Command::new(std::env::current_exe().expect("a test has a program"))
        .args(["--exact", "owns_a_lab_when_told_to", "--nocapture"])
        .env("LAB_TEST_OWNS", "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program runs again");
    let stdout = BufReader::new(owner.stdout.take().expect("its stdout is a pipe"));
    let line = stdout
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("owns: ").map(|(_, lab)| lab.to_owned()))
        .expect("the owner says what it owns");
    let mut words = line.split(' ');
    let mut pid = || {
        words
            .next()
            .and_then(|word| word.parse().ok())
            .expect("a PID")
    };
    let (leader, keeper) = (pid(), pid());
    let cgroup = words.next().expect("a cgroup");
    (owner, Traces::of(leader, keeper, Path::new(cgroup)))
}

#[test]
fn owns_a_lab_when_told_to() {
    if std::env::var_os("LAB_TEST_OWNS").is_none() {
        return;
    }
    let host = Host::boot();
    println!(
        "owns: {} {} {}",
        host.leader(),
        host.keeper(),
        host.cgroup().path().display()
    );
    host.ok("sleep 50");
}

#[test]
fn a_killed_owner_takes_its_lab_along() {
    let (mut owner, traces) = owner();
    owner.kill().expect("the owner can be killed");
    owner.wait().expect("the owner ends");
    traces.assert_gone();
}

#[test]
fn what_a_killed_keeper_leaves_is_swept_by_the_next_lab() {
    let (mut owner, traces) = owner();
    let keeper = traces_keeper(&traces);
    owner.kill().expect("the owner can be killed");
    for pid in keeper {
        // SIGKILL on both, as near together as two system calls are.
        let status = Command::new("kill").args(["-KILL", &pid]).status();
        status.expect("kill can be run");
    }
    owner.wait().expect("the owner ends");
    drop(Host::boot());
    traces.assert_gone();
}

/// The PIDs of the processes in the LAN's network namespace: the keeper alone.
fn traces_keeper(traces: &Traces) -> Vec<String> {
    let (_, lan) = traces.namespaces.last().expect("the LAN is the last");
    let entries = fs::read_dir("/proc")
        .expect("/proc can be listed")
        .flatten();
    entries
        .filter(|entry| {
            fs::metadata(entry.path().join("ns/net")).is_ok_and(|net| net.ino() == *lan)
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}
