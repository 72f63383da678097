//! A whole client against a session that is only a shell of this machine: on a real terminal, and
//! on real pipes.

use std::io::{Read, Write, pipe};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use ctr_api::session::encode;
use rustix::io::IoSlice;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::*;

fn tell(control: &OwnedFd, event: &Event, descriptor: Option<&OwnedFd>) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<_> = descriptor.iter().map(|fd| fd.as_fd()).collect();
    if !descriptors.is_empty() {
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
    }
    let bytes = encode(event).unwrap();
    sendmsg(
        control,
        &[IoSlice::new(&bytes)],
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )
    .unwrap();
}

/// What a session's watcher does after the start, without its signals.
fn follow(control: OwnedFd, mut child: Child) {
    tell(&control, &Event::Started, None);
    thread::spawn(move || {
        let status = child.wait().unwrap();
        let number = |n: i32| u8::try_from(n).unwrap();
        let event = match (status.code(), status.signal()) {
            (Some(code), _) => Event::Exited {
                status: number(code),
            },
            (None, signal) => Event::Killed {
                signal: number(signal.unwrap_or(9)),
            },
        };
        tell(&control, &event, None);
    });
}

/// A shell of this machine instead of one of a guest.
fn shell_on_pipes(script: &str, control: OwnedFd, streams: Vec<OwnedFd>) {
    let [stdin, stdout, stderr] = <[OwnedFd; 3]>::try_from(streams).unwrap();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script])
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr);
    follow(control, shell.spawn().unwrap());
}

struct Finished {
    result: Result<u8, SessionError>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

async fn exec(script: &'static str, input: Vec<u8>) -> Finished {
    let ((stdin, mut typed), (out, stdout), (err, stderr)) =
        (pipe().unwrap(), pipe().unwrap(), pipe().unwrap());
    thread::spawn(move || typed.write_all(&input));
    let reading = |mut from: std::io::PipeReader| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).map(|_| bytes).unwrap()
        })
    };
    let (out, err) = (reading(out), reading(err));
    let person = Person {
        stdin: stdin.into(),
        stdout: stdout.into(),
        stderr: stderr.into(),
    };
    let open = async |_, control, streams| {
        shell_on_pipes(script, control, streams);
        Ok(())
    };
    let result = run_with(person, SessionRequest::default(), open).await;
    Finished {
        result,
        stdout: out.join().unwrap(),
        stderr: err.join().unwrap(),
    }
}

#[tokio::test]
async fn streams_and_status_are_the_commands_own() {
    let finished = exec("cat; echo talk >&2; exit 3", b"data".to_vec()).await;
    assert_eq!(finished.result.unwrap(), 3);
    assert_eq!(finished.stdout, b"data");
    assert_eq!(finished.stderr, b"talk\n");
    assert_eq!(exec("kill -TERM $$", Vec::new()).await.result.unwrap(), 143);
}

#[tokio::test]
async fn megabytes_pass_unchanged_both_ways() {
    let bytes: Vec<u8> = (0..5_000_000_u32)
        .flat_map(|n| (n ^ n >> 7).to_le_bytes().into_iter().take(1))
        .collect();
    let finished = exec("cat", bytes.clone()).await;
    assert!(finished.stdout == bytes, "{} bytes", finished.stdout.len());
}

#[tokio::test]
async fn input_that_nobody_reads_holds_nothing_up() {
    let finished = exec("echo done", vec![0; 4_000_000]).await;
    assert_eq!(
        (finished.result.unwrap(), finished.stdout.as_slice()),
        (0, &b"done\n"[..])
    );
}

#[tokio::test]
async fn what_a_command_leaves_behind_is_not_waited_for() {
    let start = Instant::now();
    let finished = exec("sleep 20 & echo done", Vec::new()).await;
    assert_eq!(finished.stdout, b"done\n");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_refusal_is_an_error_with_its_status() {
    let person = Person::here().unwrap();
    let open = async |_, control: OwnedFd, _| {
        tell(
            &control,
            &Event::failed(127, "no psql", Some("install it")),
            None,
        );
        Ok(())
    };
    let error = run_with(person, SessionRequest::default(), open)
        .await
        .unwrap_err();
    assert_eq!(
        (error.exit_status(), error.hint()),
        (127, Some("install it"))
    );
    let open = async |_, control: OwnedFd, _| {
        tell(&control, &Event::Started, None);
        Ok(())
    };
    let lost = run_with(Person::here().unwrap(), SessionRequest::default(), open).await;
    assert!(matches!(lost, Err(SessionError::Lost)), "{lost:?}");
}

/// Both sides of a new terminal.
fn terminal() -> (OwnedFd, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    unlockpt(&master).unwrap();
    let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
    (master, slave)
}

/// Reads until this text came.
fn expect(master: &OwnedFd, text: &str) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains(text) {
        let length = rustix::io::read(master, &mut buffer).unwrap();
        seen.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn a_terminal_is_raw_while_the_session_runs_and_as_before_afterwards() {
    let (keyboard, screen) = terminal();
    let size = Winsize {
        ws_row: 33,
        ws_col: 77,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&keyboard, size).unwrap();
    let mode = screen.try_clone().unwrap();
    let cooked = move || {
        tcgetattr(&mode)
            .unwrap()
            .local_modes
            .contains(LocalModes::ICANON)
    };
    assert!(cooked());
    let dup = || screen.try_clone().unwrap();
    let person = Person {
        stdin: dup(),
        stdout: dup(),
        stderr: dup(),
    };
    let request = SessionRequest {
        terminal: true,
        ..SessionRequest::default()
    };
    let open = async |request: SessionRequest, control: OwnedFd, streams: Vec<OwnedFd>| {
        assert!(streams.is_empty());
        assert_eq!((request.rows, request.columns), (33, 77));
        let (master, slave) = terminal();
        tell(&control, &Event::Terminal, Some(&master));
        // Its size comes with the start, from the client, and not before the shell may look.
        let script =
            "for look in $(seq 2000); do size=$(stty size); [ \"$size\" = '33 77' ] && break; done
            echo $size; read word; echo \"got $word\"; exit 4";
        let dup = || slave.try_clone().unwrap();
        let mut shell = Command::new("setsid");
        shell
            .args(["-c", "sh", "-c", script])
            .stdin(dup())
            .stdout(dup())
            .stderr(dup());
        follow(control, shell.spawn().unwrap());
        Ok(())
    };
    let typing = thread::spawn(move || {
        let size = expect(&keyboard, "\n");
        let raw = !cooked();
        rustix::io::write(&keyboard, b"hello\r").unwrap();
        let answer = expect(&keyboard, "got hello");
        (size, raw, answer, cooked, keyboard)
    });
    let status = run_with(person, request, open).await.unwrap();
    let (size, raw, _answer, cooked, _keyboard) = typing.join().unwrap();
    assert_eq!(status, 4);
    assert!(raw, "every key is the guest's");
    assert!(size.contains("33 77"), "{size}");
    assert!(cooked(), "as before");
}
