//! Secrets that stand in the declaration, where everybody who can read it can read them.

use super::DeclaredContainer;
use crate::declaration::collect::Collector;
use crate::declaration::place::Place;

/// The parts of a variable's name that announce a secret.
const SECRET_NAMES: [&str; 9] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "KEY",
    "APIKEY",
    "CREDENTIALS",
];
/// The parts that say it is none after all: a path to it, or the public half.
const HARMLESS_NAMES: [&str; 7] = ["FILE", "PATH", "DIR", "DIRECTORY", "PUBLIC", "ID", "NAME"];

/// The words before a `=` or `:` that announce a secret.
const SECRET_WORDS: [&str; 6] = ["password", "passwd", "secret", "token", "api_key", "apikey"];

/// How many characters before a sign are looked at.
const TAIL: usize = 24;

const HINT: &str = "keep it in a file that only root can read, and declare that: \
    credentials = { <name> = \"/path/of/the/file\" }";

pub(super) fn check(declared: &DeclaredContainer<'_>, problems: &mut Collector) {
    let container = declared.container;
    for variable in container
        .environment
        .iter()
        .flat_map(|environment| &environment.value.0)
    {
        let (name, value) = (&variable.name.value.0, &variable.value.0);
        if (is_secret_name(name) && !value.is_empty()) || holds_secret(value) {
            warn(
                &variable.name.place,
                &format!("the variable {name}"),
                problems,
            );
        }
    }
    for file in container.files.iter().flat_map(|files| &files.value.0) {
        if file
            .value
            .text
            .as_ref()
            .is_some_and(|text| holds_secret(&text.value))
        {
            let path = file.name.value.0.display();
            warn(&file.name.place, &format!("the text of {path}"), problems);
        }
    }
    let actions = container
        .actions
        .iter()
        .flat_map(|actions| &actions.value.0);
    let commands = actions.filter_map(|action| action.value.command.as_ref());
    for word in container
        .command
        .iter()
        .chain(commands)
        .flat_map(|command| &command.value)
    {
        if holds_secret(&word.value.0) {
            warn(&word.place, "the command", problems);
        }
    }
}

/// The line is not shown: the warning goes to the journal and over the bus.
fn warn(place: &Place, what: &str, problems: &mut Collector) {
    problems
        .warning(place, format!("{what} looks like it holds a secret"))
        .hint(HINT)
        .hidden();
}

/// `DB_PASSWORD`, but not `DB_PASSWORD_FILE` or `PUBLIC_KEY`.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let has = |words: &[&str]| name.split('_').any(|part| words.contains(&part));
    let ends_in = ["PASSWORD", "SECRET", "TOKEN"]
        .iter()
        .any(|word| name.ends_with(word));
    (has(&SECRET_NAMES) || ends_in) && !has(&HARMLESS_NAMES)
}

/// `password = x`, `--token=x` or a private key, but not `password_file = x` or `password =`.
fn holds_secret(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.to_ascii_lowercase();
        line.contains("-----begin") && line.contains("private key") || assigns_secret(&line)
    })
}

fn assigns_secret(line: &str) -> bool {
    line.match_indices(['=', ':']).any(|(at, sign)| {
        let (before, after) = (&line[..at], &line[at + sign.len()..]);
        // No more than the longest word and what may stand behind it: a line may have many signs.
        let tail = before
            .char_indices()
            .rev()
            .nth(TAIL)
            .map_or(0, |(start, _)| start);
        let before = before[tail..]
            .trim_end_matches([' ', '\t', '"', '\''])
            .replace('-', "_");
        // What follows `=` may be the name of a variable or file that holds it.
        let after = after.trim_start_matches([' ', '\t', '"', '\'']);
        let named = after.is_empty() || after.starts_with(['$', '/', '%', '{', '<', '=']);
        !named && SECRET_WORDS.iter().any(|word| before.ends_with(word))
    })
}

#[cfg(test)]
mod tests {
    use super::{holds_secret, is_secret_name};

    #[test]
    fn names_that_announce_a_secret() {
        for name in [
            "DB_PASSWORD",
            "PGPASSWORD",
            "API_KEY",
            "GITHUB_TOKEN",
            "client_secret",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "DB_PASSWORD_FILE",
            "KEYBOARD",
            "SSH_PUBLIC_KEY",
            "TOKENIZERS",
            "LANG",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn texts_that_hold_a_secret() {
        for text in [
            "user = a\npassword = hunter2",
            "{\"api_key\": \"abc\"}",
            "--token=abc",
            "postgres://host/?password=x",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
        ] {
            assert!(holds_secret(text), "{text}");
        }
        for text in [
            "password =",
            "password_file = /run/x",
            "password = $PASSWORD",
            "token: /run/secrets/token",
            "# the password is elsewhere",
            "https://example.org",
        ] {
            assert!(!holds_secret(text), "{text}");
        }
    }
}
