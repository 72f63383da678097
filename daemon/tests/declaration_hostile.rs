//! Nothing in a file makes the reading panic, or take time or memory out of proportion.

mod declaration_reading;

use std::path::Path;

use ctrd::declaration::{SIZE_MAX, TOKENS_MAX, parse};
use declaration_reading::read;
use proptest::prelude::*;
use toml_parser::Source;

/// The declarations of the cases, accepted and refused.
fn declarations() -> Vec<String> {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/declaration_cases");
    let mut texts: Vec<String> = std::fs::read_dir(folders)
        .expect("the folders are there")
        .map(|folder| {
            folder
                .expect("it is readable")
                .path()
                .join("declaration.toml")
        })
        .map(|path| std::fs::read_to_string(path).expect("every folder has one"))
        .collect();
    texts.sort();
    texts
}

/// Pieces that mean something in TOML or in the schema.
const PIECES: [&str; 24] = [
    "\"",
    "'",
    "\"\"\"",
    "[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\r\n",
    "\0",
    "-1",
    "1e999",
    "0x1F",
    "é",
    "\u{202e}",
    "[[groups]]",
    "root = ",
    "lab/web",
    "99999999999999999999",
    "../..",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_read_to_the_end(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn arbitrary_pieces_are_read_to_the_end(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..60),
    ) {
        read(pieces.concat().as_bytes());
    }

    #[test]
    fn changed_declarations_are_read_to_the_end(
        text in proptest::sample::select(declarations()),
        changes in proptest::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..12, proptest::sample::select(PIECES.to_vec())),
            1..6,
        ),
    ) {
        let mut bytes = text.into_bytes();
        for (place, removed, piece) in changes {
            let start = place.index(bytes.len() + 1);
            let end = (start + removed).min(bytes.len());
            bytes.splice(start..end, piece.bytes());
        }
        read(&bytes);
    }
}

const GROUP: &str =
    "schema = 1\n[groups.lab]\nsubnet = \"10.0.0.0/8\"\nhost-address = \"10.0.0.1\"\n";

/// A container, and whatever else is to stand in it.
fn container(number: usize, more: &str) -> String {
    let [_, a, b, c] = u32::try_from(number + 2)
        .expect("a small number")
        .to_be_bytes();
    format!(
        "[groups.lab.containers.c{number}]\naddress = \"10.{a}.{b}.{c}\"\n\
         root = {{ tree = \"/srv/tree\" }}\n{more}\n"
    )
}

/// So many keys that no table has.
fn unknown_keys(count: usize) -> String {
    let keys: Vec<String> = (0..count).map(|number| format!("k{number}=1")).collect();
    keys.join("\n")
}

/// As large as is accepted.
fn filled(start: &str, piece: &str, end: &str) -> Vec<u8> {
    let room = SIZE_MAX - start.len() - end.len();
    format!("{start}{}{end}", piece.repeat(room / piece.len())).into_bytes()
}

#[test]
fn more_than_the_bound_is_refused_unread() {
    let problems = parse("declaration.toml", &vec![b'#'; SIZE_MAX + 1]).expect_err("too large");
    assert!(
        problems.to_string().contains("more than 1048576 bytes"),
        "{problems}"
    );
    parse("declaration.toml", &filled("schema = 1\n", "#", "")).expect("it is within the bound");
}

#[test]
fn bytes_that_are_not_text_are_found_on_their_line() {
    let problems = parse("declaration.toml", b"schema = 1\n# \xff").expect_err("not UTF-8");
    let wire = problems.to_wire();
    let problem = wire.first().expect("there is one");
    assert_eq!((problem.line, problem.column), (2, 3));
    assert!(problem.message.contains("byte 13"), "{}", problem.message);
}

#[test]
fn deep_nesting_is_bounded() {
    read(&filled("schema = 1\na = ", "[", ""));
    read(&filled("schema = 1\na = ", "{a=", ""));
    read(&filled("schema = 1\na", ".a", " = 1"));
    read(&filled("schema = 1\n[a", ".a", "]"));
}

