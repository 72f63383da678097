//! Nothing in a file makes the reading panic, or take time or memory out of proportion.

use std::path::Path;
use std::time::{Duration, Instant};

use ctr_api::wire::Severity;
use ctrd::declaration::{Colour, Parsed, SIZE_MAX, parse};
use proptest::prelude::*;

/// Reads and renders everything, and checks what holds for every input.
fn read(bytes: &[u8]) {
    let problems = match parse("declaration.toml", bytes) {
        Ok(Parsed { warnings, .. }) => {
            assert!(
                warnings
                    .iter()
                    .all(|problem| problem.severity == Severity::Warning)
            );
            warnings
        }
        Err(problems) => {
            assert!(
                problems
                    .iter()
                    .any(|problem| problem.severity == Severity::Error)
            );
            problems
        }
    };
    assert_eq!(
        problems.is_empty(),
        problems.render(Colour::Always).is_empty()
    );
    let wire = problems.to_wire();
    assert_eq!(wire.len(), problems.iter().count());
    assert!(
        wire.len() <= 400,
        "more than a person reads: {}",
        wire.len()
    );
    for problem in wire {
        assert!(problem.line >= 1 && problem.column >= 1, "{problem:?}");
        assert!(problem.message.len() < 1000, "{}", problem.message);
        let place = format!("declaration.toml:{}:{}", problem.line, problem.column);
        assert!(
            problem.rendered.contains(&place),
            "{place}\n{}",
            problem.rendered
        );
        assert!(!problem.rendered.contains('\u{1b}'), "{}", problem.rendered);
    }
}

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

/// Far above what any of these takes, far below what a quadratic walk over a megabyte takes.
#[track_caller]
fn read_in_time(bytes: &[u8]) {
    let start = Instant::now();
    read(bytes);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
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
    read_in_time(&filled("schema = 1\na = ", "[", ""));
    read_in_time(&filled("schema = 1\na = ", "{a=", ""));
    read_in_time(&filled("schema = 1\na", ".a", " = 1"));
    read_in_time(&filled("schema = 1\n[a", ".a", "]"));
}

#[test]
fn a_mass_of_small_problems_is_counted_and_not_kept() {
    read_in_time(format!("schema = 1\n{}", unknown_keys(90_000)).as_bytes());
    read_in_time(&filled("schema = 1\n", "= =\n", ""));
    read_in_time(&filled("schema = 1\nnameservers = [", "7,", "]"));
    let problems = parse(
        "declaration.toml",
        &filled("schema = 1\nnameservers = [", "7,", "]"),
    );
    let problems = problems.expect_err("numbers are no addresses").to_string();
    assert!(
        problems.ends_with("more not shown\n"),
        "{}",
        &problems[problems.len() - 80..]
    );
}

#[test]
fn long_names_and_texts_are_shortened() {
    let group = format!(
        "schema = 1\n[groups.{}.containers.a]\n",
        "g".repeat(500_000)
    );
    read_in_time(format!("{group}{}", unknown_keys(30_000)).as_bytes());
    read_in_time(&filled("schema = 1\nnameservers = [\"", "é", "\"]"));
}

#[test]
fn many_containers_cost_no_more_than_their_number() {
    let count = 8000;
    let chain: String = (0..count)
        .map(|number| {
            container(
                number,
                &format!("after = [\"lab/c{}\"]", (number + 1) % count),
            )
        })
        .collect();
    read_in_time(format!("{GROUP}{chain}").as_bytes());
    let wrong: String = (0..count)
        .map(|number| container(number, "after = [\"lab/nobody\"]"))
        .collect();
    read_in_time(format!("{GROUP}{wrong}").as_bytes());
}

#[test]
fn texts_with_many_signs_are_searched_once() {
    let start = format!("{GROUP}{}", container(0, "files.\"/a\" = { text = \""));
    let start = start.trim_end().to_owned();
    read_in_time(&filled(&start, "=", "\" }"));
    read_in_time(&filled(&start, "password ", "\" }"));
    read_in_time(&filled(&start, ": ", "\" }"));
}
