//! A virtual machine's power: the keeper that gives it, and what it says meanwhile.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command::wait;
use crate::identity::Identity;
use crate::program;
use crate::spec;
use crate::vm::image::Image;
use crate::vm::keeper::{CUT, STARTED};
use crate::vm::port::Port;
use crate::vm::spec::Spec;
use crate::vm::volatile_disk::Loss;

/// From power-on until the agent hears. It takes half a minute; where everything else runs too, ten
/// times as long.
const PATIENCE: Duration = Duration::from_secs(400);

/// How long a machine may take to disappear.
const END: Duration = Duration::from_secs(20);

/// A machine that is switched on. It is switched off, and everything of it removed, when dropped.
#[derive(Debug)]
pub(crate) struct Power {
    spec: Spec,
    keeper: Child,
    lifeline: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    log: File,
    console: File,
}

impl Power {
    /// Switches a new machine on, with these files laid over its root, and with a graphics processor
    /// where it is to have one.
    pub(crate) fn on(image: Image, files: Vec<spec::File>, gpu: bool) -> Result<Self> {
        let identity = Identity::new()?;
        let run_directory = identity.run_directory();
        let spec = Spec {
            disks: identity.disks()?,
            run_directory: run_directory.clone(),
            root: image.root,
            guests: image.guests,
            kernel: image.kernel,
            initrd: image.initrd,
            files,
            gpu,
        };
        fs::create_dir_all(&run_directory).context("failed to make the lab's directory")?;
        // Kept open: what is said there outlives the directory.
        let read_later = |path| -> Result<[File; 2]> {
            let file = File::create(&path).context("failed to make the machine's log")?;
            let log = File::open(&path).context("failed to open the machine's log")?;
            Ok([file, log])
        };
        let [stderr, log] = read_later(run_directory.join("log"))?;
        let [_, console] = read_later(spec.console())?;
        let mut keeper = Command::new(program::lab()?)
            .args(["internal", "vm-keep"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            // ctrl-C goes to the whole process group of the terminal: the keeper must see its owner end.
            .process_group(0)
            .spawn()
            .context("failed to start the machine's keeper")?;
        let lifeline = keeper.stdin.take();
        let answers = keeper.stdout.take().context("the keeper has no stdout")?;
        let mut power = Self {
            spec,
            keeper,
            lifeline,
            answers: BufReader::new(answers),
            log,
            console,
        };
        let spec = serde_json::to_string(&power.spec)?;
        power.ask(&spec)?;
        Ok(power)
    }

    /// Ends the machine without a word to it, and switches it on again. Of what its disk was not told
    /// to keep some is lost, by the chance that `seed` stands for.
    pub(crate) fn cut(&mut self, seed: u64) -> Result<Loss> {
        let loss = self.ask(&format!("{CUT}{seed}"))?;
        loss.context("the keeper does not say what a power cut did")
    }

    /// Connects to the agent of the machine that was just switched on, and waits until it hears.
    pub(crate) fn connect(&mut self) -> Result<Port> {
        let deadline = Instant::now() + PATIENCE;
        let mut port = None;
        while Instant::now() < deadline {
            if let Some(status) = self.keeper.try_wait()? {
                bail!(
                    "the virtual machine ended while it booted ({status}){}",
                    self.said()
                );
            }
            // qemu makes the socket a moment after its start.
            if port.is_none() {
                let stream = UnixStream::connect(self.spec.agent());
                port = stream.ok().map(Port::new).transpose()?;
            }
            match port.take() {
                Some(heard) if heard.wait_until_ready(Duration::from_millis(200)) => {
                    return Ok(heard);
                }
                not_yet => port = not_yet,
            }
            if port.is_none() {
                thread::sleep(Duration::from_millis(20));
            }
        }
        bail!(
            "the virtual machine has not booted within {} s{}",
            PATIENCE.as_secs(),
            self.said()
        )
    }

    /// The last of what qemu and the machine's console said, for a reader of an error.
    pub(crate) fn said(&self) -> String {
        let mut said = String::new();
        for (name, mut file) in [("qemu", &self.log), ("console", &self.console)] {
            let mut bytes = Vec::new();
            // What cannot be read cannot be told.
            let _ = file.read_to_end(&mut bytes);
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            if !lines.is_empty() {
                let last = &lines[lines.len().saturating_sub(40)..];
                said.extend(["\n--- ", name, "\n", &last.join("\n")]);
            }
        }
        said
    }

    fn ask(&mut self, line: &str) -> Result<Option<Loss>> {
        let mut answer = String::new();
        let asked = self
            .lifeline
            .as_mut()
            .context("the keeper has no stdin")
            .and_then(|lifeline| Ok(writeln!(lifeline, "{line}")?))
            .and_then(|()| Ok(self.answers.read_line(&mut answer)?));
        if let (Ok(_), Some(loss)) = (asked, answer.strip_prefix(STARTED)) {
            return serde_json::from_str(loss).context("failed to understand the keeper");
        }
        // It has ended, or is about to: its last word is in its log.
        wait(&mut self.keeper, END)?;
        bail!("failed to start the virtual machine{}", self.said())
    }

    fn off(&mut self) -> Result<()> {
        // The keeper sees its stdin close and takes the machine away; wait, so that nothing is left.
        drop(self.lifeline.take());
        if wait(&mut self.keeper, END)?.is_none() {
            self.keeper.kill()?;
            self.keeper.wait()?;
            fs::remove_dir_all(&self.spec.disks)?;
            fs::remove_dir_all(&self.spec.run_directory)?;
            bail!("the keeper did not end");
        }
        Ok(())
    }
}

impl Drop for Power {
    fn drop(&mut self) {
        if let Err(error) = self.off() {
            eprintln!("lab: failed to take a virtual machine away: {error:#}");
        }
    }
}
