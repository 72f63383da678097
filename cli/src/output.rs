//! Where text goes: data on stdout, talk on stderr.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::error::Error;
use crate::render::{Paint, View};

/// Writes data.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    print_bytes(text.as_bytes())
}

/// Writes data that may be no text.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// Writes one document.
pub(crate) fn print_json<T: Serialize>(value: &T) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    print(&format!("{text}\n"))
}

/// Writes one document on one line.
pub(crate) fn print_json_line<T: Serialize>(value: &T) -> Result<(), Error> {
    let text = serde_json::to_string(value).map_err(io::Error::from)?;
    print(&format!("{text}\n"))
}

/// Writes talk. A closed stderr leaves nobody to tell.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Reports an error.
pub(crate) fn report(error: &Error) {
    say(&error.render(stderr_paint()));
}

/// Tells of something that is no failure, with what to do about it.
pub(crate) fn note(message: &str, hint: Option<&str>) {
    let paint = stderr_paint();
    let mut text = format!("{} {message}\n", paint.warning("note:"));
    if let Some(hint) = hint {
        let _ = writeln!(text, "{} {hint}", paint.hint("hint:"));
    }
    say(&text);
}

pub(crate) fn stderr_paint() -> Paint {
    Paint::new(io::stderr().is_terminal() && colour_wanted())
}

/// How stdout wants its text.
pub(crate) fn view() -> View {
    let terminal = io::stdout().is_terminal();
    let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into());
    View {
        paint: Paint::new(terminal && colour_wanted()),
        width: width.filter(|it| terminal && *it > 0),
        now_ms: now_ms(),
    }
}

/// See <https://no-color.org>: set and not empty means no colour.
pub(crate) fn colour_wanted() -> bool {
    let set = |name| std::env::var_os(name).filter(|it| !it.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}

pub(crate) fn now_ms() -> u64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
