//! The screens in docs/reference/cli.md are what the code makes of the sample: each stands in a block below
//! its mark, and a test compares it. `CTR_BLESS=1 cargo test -p ctr` writes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::render::date_and_time;
use crate::sample::NOW_MS;

/// One writes at a time.
static PAGE: Mutex<()> = Mutex::new(());

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/cli.md")
}

/// The page has `text` below the mark of the screen `name`.
#[track_caller]
pub(crate) fn assert_shown(name: &str, text: &str) {
    let _turn = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let now = fs::read_to_string(page()).expect("the page");
    let begin = format!("<!-- screen `{name}`: written by the tests -->\n```\n");
    let (head, rest) = now.split_once(&begin).expect("the mark of the screen");
    let (shown, tail) = rest.split_once("```\n").expect("the end of the block");
    if shown != text && std::env::var_os("CTR_BLESS").is_some() {
        fs::write(page(), format!("{head}{begin}{text}```\n{tail}")).expect("written");
        return;
    }
    assert_eq!(shown, text, "`CTR_BLESS=1 cargo test -p ctr` writes it");
}

/// A time of the sample as it is shown, so many milliseconds before now: the page has one date for all time
/// zones.
pub(crate) fn dated(text: &str, ago_ms: u64, date: &str) -> String {
    text.replace(&date_and_time(NOW_MS - ago_ms), date)
}
