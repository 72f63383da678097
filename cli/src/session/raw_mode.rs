//! A terminal whose every key goes to the guest, and which is as before afterwards.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};

/// Raw mode (termios(3), `cfmakeraw`) for as long as this value lives.
///
/// Dropping it is the only way out: on return, on an error, on a signal (all are handled, see
/// [`super::signals`]) and while a panic unwinds.
#[derive(Debug)]
pub(super) struct RawMode {
    terminal: OwnedFd,
    before: Termios,
}

impl RawMode {
    /// Makes this terminal raw; nothing where it is no terminal.
    pub(super) fn of(stream: impl AsFd) -> io::Result<Option<Self>> {
        if !isatty(&stream) {
            return Ok(None);
        }
        let terminal = stream.as_fd().try_clone_to_owned()?;
        let before = tcgetattr(&terminal)?;
        let mode = Self { terminal, before };
        mode.on()?;
        Ok(Some(mode))
    }

    /// Makes it raw again.
    pub(super) fn on(&self) -> io::Result<()> {
        let mut raw = self.before.clone();
        raw.make_raw();
        Ok(tcsetattr(&self.terminal, OptionalActions::Now, &raw)?)
    }

    /// Makes it as it was.
    pub(super) fn off(&self) {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        self.off();
    }
}

#[cfg(test)]
mod tests {
    use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
    use rustix::termios::LocalModes;

    use super::*;

    #[test]
    fn is_over_even_after_a_panic() {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let master = openpt(flags).unwrap();
        unlockpt(&master).unwrap();
        let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
        let cooked = || {
            tcgetattr(&slave)
                .unwrap()
                .local_modes
                .contains(LocalModes::ICANON)
        };
        assert!(cooked());
        let panicked = std::panic::catch_unwind(|| {
            let _mode = RawMode::of(&slave).unwrap().expect("a terminal");
            assert!(!cooked());
            std::panic::resume_unwind(Box::new("out of here"));
        });
        assert!(panicked.is_err());
        assert!(cooked());
    }

    #[test]
    fn leaves_what_is_no_terminal_alone() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(RawMode::of(&file).unwrap().is_none());
    }
}
