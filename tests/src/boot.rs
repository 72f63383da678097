//! Options of a host, and its way from nothing to a booted systemd.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use ctr_hardware::Machine;

use crate::base_tree::base_tree;
use crate::diagnosis;
use crate::host::Host;
use crate::identity::{Identity, sweep_stale_labs};
use crate::install::{self, Profile};
use crate::limits;
use crate::packages;
use crate::program;
use crate::readiness::Readiness;
use crate::root_file_system::NOTIFY_SOCKET_ON_MACHINE;
use crate::slots;
use crate::spec::{Content, File, Spec, Started};

const PATIENCE: Duration = Duration::from_secs(60);

/// What a host shall be. Without any option: a bare Debian with systemd.
#[derive(Debug, Default)]
pub struct Options {
    pub(crate) files: Vec<File>,
    pub(crate) ctr: bool,
    pub(crate) hardware: Option<Machine>,
    pub(crate) may_fail: bool,
    pub(crate) gpu: bool,
    packages: Vec<&'static str>,
    pub(crate) profile: Profile,
    say: Option<Say>,
}

/// Whom to tell what takes long.
pub(crate) struct Say(pub(crate) Box<dyn Fn(&str)>);

impl std::fmt::Debug for Say {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Say")
    }
}

impl Options {
    /// A bare host.
    pub fn new() -> Self {
        Self::default()
    }

    /// Installs this build's ctrd and ctr as a package would, with this declaration, and starts
    /// ctrd as the boot goes on. It builds them first where they are not up to date.
    #[must_use]
    pub fn with_ctr(mut self, declaration: &str) -> Self {
        self.ctr = true;
        self.file("/etc/ctr/containers.toml", declaration)
    }

    /// Writes a file into the host before it boots.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.files.push(File {
            path: path.into(),
            content: Content::Text(text.into()),
        });
        self
    }

    /// Copies a file of the machine into the host before it boots.
    #[must_use]
    pub fn copy(mut self, source: impl Into<PathBuf>, path: impl Into<PathBuf>) -> Self {
        self.files.push(File {
            path: path.into(),
            content: Content::CopyOf(source.into()),
        });
        self
    }

    /// Makes a symbolic link in the host before it boots; to /dev/null, it masks a unit.
    #[must_use]
    pub fn link(mut self, target: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.files.push(File {
            path: path.into(),
            content: Content::Link(target.into()),
        });
        self
    }

    /// Installs more Debian packages in the tree that host and guests are made of: another tree than that of hosts
    /// without them, made once and kept like it.
    #[must_use]
    pub fn packages(mut self, packages: &[&'static str]) -> Self {
        self.packages.extend(packages);
        self
    }

    /// Builds ctrd and ctr as they are installed, and not as quickly as may be.
    #[must_use]
    pub fn release(mut self) -> Self {
        self.profile = Profile::Release;
        self
    }

    /// Lets a unit fail during the boot. Otherwise a host that boots degraded is an error.
    #[must_use]
    pub fn units_may_fail(mut self) -> Self {
        self.may_fail = true;
        self
    }

    /// Gives a virtual machine a graphics processor: virtio's, which Debian's kernel has a driver for.
    /// A host in namespaces has no hardware.
    #[must_use]
    pub fn with_gpu(mut self) -> Self {
        self.gpu = true;
        self
    }

    /// Tells what takes long, such as making the base tree.
    #[must_use]
    pub fn say(mut self, say: impl Fn(&str) + 'static) -> Self {
        self.say = Some(Say(Box::new(say)));
        self
    }

    /// Boots the host. It ends when the returned value is dropped or this process ends.
    pub fn boot(mut self) -> Result<Host> {
        let Say(say) = self.take_say();
        packages::require_root()?;
        packages::require_tools(&packages::HOST, &say)?;
        sweep_stale_labs()?;
        let base = base_tree(&self.packages, &say)?;
        if self.ctr {
            self.files.extend(install::files(self.profile, &say)?);
        }
        limits::raise(&say)?;
        let slot = slots::take()?;
        let host = start(base, self.files, self.hardware)?;
        drop(slot);
        if !self.may_fail {
            diagnosis::require_no_failed_unit(&host)?;
        }
        Ok(host)
    }

    pub(crate) fn take_say(&mut self) -> Say {
        let to_stderr = || Say(Box::new(|line| eprintln!("lab: {line}")));
        self.say.take().unwrap_or_else(to_stderr)
    }
}

fn start(base: PathBuf, mut files: Vec<File>, hardware: Option<Machine>) -> Result<Host> {
    // These show the machine's own kernel, and a lab has no business there.
    for unit in [
        "sys-kernel-config.mount",
        "sys-kernel-debug.mount",
        "sys-kernel-tracing.mount",
    ] {
        let path = Path::new("/etc/systemd/system").join(unit);
        files.push(File {
            path,
            content: Content::Link("/dev/null".to_owned()),
        });
    }
    let identity = Identity::new()?;
    let run_directory = identity.run_directory();
    fs::create_dir_all(run_directory.join("root")).context("failed to make the lab's directory")?;
    let readiness = Readiness::listen(&run_directory.join(NOTIFY_SOCKET_ON_MACHINE))?;
    let log = run_directory.join("log");
    let spec = Spec {
        run_directory: run_directory.clone(),
        cgroup: identity.cgroup()?.path().to_owned(),
        base,
        hostname: "lab".to_owned(),
        files,
        hardware,
        keeper: 0,
    };
    let mut keeper = Command::new(program::lab()?)
        .args(["internal", "keep"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&log).context("failed to make the lab's log")?)
        // ctrl-C goes to the whole process group of the terminal: the keeper must see its owner end.
        .process_group(0)
        .spawn()
        .context("failed to start the lab's keeper")?;
    let mut lifeline = keeper.stdin.take().context("the keeper has no stdin")?;
    let answer = keeper.stdout.take().context("the keeper has no stdout")?;
    let mut log = fs::File::open(&log).context("failed to open the lab's log")?;
    let booted = || -> Result<Started> {
        writeln!(lifeline, "{}", serde_json::to_string(&spec)?)?;
        let mut line = String::new();
        BufReader::new(answer).read_line(&mut line)?;
        let started = serde_json::from_str(&line).context("the lab's keeper gave no answer")?;
        readiness.wait(&mut keeper, PATIENCE)?;
        Ok(started)
    };
    match booted() {
        Ok(started) => Ok(Host::new(
            started.leader,
            identity.cgroup()?,
            keeper,
            lifeline,
        )),
        Err(error) => {
            drop(lifeline);
            let _ = keeper.wait();
            let mut talk = String::new();
            let _ = std::io::Read::read_to_string(&mut log, &mut talk);
            if talk.is_empty() {
                return Err(error);
            }
            bail!("{error:#}\n{}", talk.trim_end())
        }
    }
}
