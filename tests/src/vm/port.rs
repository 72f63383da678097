//! The lab's end of the serial port to the agent: commands go in, what they write comes out.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::vm::agent::Request;
use crate::vm::frame::{Frame, Kind};

/// How long a command may take to end when it was killed.
const KILLED: Duration = Duration::from_secs(20);

/// The commands that run, and where their frames go.
#[derive(Debug, Default)]
struct Commands {
    started: u32,
    running: HashMap<u32, Sender<Frame>>,
    /// The other end is closed.
    gone: bool,
}

/// A connection to the agent of a running machine.
#[derive(Debug)]
pub(crate) struct Port {
    stream: Mutex<UnixStream>,
    commands: Arc<Mutex<Commands>>,
    ready: Mutex<Receiver<()>>,
}

impl Port {
    /// Takes a connected socket, and hears on a thread of its own.
    pub(crate) fn new(stream: UnixStream) -> Result<Self> {
        let mut from_agent = stream.try_clone().context("failed to hear the agent")?;
        let commands = Arc::new(Mutex::new(Commands::default()));
        let (is_ready, ready) = mpsc::channel();
        let known = commands.clone();
        thread::spawn(move || {
            while let Ok(Some(frame)) = Frame::read_from(&mut from_agent) {
                if frame.kind == Kind::Ready {
                    let _ = is_ready.send(());
                } else if let Some(of) = held(&known).running.get(&frame.command) {
                    // Whoever ran it may have lost patience.
                    let _ = of.send(frame);
                }
            }
            let mut known = held(&known);
            known.gone = true;
            known.running.clear();
        });
        Ok(Self {
            stream: Mutex::new(stream),
            commands,
            ready: Mutex::new(ready),
        })
    }

    /// Waits this long for the agent's first word, and says whether it came.
    pub(crate) fn wait_until_ready(&self, patience: Duration) -> bool {
        held(&self.ready).recv_timeout(patience).is_ok()
    }

    /// Runs a command to its end, passes on what it writes, and returns its exit status. It is killed
    /// with everything it started when its time is up.
    pub(crate) fn run(
        &self,
        request: &Request,
        timeout: Option<Duration>,
        mut heard: impl FnMut(Kind, &[u8]) -> Result<()>,
    ) -> Result<i32> {
        let (number, frames) = self.start(request)?;
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            let left = deadline.map(|it| it.saturating_duration_since(Instant::now()));
            let frame = match frames.recv_timeout(left.unwrap_or(Duration::MAX)) {
                Ok(frame) => frame,
                Err(RecvTimeoutError::Timeout) => return Err(self.give_up(number, &frames)),
                Err(RecvTimeoutError::Disconnected) => bail!("the virtual machine has ended"),
            };
            match frame.kind {
                Kind::Stdout | Kind::Stderr => heard(frame.kind, &frame.bytes)?,
                _ => {
                    held(&self.commands).running.remove(&number);
                    return status(&frame);
                }
            }
        }
    }

    fn start(&self, request: &Request) -> Result<(u32, Receiver<Frame>)> {
        let (to, frames) = mpsc::channel();
        let number = {
            let mut commands = held(&self.commands);
            if commands.gone {
                bail!("the virtual machine has ended");
            }
            commands.started += 1;
            let number = commands.started;
            commands.running.insert(number, to);
            number
        };
        self.say(&Frame::new(Kind::Run, number, serde_json::to_vec(request)?))?;
        Ok((number, frames))
    }

    fn give_up(&self, number: u32, frames: &Receiver<Frame>) -> anyhow::Error {
        let killed = self.say(&Frame::new(Kind::Kill, number, ""));
        let deadline = Instant::now() + KILLED;
        // What it still writes is of no use, but its end is: nothing of it runs on.
        while killed.is_ok() && Instant::now() < deadline {
            match frames.recv_timeout(KILLED) {
                Ok(frame) if matches!(frame.kind, Kind::Stdout | Kind::Stderr) => {}
                _ => break,
            }
        }
        held(&self.commands).running.remove(&number);
        anyhow!("a command took too long and was killed")
    }

    fn say(&self, frame: &Frame) -> Result<()> {
        let mut stream = held(&self.stream);
        frame
            .write_to(&mut *stream)
            .and_then(|()| stream.flush())
            .context("failed to reach the agent in the virtual machine")
    }
}

