//! The small program that puts one command into a running host.
//!
//! It joins the host's cgroup before the namespaces (joining namespaces alone would leave the
//! command outside the host's device limits), then becomes the command's parent, because a joined
//! PID namespace takes effect for children only.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use nix::sched::{CloneFlags, setns};
use nix::unistd::chdir;

use crate::cgroup::Cgroup;

/// In the order they are joined; the mount namespace last, while /proc is still the machine's.
const NAMESPACES: [(&str, CloneFlags); 6] = [
    ("cgroup", CloneFlags::CLONE_NEWCGROUP),
    ("ipc", CloneFlags::CLONE_NEWIPC),
    ("uts", CloneFlags::CLONE_NEWUTS),
    ("net", CloneFlags::CLONE_NEWNET),
    ("pid", CloneFlags::CLONE_NEWPID),
    ("mnt", CloneFlags::CLONE_NEWNS),
];

/// Where a command goes: the arguments of this program, in both directions.
#[derive(Debug)]
pub(crate) struct Entrance {
    /// The host's PID 1.
    pub(crate) leader: u32,
    /// The process whose network the command gets: the leader, or the keeper for the LAN's.
    pub(crate) network: u32,
    /// The cgroup the command runs in.
    pub(crate) cgroup: PathBuf,
}

impl Entrance {
    /// The arguments that name this entrance.
    pub(crate) fn arguments(&self) -> [OsString; 3] {
        [
            self.leader.to_string().into(),
            self.network.to_string().into(),
            self.cgroup.clone().into_os_string(),
        ]
    }

    fn parse(arguments: &[OsString]) -> Result<(Self, &[OsString])> {
        let [leader, network, cgroup, command @ ..] = arguments else {
            bail!("usage: lab internal enter LEADER NETWORK CGROUP COMMAND...");
        };
        let pid = |text: &OsString| text.to_string_lossy().parse::<u32>();
        let entrance = Self {
            leader: pid(leader)?,
            network: pid(network)?,
            cgroup: PathBuf::from(cgroup),
        };
        Ok((entrance, command))
    }
}

/// Runs the program: LEADER NETWORK CGROUP COMMAND...
pub fn main(arguments: &[OsString]) -> Result<ExitCode> {
    let (entrance, command) = Entrance::parse(arguments)?;
    let (program, arguments) = command.split_first().context("no command to run")?;
    Cgroup::at(&entrance.cgroup).enter()?;
    let opened = NAMESPACES
        .iter()
        .map(|(name, flag)| {
            let of = if *name == "net" {
                entrance.network
            } else {
                entrance.leader
            };
            Ok((File::open(format!("/proc/{of}/ns/{name}"))?, *flag, *name))
        })
        .collect::<Result<Vec<_>>>()
        .context("the host is not running")?;
    for (namespace, flag, name) in opened {
        setns(namespace, flag).with_context(|| format!("failed to join the {name} namespace"))?;
    }
    chdir("/").context("failed to enter the host's root")?;
    // Whoever runs the tests in the background may ignore signals, which is inherited by everything that
    // they start: a key of a terminal would end nothing (env(1)).
    let status = Command::new("env")
        .args(["--default-signal", "--"])
        .arg(program)
        .args(arguments)
        .env_clear()
        .envs([
            (
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ),
            ("HOME", "/root"),
            ("USER", "root"),
            ("LOGNAME", "root"),
            ("SHELL", "/bin/bash"),
            ("LANG", "C.UTF-8"),
            ("TERM", "xterm-256color"),
        ])
        .status()
        .with_context(|| format!("failed to start {}", program.to_string_lossy()))?;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(ExitCode::from(
        code.and_then(|code| u8::try_from(code).ok())
            .unwrap_or(u8::MAX),
    ))
}
