//! The lab's agent in a virtual machine: runs there, as root, what the lab asks for.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::command::code;
use crate::spec::{Content, File as Installed};
use crate::vm::frame::{Frame, Kind};

/// The name of the serial port, as the virtual machine's hardware has it.
pub(crate) const PORT: &str = "ctr-lab";

/// Where the agent is in the machine.
const PROGRAM: &str = "/usr/lib/ctr-lab/lab";

/// Bound to its port as systemd.device(5) knows it: udev gives it its name.
const UNIT: &str = "[Unit]
Description=Agent of ctr's lab
BindsTo=dev-virtio\\x2dports-ctr\\x2dlab.device
After=dev-virtio\\x2dports-ctr\\x2dlab.device

[Service]
ExecStart=/usr/lib/ctr-lab/lab internal vm-agent
Environment=HOME=/root LC_ALL=C.UTF-8
# A command that the kernel kills for its memory is that command's business.
OOMPolicy=continue
";

/// How long the rest of a finished command's output may take to arrive.
const DRAIN: Duration = Duration::from_millis(300);

/// A command to be run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Program and arguments.
    pub(crate) argv: Vec<OsString>,
    /// What it reads.
    pub(crate) stdin: Vec<u8>,
}

/// Everything of the agent that a machine needs; `program` is the lab's own.
pub(crate) fn files(program: std::path::PathBuf) -> [Installed; 3] {
    let file = |path: &str, content| Installed {
        path: path.into(),
        content,
    };
    let unit = "/etc/systemd/system/lab-agent.service";
    let wanted = "/etc/systemd/system/multi-user.target.wants/lab-agent.service";
    [
        file(PROGRAM, Content::CopyOf(program)),
        file(unit, Content::Text(UNIT.to_owned())),
        file(wanted, Content::Link(unit.to_owned())),
    ]
}

/// What leads to the lab.
type Port = Arc<Mutex<Box<dyn Write + Send>>>;
/// The process group of each command that runs.
type Running = Arc<Mutex<HashMap<u32, Pid>>>;

/// Runs the agent until the lab is gone.
pub fn main() -> Result<()> {
    let path = format!("/dev/virtio-ports/{PORT}");
    let open = || File::options().read(true).write(true).open(&path);
    let mut from_lab = open().with_context(|| format!("failed to open {path}"))?;
    let to_lab = from_lab.try_clone().context("failed to answer the lab")?;
    serve(&mut from_lab, Box::new(to_lab))
}

/// Does what the lab asks for, until the lab is gone.
pub(crate) fn serve(from_lab: &mut impl Read, to_lab: Box<dyn Write + Send>) -> Result<()> {
    let port = Arc::new(Mutex::new(to_lab));
    let running = Running::default();
    Frame::new(Kind::Ready, 0, "").write_to(&mut *held(&port))?;
    while let Some(frame) = Frame::read_from(from_lab).context("failed to hear the lab")? {
        let command = frame.command;
        match frame.kind {
            Kind::Run => {
                let failed = move |error| Frame::new(Kind::Failed, command, format!("{error:#}"));
                let (to_lab, running) = (port.clone(), running.clone());
                let started = thread(move || {
                    let last = run(&frame, &to_lab, &running).unwrap_or_else(failed);
                    // Without the lab there is nobody to tell.
                    let _ = last.write_to(&mut *held(&to_lab));
                });
                if let Err(error) = started {
                    failed(error).write_to(&mut *held(&port))?;
                }
            }
            Kind::Kill => {
                if let Some(group) = held(&running).get(&command) {
                    // It may have ended at this moment.
                    let _ = killpg(*group, Signal::SIGKILL);
                }
            }
            // What only the agent says.
            Kind::Ready | Kind::Stdout | Kind::Stderr | Kind::Exit | Kind::Failed => {}
        }
    }
    Ok(())
}

/// Runs one command to its end and returns its last frame.
fn run(frame: &Frame, port: &Port, running: &Running) -> Result<Frame> {
    let number = frame.command;
    let Request { argv, stdin } =
        serde_json::from_slice(&frame.bytes).context("failed to understand a command")?;
    let (program, arguments) = argv.split_first().context("a command without a program")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("failed to start {}", program.display()))?;
    let group = Pid::from_raw(i32::try_from(child.id()).context("a PID")?);
    held(running).insert(number, group);
    let ended = outcome(&mut child, stdin, number, port);
    if ended.is_err() {
        let _ = child.kill();
    }
    held(running).remove(&number);
    Ok(Frame::new(Kind::Exit, number, ended?.to_le_bytes()))
}

fn outcome(child: &mut Child, bytes: Vec<u8>, number: u32, port: &Port) -> Result<i32> {
    let mut stdin = child.stdin.take().context("a command without stdin")?;
    // On a thread: a command may well write before it reads, or never read at all.
    thread(move || {
        // Nobody has to read it.
        let _ = stdin.write_all(&bytes);
    })?;
    let stdout = child.stdout.take().context("a command without stdout")?;
    let stderr = child.stderr.take().context("a command without stderr")?;
    let (done, both) = mpsc::channel();
    relay(stdout, Kind::Stdout, number, port, done.clone())?;
    relay(stderr, Kind::Stderr, number, port, done)?;
    let status = child.wait().context("failed to wait for a command")?;
    settle(&both);
    Ok(code(status))
}

/// Passes on what a command writes, until the last writer is gone.
fn relay(
    mut source: impl Read + Send + 'static,
    kind: Kind,
    number: u32,
    port: &Port,
    done: Sender<()>,
) -> Result<()> {
    let port = port.clone();
    thread(move || {
        let mut buffer = vec![0; 32768];
        while let Ok(count @ 1..) = source.read(&mut buffer) {
            let frame = Frame::new(kind, number, &buffer[..count]);
            if frame.write_to(&mut *held(&port)).is_err() {
                return;
            }
        }
        // Whoever waits for this may have lost patience.
        let _ = done.send(());
    })
}

/// Starts a thread. A machine whose tasks are used up has none to give: that is for the lab to hear.
fn thread(work: impl FnOnce() + Send + 'static) -> Result<()> {
    let started = thread::Builder::new().spawn(work);
    started.map(drop).context("failed to start a thread")
}

/// Waits for the end of both outputs, but not for a process that the command left in the background.
fn settle(both: &Receiver<()>) {
    for _ in 0..2 {
        if both.recv_timeout(DRAIN).is_err() {
            return;
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
