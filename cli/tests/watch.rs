//! `ctr status --watch` on a real terminal: what stands on the screen, and that it is given back clean
//! however the command ends.

mod fake;

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fake::Fake;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

const ROWS: u16 = 24;
/// For a machine that does much else besides.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command on a terminal, as somebody sees it.
struct Terminal {
    child: Child,
    screen: Arc<Mutex<vt100::Parser>>,
    bytes: Arc<Mutex<Vec<u8>>>,
    master: std::os::fd::OwnedFd,
}

fn size(columns: u16) -> Winsize {
    Winsize {
        ws_row: ROWS,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

impl Terminal {
    fn run(fake: &Fake, columns: u16, words: &[&str], environment: &[(&str, &str)]) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).expect("a terminal");
        unlockpt(&master).expect("it is ours");
        tcsetwinsize(&master, size(columns)).expect("it has a size");
        let other = ioctl_tiocgptpeer(&master, flags).expect("its other end");
        let end = || other.try_clone().expect("one more");
        let child = Command::new(env!("CARGO_BIN_EXE_ctr"))
            .args(words)
            .env("DBUS_SYSTEM_BUS_ADDRESS", &fake.bus.address)
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("ctr was built for this test");
        // A shell has written here before.
        let mut parser = vt100::Parser::new(ROWS, columns, 0);
        parser.process(b"$ ctr status --watch\r\n");
        let screen = Arc::new(Mutex::new(parser));
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (shown, kept) = (screen.clone(), bytes.clone());
        let mut reader = File::from(master.try_clone().expect("one more"));
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // It ends when nobody has the other end any more.
            while let Ok(read @ 1..) = reader.read(&mut piece) {
                shown.lock().expect("shown").process(&piece[..read]);
                kept.lock().expect("kept").extend(&piece[..read]);
            }
        });
        Self {
            child,
            screen,
            bytes,
            master,
        }
    }

    fn text(&self) -> String {
        let contents = self.screen.lock().expect("shown").screen().contents();
        let line = |line: &str| line.trim_end().to_owned() + "\n";
        contents.lines().map(line).collect()
    }

    fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if holds(&text) {
                return text;
            }
            assert!(begun.elapsed() < PATIENCE, "never {what}:\n{text}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill_process(Pid::from_raw(pid).expect("not zero"), signal).expect("sent");
    }

    /// Until the process is in this state (`proc_pid_stat(5)`).
    fn until_it_is(&self, state: char) {
        let stat = format!("/proc/{}/stat", self.child.id());
        self.until("in that state", |_| {
            let text = std::fs::read_to_string(&stat).expect("it is there");
            let after = text
                .rsplit_once(") ")
                .expect("its name is in parentheses")
                .1;
            after.starts_with(state)
        });
    }

    fn is_hidden_or_other(&self) -> bool {
        let parser = self.screen.lock().expect("shown");
        parser.screen().alternate_screen() || parser.screen().hide_cursor()
    }

    fn end(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The table is there, with its last row.
fn drawn(text: &str) -> bool {
    text.contains("hello ") && text.contains("broken")
}

#[test]
fn at_80_columns_the_table_is_redrawn_in_place() {
    let fake = Fake::start();
    let terminal = Terminal::run(&fake, 80, &["status", "--watch"], &[]);
    insta::assert_snapshot!("watch_at_80_columns", terminal.until("drawn", drawn));
    assert!(
        terminal
            .screen
            .lock()
            .expect("shown")
            .screen()
            .hide_cursor()
    );
    assert_eq!(fake_command(&fake, &["lab", "start", "broken"]), Some(1));
    let started = |text: &str| text.contains("starting") && drawn(text);
    let text = terminal.until("redrawn", started);
    assert_eq!(text.matches("NAME").count(), 1, "in place: {text}");
    // A narrower window is followed at once.
    let mut screen = terminal.screen.lock().expect("shown");
    screen.screen_mut().set_size(ROWS, 40);
    drop(screen);
    tcsetwinsize(&terminal.master, size(40)).expect("it has a size");
    terminal.signal(Signal::WINCH);
    terminal.until("narrower", |text| drawn(text) && !text.contains("RESTARTS"));
}

fn fake_command(fake: &Fake, words: &[&str]) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ctr"));
    command.args(words);
    command.env("DBUS_SYSTEM_BUS_ADDRESS", &fake.bus.address);
    command
        .status()
        .expect("ctr was built for this test")
        .code()
}

#[test]
fn whatever_ends_it_the_terminal_is_as_it_was() {
    let fake = Fake::start();
    for (signal, status) in [
        (Signal::INT, 0),
        (Signal::TERM, 143),
        (Signal::HUP, 129),
        (Signal::QUIT, 131),
    ] {
        let mut terminal = Terminal::run(&fake, 80, &["status", "--watch"], &[]);
        terminal.until("drawn", drawn);
        assert!(
            terminal
                .screen
                .lock()
                .expect("shown")
                .screen()
                .alternate_screen()
        );
        terminal.signal(signal);
        assert_eq!(terminal.end(), Some(status), "{signal:?}");
        let text = terminal.until("given back", |text| {
            text.starts_with("$ ctr status --watch")
        });
        assert_eq!(text.lines().count(), 1, "{signal:?}: {text}");
        let screen = terminal.screen.lock().expect("shown");
        assert!(!screen.screen().alternate_screen() && !screen.screen().hide_cursor());
    }
}

#[test]
fn who_stops_it_has_the_terminal_until_it_goes_on() {
    let fake = Fake::start();
    let mut terminal = Terminal::run(&fake, 80, &["status", "--watch"], &[]);
    terminal.until("drawn", drawn);
    terminal.signal(Signal::TSTP);
    terminal.until_it_is('T');
    let text = terminal.until("given back", |text| !drawn(text));
    assert_eq!(text, "$ ctr status --watch\n");
    assert!(!terminal.is_hidden_or_other());
    // A shell writes there meanwhile; the other screen is drawn whole again, and goes again.
    terminal.signal(Signal::CONT);
    terminal.until("drawn again", drawn);
    assert!(terminal.is_hidden_or_other());
    terminal.signal(Signal::INT);
    assert_eq!(terminal.end(), Some(0));
    let text = terminal.until("given back", |text| !drawn(text));
    assert_eq!(text, "$ ctr status --watch\n");
    assert!(!terminal.is_hidden_or_other());
}

#[test]
fn without_colour_there_is_none_and_a_dumb_terminal_is_told_nothing_but_text() {
    let fake = Fake::start();
    let sgr = |terminal: &Terminal| {
        let bytes = terminal.bytes.lock().expect("kept").clone();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.contains("\u{1b}[32m")
    };
    let colour = Terminal::run(&fake, 80, &["status", "--watch"], &[]);
    colour.until("drawn", drawn);
    assert!(sgr(&colour), "the control");
    let none = Terminal::run(&fake, 80, &["status", "--watch"], &[("NO_COLOR", "1")]);
    none.until("drawn", drawn);
    assert!(!sgr(&none));
    let dumb = Terminal::run(&fake, 80, &["status", "--watch"], &[("TERM", "dumb")]);
    dumb.until("drawn", drawn);
    assert!(!dumb.bytes.lock().expect("kept").contains(&0x1b));
}
