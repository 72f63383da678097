//! docs/explanation/how-it-converges.md says what a change of each key does, as the code has it;
//! `CTR_BLESS=1` writes it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ctrd::model::change::{Key, Level};

const BEGIN: &str = "<!-- table of keys: written by the tests -->\n";
const END: &str = "<!-- end of the table of keys -->\n";

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name)
}

/// A key as the page writes it: names that the declaration chose in pointed brackets.
fn written(key: Key) -> String {
    let chosen = match key.name().split('.').next() {
        Some("files") => "\"<path>\"",
        Some("credentials") => "<credential>",
        _ => "<action>",
    };
    key.name().replace('*', chosen)
}

fn table() -> String {
    let mut text = String::new();
    let levels = [
        (Level::Host, "Of the host"),
        (Level::Group, "Of a group"),
        (Level::Container, "Of a container"),
    ];
    for (level, title) in levels {
        let _ = write!(
            text,
            "\n| {title} | A change | What it does |\n|---|---|---|\n"
        );
        for key in Key::ALL.iter().filter(|key| key.level() == level) {
            let (class, effect) = (key.class().as_str(), key.effect());
            let _ = writeln!(text, "| `{}` | {class} | {effect} |", written(*key));
        }
    }
    text.push('\n');
    text
}

#[test]
fn the_explanation_says_what_a_change_does() {
    let path = page("explanation/how-it-converges.md");
    let now = fs::read_to_string(&path).expect("the page");
    let (head, rest) = now.split_once(BEGIN).expect("where the table begins");
    let (_, tail) = rest.split_once(END).expect("where it ends");
    let expected = format!("{head}{BEGIN}{}{END}{tail}", table());
    if std::env::var_os("CTR_BLESS").is_some() {
        fs::write(&path, &expected).expect("written");
    }
    let now = fs::read_to_string(&path).expect("the page");
    assert_eq!(now, expected, "CTR_BLESS=1 rewrites it");
}

/// Keys that are part of another's row, and those that nothing comes of.
const ELSEWHERE: &[&str] = &[
    // What everything else is in.
    "schema",
    "groups",
    "containers",
    // With `command`, or with what they are a part of.
    "boot",
    "root",
    "tree",
    "directory",
    "port",
    "protocol",
    "token",
    "host-port",
    "host",
    "guest",
    "read-only",
    "host-owner",
    "generate",
    "command",
    "user",
    "terminal",
    "credentials",
    "actions",
    "restart",
    "limits",
    "files",
    // What a container lacks: `missing`.
    "what",
    "hint",
    // What is probed: `health`.
    "http",
    "tcp",
    "path",
    "status",
    // Which graphics processors: `gpu`.
    "vendor",
    "cdi",
];

#[test]
fn every_key_of_the_reference_is_in_the_table() {
    let reference = fs::read_to_string(page("reference/declaration.md")).expect("the page");
    let rows = reference.lines().filter(|line| line.starts_with("| `"));
    let mut count = 0;
    for line in rows {
        let key = line.split('`').nth(1).expect("a key");
        let known = Key::ALL
            .iter()
            .any(|it| it.name().split('.').any(|part| part == key));
        assert!(known || ELSEWHERE.contains(&key), "`{key}` is in no row");
        count += 1;
    }
    assert!(count > 40, "only {count} keys were found");
}
