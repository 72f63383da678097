//! Places where a test can end ctrd, as a crash there would.
//!
//! A failpoint stands after each effect that is followed by another one, so that whatever a crash can
//! leave is left by dying at one of them. The crash tests of the lab walk through all of them
//! (`docs/development/lifecycle.md` has the list).
//!
//! Only a build with debug assertions has them; elsewhere [`failpoint`] is an empty function, and no
//! name of one is in the program. In such a build they do nothing either, unless the environment
//! variable `CTR_FAILPOINTS` names a directory when ctrd starts. In that directory
//!
//! * `passed`, if it is there, gets a line for each failpoint that is passed, in order;
//! * `die` holds a number, a blank and a name: at the so manieth passing of that name from then on, ctrd
//!   removes the file and kills itself with SIGKILL. The next ctrd finds no such file, and lives.
//!
//! The crate `fail` has the same idea; it can panic, return or wait at a place, not die, and knows
//! places by what was configured, so that there is nothing to learn the places of a run from.

/// A place between two effects.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub const fn failpoint(_name: &str) {}

/// A place between two effects.
#[cfg(debug_assertions)]
pub fn failpoint(name: &str) {
    armed::pass(name);
}

/// The place before a step, as [`failpoint`].
#[inline]
pub fn before(step: &str) {
    if cfg!(debug_assertions) {
        failpoint(&format!("before {step}"));
    }
}

/// The place after a step, as [`failpoint`].
#[inline]
pub fn after(step: &str) {
    if cfg!(debug_assertions) {
        failpoint(&format!("after {step}"));
    }
}

#[cfg(debug_assertions)]
mod armed {
    use std::env;
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::{AsFd, OwnedFd};
    use std::sync::{LazyLock, Mutex, PoisonError};

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::getpid;
    use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, unlinkat};

    /// Opened before anything else happens: a thread that has joined a guest's mount namespace finds no
    /// path of the host.
    static DIRECTORY: LazyLock<Option<OwnedFd>> = LazyLock::new(|| {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        openat(CWD, env::var_os("CTR_FAILPOINTS")?, flags, Mode::empty()).ok()
    });
    /// Threads pass one after the other.
    static TURN: Mutex<()> = Mutex::new(());

    pub(super) fn pass(name: &str) {
        let Some(directory) = &*DIRECTORY else { return };
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut passed) = open(directory, "passed", OFlags::WRONLY | OFlags::APPEND) {
            let _ = passed.write_all(format!("{name}\n").as_bytes());
        }
        if is_due(directory, name) {
            let _ = kill(getpid(), Signal::SIGKILL);
        }
    }

    fn open(directory: impl AsFd, name: &str, flags: OFlags) -> Option<File> {
        let opened = openat(directory, name, flags | OFlags::CLOEXEC, Mode::empty());
        opened.ok().map(File::from)
    }

    /// Counts a passing in `die`; the file is gone when this was the one to die at.
    pub(super) fn is_due(directory: impl AsFd, name: &str) -> bool {
        let mut order = String::new();
        let read = open(&directory, "die", OFlags::RDONLY)
            .is_some_and(|mut file| file.read_to_string(&mut order).is_ok());
        if !read {
            return false;
        }
        let left = match order.trim_end().split_once(' ') {
            Some((left, at)) if at == name => left.parse::<u32>().unwrap_or(1),
            _ => return false,
        };
        if left > 1 {
            if let Some(mut die) = open(&directory, "die", OFlags::WRONLY | OFlags::TRUNC) {
                let _ = die.write_all(format!("{} {name}\n", left - 1).as_bytes());
            }
            return false;
        }
        // One that stays would kill every ctrd to come.
        unlinkat(&directory, "die", AtFlags::empty()).is_ok()
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::armed::is_due;

    #[test]
    fn it_is_died_at_once_at_the_passing_that_was_asked_for() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = std::fs::File::open(place.path()).expect("opened");
        let die = place.path().join("die");
        assert!(!is_due(&directory, "root mounted"), "nothing is asked for");
        std::fs::write(&die, "2 root mounted\n").expect("written");
        let passed = ["root mounted", "layer made", "root mounted", "root mounted"];
        let died = passed.map(|name| is_due(&directory, name));
        assert_eq!(died, [false, false, true, false]);
    }
}