/// The exit status that a last frame tells.
fn status(last: &Frame) -> Result<i32> {
    match (last.kind, last.bytes.as_slice().try_into()) {
        (Kind::Exit, Ok(bytes)) => Ok(i32::from_le_bytes(bytes)),
        (Kind::Failed, _) => bail!("{}", String::from_utf8_lossy(&last.bytes)),
        _ => bail!("the agent in the virtual machine does not say how a command ended"),
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::agent;

    const SOON: Duration = Duration::from_secs(20);

    /// A port with an agent of this machine behind it.
    fn port() -> Port {
        let (ours, mut theirs) = UnixStream::pair().expect("two sockets");
        thread::spawn(move || {
            let answers = Box::new(theirs.try_clone()?);
            agent::serve(&mut theirs, answers)
        });
        let port = Port::new(ours).expect("a port");
        assert!(port.wait_until_ready(SOON));
        port
    }

    fn run(port: &Port, text: &str, timeout: Duration) -> (Result<i32>, String, String) {
        let request = Request {
            argv: ["sh", "-c", text].map(Into::into).into(),
            stdin: b"in".to_vec(),
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let status = port.run(&request, Some(timeout), |kind, bytes| {
            match kind {
                Kind::Stdout => stdout.extend(bytes),
                _ => stderr.extend(bytes),
            }
            Ok(())
        });
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (status, text(stdout), text(stderr))
    }

    #[test]
    fn a_command_is_told_whole() {
        let (status, stdout, stderr) = run(&port(), "cat; echo err >&2; exit 3", SOON);
        assert_eq!(status.expect("it ran"), 3);
        assert_eq!((stdout.as_str(), stderr.as_str()), ("in", "err\n"));
    }

    #[test]
    fn a_command_in_the_background_holds_up_nobody() {
        let (status, stdout, _) = run(&port(), "sleep 60 & echo $!", SOON);
        assert_eq!(status.expect("it ran"), 0);
        let left = stdout.trim().parse().expect("a PID");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(left), nix::sys::signal::SIGKILL)
            .expect("it still runs");
    }

    #[test]
    fn a_command_that_takes_too_long_is_killed_with_what_it_started() {
        let port = port();
        let moment = Duration::from_secs(2);
        let (status, stdout, _) = run(&port, "sleep 61 & echo $!; wait", moment);
        assert_ne!(stdout, "");
        let error = status.expect_err("it took too long");
        assert_eq!(error.to_string(), "a command took too long and was killed");
        // What nobody has waited for yet is a process without words.
        let words = std::fs::read(format!("/proc/{}/cmdline", stdout.trim()));
        assert_eq!(words.unwrap_or_default(), b"");
        let (status, ..) = run(&port, "true", SOON);
        assert_eq!(status.expect("the agent hears on"), 0);
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let request = Request {
            argv: vec!["/no/such/program".into()],
            stdin: Vec::new(),
        };
        let error = port()
            .run(&request, Some(SOON), |_, _| Ok(()))
            .expect_err("it cannot run");
        let said = error.to_string();
        assert!(
            said.starts_with("failed to start /no/such/program"),
            "{said}"
        );
    }

    #[test]
    fn an_agent_that_is_gone_is_an_error() {
        let (ours, theirs) = UnixStream::pair().expect("two sockets");
        let port = Port::new(ours).expect("a port");
        drop(theirs);
        let (status, ..) = run(&port, "true", SOON);
        status.expect_err("nobody runs it");
    }
}
