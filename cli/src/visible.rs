//! What others wrote, for a terminal: a control character is shown and not obeyed.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::str::from_utf8;

/// The text with every control character but tabs and ends of lines as people write it: `^[` for
/// escape, `\u{9b}` for those above ASCII, which some terminals take for the same.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let obeyed = |it: char| it.is_control() && !matches!(it, '\n' | '\t');
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match u8::try_from(character) {
            _ if !obeyed(character) => shown.push(character),
            // Caret notation: the letter is 64 above, and delete is `^?`.
            Ok(code) if code.is_ascii() => shown.extend(['^', char::from(code ^ 0x40)]),
            _ => shown.extend(character.escape_unicode()),
        }
    }
    Cow::Owned(shown)
}

/// Copies until the end, each piece as soon as it is there. What is no UTF-8 becomes U+FFFD.
pub(crate) fn copy_visibly(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut pending = Vec::new();
    let mut piece = [0; 8192];
    loop {
        let read = match from.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        pending.extend_from_slice(&piece[..read]);
        let whole = match from_utf8(&pending) {
            // A character of which the rest is still to come.
            Err(error) if error.error_len().is_none() && read > 0 => error.valid_up_to(),
            _ => pending.len(),
        };
        let text = String::from_utf8_lossy(&pending[..whole]);
        to.write_all(visible(&text).as_bytes())?;
        to.flush()?;
        pending.drain(..whole);
        if read == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{copy_visibly, visible};

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(
            visible("wicked \u{1b}]0;t\u{7} \u{9b}2J\r\u{7f}"),
            "wicked ^[]0;t^G \\u{9b}2J^M^?"
        );
        assert_eq!(
            visible("plain\ttext: \u{fc}, \u{20ac}\n"),
            "plain\ttext: \u{fc}, \u{20ac}\n"
        );
    }

    /// Gives one byte at a time.
    struct Slowly<'a>(&'a [u8]);

    impl Read for Slowly<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(&mut to[..1])
        }
    }

    #[test]
    fn a_character_that_comes_in_pieces_stays_whole() {
        let copied = |bytes: &[u8]| {
            let mut to = Vec::new();
            copy_visibly(&mut Slowly(bytes), &mut to).expect("copied");
            String::from_utf8(to).expect("text")
        };
        assert_eq!(
            copied("\u{20ac}\u{9b}2J\n".as_bytes()),
            "\u{20ac}\\u{9b}2J\n"
        );
        assert_eq!(
            copied(b"\x9b2J \xff\x1b \xe2\x82"),
            "\u{fffd}2J \u{fffd}^[ \u{fffd}"
        );
    }
}
