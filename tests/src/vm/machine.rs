//! A booted virtual machine, and what a test does with it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::boot::Options;
use crate::command::Output;
use crate::diagnosis::{self, Answers};
use crate::host::{described, expect, succeeded};
use crate::slots::Slot;
use crate::vm::agent::Request;
use crate::vm::frame::Kind;
use crate::vm::port::Port;
use crate::vm::power::Power;
use crate::vm::volatile_disk::Loss;

/// How long a command may take unless it says otherwise: the processor is emulated, and shared.
const TIMEOUT: Duration = Duration::from_secs(300);

/// From the agent's first word until systemd has nothing left to start.
const BOOT: Duration = Duration::from_secs(300);

/// A real systemd host with a kernel of its own. It ends with everything in it when dropped.
///
/// As with a [`Host`](crate::Host), what a test runs is bash text, and the methods that return no
/// [`Result`] panic with everything a reader needs to see.
#[derive(Debug)]
pub struct Vm {
    port: Port,
    power: Power,
    may_fail: bool,
    _slot: Slot,
}

impl Vm {
    /// Boots a machine with this build's ctrd running on this declaration.
    #[track_caller]
    pub fn with_ctr(declaration: &str) -> Self {
        expect(Options::new().with_ctr(declaration).boot_vm())
    }

    /// Waits until a machine that was just switched on has booted.
    pub(crate) fn boot_on(mut power: Power, may_fail: bool, slot: Slot) -> Result<Self> {
        let port = power.connect()?;
        let vm = Self {
            port,
            power,
            may_fail,
            _slot: slot,
        };
        vm.wait_until_booted()?;
        Ok(vm)
    }

    fn wait_until_booted(&self) -> Result<()> {
        let wait = ["systemctl", "is-system-running", "--wait"];
        let state = self.output(wait, "", BOOT)?;
        match state.stdout.trim() {
            "running" => Ok(()),
            "degraded" if self.may_fail => Ok(()),
            _ => {
                diagnosis::require_no_failed_unit(self)?;
                bail!("the virtual machine is {}", described("systemctl", &state))
            }
        }
    }

    /// Cuts the machine's power, then boots it from the same disk. What the disk was told to keep is
    /// there; of what it was not, sector by sector, some is lost, and `seed` repeats which. The files
    /// that the machine was booted with are not laid over its root again.
    pub fn cut_power(&mut self, seed: u64) -> Result<Loss> {
        let loss = self.power.cut(seed)?;
        self.port = self.power.connect()?;
        self.wait_until_booted()?;
        Ok(loss)
    }

    /// Runs program and arguments with these bytes on stdin.
    pub fn output<I: Into<OsString>>(
        &self,
        argv: impl IntoIterator<Item = I>,
        stdin: impl Into<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Output> {
        let request = request(argv, stdin);
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let status = self.port.run(&request, Some(timeout), |kind, bytes| {
            if kind == Kind::Stdout {
                stdout.extend(bytes);
            } else {
                stderr.extend(bytes);
            }
            Ok(())
        });
        let [stdout, stderr] =
            [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        match status {
            Ok(status) => Ok(Output {
                status,
                stdout,
                stderr,
            }),
            Err(error) => Err(error.context(format!(
                "{}\nstdout: {stdout}\nstderr: {stderr}",
                request.argv.join(" ".as_ref()).display()
            ))),
        }
    }

    /// Runs bash text and passes each line of its stdout on, until one of them is the one that was
    /// waited for. What runs then runs on.
    #[track_caller]
    pub fn run_until(&self, text: &str, mut is_it: impl FnMut(&str) -> bool) {
        let (mut line, mut said) = (Vec::new(), Vec::new());
        let mut found = false;
        let status = self.port.run(
            &request(["bash", "-c", text], ""),
            Some(TIMEOUT),
            |kind, bytes| {
                said.extend(bytes);
                if kind == Kind::Stdout {
                    for byte in bytes {
                        if *byte != b'\n' {
                            line.push(*byte);
                            continue;
                        }
                        // What was said after it is no matter any more.
                        found = found || is_it(&String::from_utf8_lossy(&line));
                        line.clear();
                    }
                }
                ensure!(!found, "heard");
                Ok(())
            },
        );
        assert!(
            found,
            "{text}\nended ({status:?}) without what was waited for\n{}",
            String::from_utf8_lossy(&said)
        );
    }

    /// Runs program and arguments with this process's own stdout and stderr, for as long as it
    /// takes, and returns the exit status.
    pub fn inherit<I: Into<OsString>>(&self, argv: impl IntoIterator<Item = I>) -> Result<i32> {
        self.port.run(&request(argv, ""), None, |kind, bytes| {
            let mut to: Box<dyn Write> = match kind {
                Kind::Stderr => Box::new(io::stderr()),
                _ => Box::new(io::stdout()),
            };
            to.write_all(bytes)?;
            Ok(to.flush()?)
        })
    }

    /// Runs bash text.
    #[track_caller]
    pub fn run(&self, text: &str) -> Output {
        expect(self.output(["bash", "-c", text], "", TIMEOUT))
    }

    /// Runs bash text that must succeed, and returns its stdout.
    #[track_caller]
    pub fn ok(&self, text: &str) -> String {
        succeeded(text, self.run(text))
    }

    /// Runs bash text that must fail, and returns everything it left behind.
    #[track_caller]
    pub fn fails(&self, text: &str) -> Output {
        let output = self.run(text);
        assert!(!output.success(), "`{text}` succeeded\n{}", output.stdout);
        output
    }

    /// Repeats bash text until it succeeds, and returns its stdout.
    #[track_caller]
    pub fn until(&self, text: &str) -> String {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let output = self.run(text);
            if output.success() {
                return output.stdout;
            }
            assert!(
                Instant::now() < deadline,
                "not within {} s: {}",
                TIMEOUT.as_secs(),
                described(text, &output)
            );
            // Looking again is work for the processor that is waited for.
            thread::sleep(Duration::from_millis(300));
        }
    }

    /// Writes a file, with the directories above it.
    #[track_caller]
    pub fn write(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        let script = "mkdir -p -- \"$(dirname -- \"$1\")\" && cat >\"$1\"";
        let written = self.output(["bash", "-c", script, "bash", path], bytes, TIMEOUT);
        succeeded(path, expect(written));
    }
}

fn request<I: Into<OsString>>(
    argv: impl IntoIterator<Item = I>,
    stdin: impl Into<Vec<u8>>,
) -> Request {
    Request {
        argv: argv.into_iter().map(Into::into).collect(),
        stdin: stdin.into(),
    }
}

impl Answers for Vm {
    fn answer(&self, argv: &[&str]) -> Result<Output> {
        self.output(argv, "", Duration::from_secs(60))
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        match diagnosis::journal(self, Some("ctrd.service")) {
            Ok(journal) => eprintln!("--- the last lines of ctrd's journal\n{journal}---"),
            Err(error) => eprintln!("lab: no journal ({error:#}){}", self.power.said()),
        }
    }
}
