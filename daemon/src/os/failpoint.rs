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
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::sync::{LazyLock, Mutex, PoisonError};

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::getpid;

    static DIRECTORY: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| env::var_os("CTR_FAILPOINTS").map(PathBuf::from));
    /// Threads pass one after the other.
    static TURN: Mutex<()> = Mutex::new(());

    pub(super) fn pass(name: &str) {
        let Some(directory) = &*DIRECTORY else { return };
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(mut passed) = OpenOptions::new()
            .append(true)
            .open(directory.join("passed"))
        {
            let _ = passed.write_all(format!("{name}\n").as_bytes());
        }
        if is_due(&directory.join("die"), name) {
            let _ = kill(getpid(), Signal::SIGKILL);
        }
    }

    /// Counts a passing in `die`; the file is gone when this was the one to die at.
    pub(super) fn is_due(die: &Path, name: &str) -> bool {
        let Ok(order) = fs::read_to_string(die) else {
            return false;
        };
        let left = match order.trim_end().split_once(' ') {
            Some((left, at)) if at == name => left.parse::<u32>().unwrap_or(1),
            _ => return false,
        };
        if left > 1 {
            let _ = fs::write(die, format!("{} {name}\n", left - 1));
            return false;
        }
        // One that stays would kill every ctrd to come.
        fs::remove_file(die).is_ok()
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::armed::is_due;

    #[test]
    fn it_is_died_at_once_at_the_passing_that_was_asked_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let die = directory.path().join("die");
        assert!(!is_due(&die, "root mounted"), "nothing is asked for");
        std::fs::write(&die, "2 root mounted\n").expect("written");
        let passed = ["root mounted", "layer made", "root mounted", "root mounted"];
        let died = passed.map(|name| is_due(&die, name));
        assert_eq!(died, [false, false, true, false]);
    }
}
