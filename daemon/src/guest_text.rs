//! A guest's words, as they may stand in a journal and on a terminal.

/// The words on one line, shown and obeyed by nobody: control characters but for tabs, and those that turn the
/// direction of writing (Unicode Standard Annex 9, section 2), are written out.
pub(crate) fn visible(words: &str) -> String {
    let mut shown = String::with_capacity(words.len());
    for character in words.chars() {
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if turns || (character.is_control() && character != '\t') {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn nothing_obeys_a_guest() {
        assert_eq!(
            visible("a\tb \x1b[2J\u{202e}é"),
            "a\tb \\u{1b}[2J\\u{202e}é"
        );
        assert_eq!(visible("one\r\n"), "one\\r\\n");
    }
}
