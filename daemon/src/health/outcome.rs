//! How one probe went, in its own words.

use std::time::Duration;

use crate::guest_text::visible;

/// The most characters that are told of it.
const WORDS_MAX: usize = 200;

/// How one probe went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// It is as it should be.
    pub success: bool,
    /// What was found: `status 503`, `refused`. One line, without control characters.
    pub words: String,
}

impl Outcome {
    /// As it should be.
    pub fn success(words: &str) -> Self {
        Self {
            success: true,
            words: clean(words),
        }
    }

    /// Not as it should be.
    pub fn failure(words: &str) -> Self {
        Self {
            success: false,
            words: clean(words),
        }
    }

    /// Nothing came in time.
    pub fn no_answer(timeout: Duration) -> Self {
        Self::failure(&format!("no answer in {}", span(timeout)))
    }

    /// A command ended with this status, and said this at last.
    pub fn exited(status: u8, last_line: &str) -> Self {
        Self {
            success: status == 0,
            words: clean(&with_line(&format!("exit status {status}"), last_line)),
        }
    }

    /// A command was ended by this signal, and had said this.
    pub fn killed(signal: u8, last_line: &str) -> Self {
        let name = nix::sys::signal::Signal::try_from(i32::from(signal));
        let how = name.map_or_else(|_| format!("signal {signal}"), |name| name.to_string());
        Self::failure(&with_line(&format!("killed by {how}"), last_line))
    }

    /// A command was not done in time and was ended with all that it had started.
    pub fn not_done(timeout: Duration, last_line: &str) -> Self {
        Self::failure(&with_line(
            &format!("not done in {}", span(timeout)),
            last_line,
        ))
    }
}

fn with_line(how: &str, line: &str) -> String {
    if line.is_empty() {
        how.to_owned()
    } else {
        format!("{how}: {line}")
    }
}

/// A time as people read it: `2s`, `1500ms`.
fn span(time: Duration) -> String {
    let milliseconds = time.as_millis();
    if milliseconds.is_multiple_of(1000) {
        format!("{}s", milliseconds / 1000)
    } else {
        format!("{milliseconds}ms")
    }
}

/// Words of a guest for a status: one line, no longer than people read.
fn clean(words: &str) -> String {
    let shown = visible(&words.trim().replace('\t', " "));
    match shown.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Outcome;

    #[test]
    fn says_what_was_found() {
        let two = Duration::from_secs(2);
        assert_eq!(Outcome::no_answer(two).words, "no answer in 2s");
        assert_eq!(Outcome::exited(0, "").words, "exit status 0");
        assert!(Outcome::exited(0, "ready").success);
        let failed = Outcome::exited(1, "no such table");
        assert!(!failed.success);
        assert_eq!(failed.words, "exit status 1: no such table");
        assert_eq!(Outcome::killed(9, "").words, "killed by SIGKILL");
        let slow = Outcome::not_done(Duration::from_millis(1500), "waiting");
        assert_eq!(slow.words, "not done in 1500ms: waiting");
    }

    #[test]
    fn no_terminal_obeys_a_guest() {
        let words = Outcome::failure("\x1b[2J\u{202e}evil\n").words;
        assert_eq!(words, "\\u{1b}[2J\\u{202e}evil");
        let long = Outcome::failure(&"x".repeat(10_000)).words;
        assert_eq!(long.chars().count(), 201);
    }
}
