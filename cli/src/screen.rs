//! The terminal's other screen: what stood there before comes back however the command ends.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Signal, getpid, kill_process};

use crate::error::Error;
use crate::output;

/// Other screen, cursor hidden (xterm control sequences, DECSET 1049 and DECTCEM), and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";

/// The terminal shows its other screen: there is one terminal, whoever knows of it.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// A table that is drawn over and over in the same place.
pub(crate) struct Screen {
    /// What stands there; nothing where that is not known.
    shown: RefCell<Option<String>>,
    /// A terminal that knows no control sequences (`TERM=dumb`) is written on like paper.
    paper: bool,
}

impl Screen {
    pub(crate) fn open() -> Result<Self, Error> {
        let screen = Self {
            shown: RefCell::default(),
            paper: std::env::var_os("TERM").is_some_and(|term| term == "dumb"),
        };
        leave_before_a_panic_is_told();
        screen.enter()?;
        Ok(screen)
    }

    fn enter(&self) -> Result<(), Error> {
        if self.paper {
            return Ok(());
        }
        ENTERED.store(true, Ordering::SeqCst);
        output::print(ENTER)
    }

    /// Shows `text`, where it is not what stands there.
    pub(crate) fn draw(&self, text: &str) -> Result<(), Error> {
        let before = self.shown.replace(Some(text.to_owned()));
        if before.as_deref() == Some(text) {
            return Ok(());
        }
        if self.paper {
            return output::print(&format!("{text}\n"));
        }
        let size = terminal_size::terminal_size_of(io::stdout());
        let rows = size.map_or(24, |(_, rows)| rows.0);
        output::print(&frame(text, rows.into()))
    }

    /// Somebody else may have written there, or its size is another: the next drawing is a whole one.
    pub(crate) fn forget(&self) {
        self.shown.replace(None);
    }

    /// Gives the terminal back and stops, as Ctrl-Z wants; goes on where the person does.
    pub(crate) fn suspend(&self) -> Result<(), Error> {
        leave();
        kill_process(getpid(), Signal::STOP).map_err(io::Error::from)?;
        self.forget();
        self.enter()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Once, and past the lock and the buffer of [`io::stdout`]: whoever panics may hold them.
fn leave() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        // A terminal that is gone needs nothing.
        let _ = rustix::io::write(io::stdout(), LEAVE);
    }
}

/// What a panic says would go with the other screen.
fn leave_before_a_panic_is_told() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            tell(panic);
        }));
    });
}

/// Overwrites the screen line by line, which does not flicker as clearing it first would.
fn frame(text: &str, rows: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    // The cursor shows again where a shell had the terminal for a while.
    let mut frame = String::from("\x1b[?25l\x1b[H");
    let fits = lines.len() <= rows;
    let shown = if fits {
        lines.len()
    } else {
        rows.saturating_sub(1)
    };
    for (index, line) in lines.iter().take(shown).enumerate() {
        let end = if index + 1 == rows { "" } else { "\n" };
        let _ = write!(frame, "{line}\x1b[K{end}");
    }
    if !fits {
        let _ = write!(frame, "… {} lines more\x1b[K", lines.len() - shown);
    }
    frame.push_str("\x1b[J");
    frame
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs::File;
    use std::io::Read;
    use std::process::Command;

    use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

    use super::{ENTER, LEAVE, Screen, frame};

    const IN_A_TERMINAL: &str = "CTR_TEST_IN_A_TERMINAL";

    #[test]
    fn what_does_not_fit_is_counted() {
        let text = "a\nb\nc\nd\n";
        assert!(frame(text, 4).contains("d\x1b[K\x1b[J"));
        assert!(frame(text, 3).ends_with("… 2 lines more\x1b[K\x1b[J"));
    }

    /// This program once more, on a terminal of its own.
    #[test]
    fn a_panic_is_told_where_people_see_it() {
        if env::var_os(IN_A_TERMINAL).is_some() {
            let screen = Screen::open().expect("a screen");
            screen.draw("the table").expect("drawn");
            screen.draw("the table").expect("it stands there");
            panic!("out of here");
        }
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).expect("a terminal");
        unlockpt(&master).expect("it is ours");
        let end = ioctl_tiocgptpeer(&master, flags).expect("its other end");
        let name = "screen::tests::a_panic_is_told_where_people_see_it";
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", name, "--nocapture", "--test-threads=1"])
            .env(IN_A_TERMINAL, "1")
            .env("TERM", "xterm")
            .stdout(end.try_clone().expect("one more"))
            .stderr(end)
            .spawn()
            .expect("it runs");
        let mut bytes = Vec::new();
        // The read fails once nobody has the other end any more.
        let _ = File::from(master).read_to_end(&mut bytes);
        assert!(!child.wait().expect("it ends").success());
        let text = String::from_utf8_lossy(&bytes);
        let leave = String::from_utf8_lossy(LEAVE);
        let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
        assert!(place(ENTER) < place("the table"), "{text}");
        assert!(place("the table") < place(&leave), "{text}");
        assert!(place(&leave) < place("out of here"), "{text}");
        for once in ["the table", &leave] {
            assert_eq!(text.matches(once).count(), 1, "{once}: {text}");
        }
    }
}