/// As many words and signs as are accepted, in as many bytes. Each piece gets its number for `N`, and
/// half an address for `A`.
fn dense(start: &str, piece: &str, end: &str) -> Vec<u8> {
    let tokens = |text: &str| Source::new(text).lex().count() - 1;
    let room = TOKENS_MAX - 3 - tokens(start) - tokens(end);
    let pieces: String = (0..room / tokens(piece))
        .map(|number| {
            let address = format!("{}.{}", number / 200 + 1, number % 200 + 1);
            piece
                .replace('N', &number.to_string())
                .replace('A', &address)
        })
        .collect();
    let text = format!("{start}{pieces}{end}\n#");
    let room = SIZE_MAX.saturating_sub(text.len());
    let text = format!("{text}{}", "#".repeat(room));
    assert!(Source::new(&text).lex().count() <= TOKENS_MAX);
    text.into_bytes()
}

#[test]
fn a_mass_of_small_problems_is_counted_and_not_kept() {
    read(format!("schema = 1\n{}", unknown_keys(35_000)).as_bytes());
    let numbers = dense("schema = 1\nnameservers = [", "7,", "]");
    read(&numbers);
    let problems = parse("declaration.toml", &numbers);
    let problems = problems.expect_err("numbers are no addresses").to_string();
    assert!(
        problems.ends_with("more not shown\n"),
        "{}",
        &problems[problems.len() - 80..]
    );
}

#[test]
fn what_is_no_toml_is_counted_within_bounds() {
    for piece in ["=\n", "\n=", "= =\n", "[[a]]\n", "[a]\n"] {
        read(&dense("schema = 1\n", piece, ""));
        read(format!("schema = 1\n{}", piece.repeat(60_000 / piece.len())).as_bytes());
    }
    read(&filled("schema = 1\na = \"", "\\x", "\""));
    read(format!("schema = 1\na = \"{}\"", "\\x".repeat(32_000)).as_bytes());
}

#[test]
fn more_words_than_the_bound_are_refused_unread() {
    let words = "#\n".repeat(TOKENS_MAX / 2);
    let problems = parse("declaration.toml", words.as_bytes()).expect_err("too many");
    let problems = problems.to_string();
    assert!(
        problems.contains("more than 150000 words and signs"),
        "{problems}"
    );
    let fewer = format!("schema = 1\n{}", "#\n".repeat(TOKENS_MAX / 2 - 10));
    parse("declaration.toml", fewer.as_bytes()).expect("it is within the bound");
}

#[test]
fn many_small_tables_cost_no_more_than_their_number() {
    let in_a_container = format!("{GROUP}{}", container(0, ""));
    let pieces = [
        ("ports=[", "{port=N},", "]"),
        ("ports=[", "{},", "]"),
        ("binds=[", "{host=\"/srv/N\",guest=\"/srv/N\"},", "]"),
        ("files={", "\"/N\"={text=\"\"},", "}"),
        ("credentials={", "aN={generate=true},", "}"),
        ("actions={", "aN={command=[\"a\"]},", "}"),
        ("environment={", "aN=\"\",", "}"),
        ("command=[", "\"\",", "]"),
        ("[groups.lab.containers]\n", "aN={}\n", ""),
    ];
    for (start, piece, end) in pieces {
        read(&dense(&format!("{in_a_container}{start}"), piece, end));
    }
    read(&dense("schema=1\n[groups]\n", "aN={}\n", ""));
    let inline = dense(
        &format!("{GROUP}containers={{"),
        "aN={address=\"10.9.A\",root={tree=\"/srv\"}},",
        "}",
    );
    read(&inline);
    parse("declaration.toml", &inline).expect("the most containers that fit");
}

#[test]
fn long_names_and_texts_are_shortened() {
    let group = format!(
        "schema = 1\n[groups.{}.containers.a]\n",
        "g".repeat(500_000)
    );
    read(format!("{group}{}", unknown_keys(35_000)).as_bytes());
    read(&filled("schema = 1\nnameservers = [\"", "é", "\"]"));
}

#[test]
fn many_containers_cost_no_more_than_their_number() {
    let count = 3500;
    let chain: String = (0..count)
        .map(|number| {
            container(
                number,
                &format!("after = [\"lab/c{}\"]", (number + 1) % count),
            )
        })
        .collect();
    read(format!("{GROUP}{chain}").as_bytes());
    let wrong: String = (0..count)
        .map(|number| container(number, "after = [\"lab/nobody\"]"))
        .collect();
    read(format!("{GROUP}{wrong}").as_bytes());
}

#[test]
fn texts_with_many_signs_are_searched_once() {
    let start = format!("{GROUP}{}", container(0, "files.\"/a\" = { text = \""));
    let start = start.trim_end().to_owned();
    read(&filled(&start, "=", "\" }"));
    read(&filled(&start, "password ", "\" }"));
    read(&filled(&start, ": ", "\" }"));
}
