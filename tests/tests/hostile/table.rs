//! The table of attacks in the reference.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::{Attack, Row, bounds, elsewhere, kernel, links, logs, network, services};

const BEGIN: &str = "<!-- attacks: written by the tests -->\n";
const END: &str = "<!-- end of attacks -->\n";

#[test]
fn the_reference_has_every_attack() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/attacks.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (head, rest) = page.split_once(BEGIN).expect("where the tables begin");
    let (_, tail) = rest.split_once(END).expect("where they end");
    let rows = |attacks: &[Attack]| attacks.iter().map(Attack::row).collect();
    let mut tables = String::new();
    for (title, rows) in [
        ("The kernel", rows(kernel::ATTACKS)),
        (
            "The host's services, and the other group",
            rows(services::ATTACKS),
        ),
        ("False packets", network::rows()),
        ("Files of the host", links::rows()),
        ("What can be used up", bounds::rows()),
        ("Logs, and the operator's terminal", logs::rows()),
        ("Tasks, memory and sessions", elsewhere::rows()),
    ] {
        table(&mut tables, title, &rows);
    }
    let expected = format!("{head}{BEGIN}{tables}\n{END}{tail}");
    if env::var_os("CTR_BLESS").is_some() {
        fs::write(&path, &expected).expect("written");
    }
    assert_eq!(
        fs::read_to_string(&path).expect("the page"),
        expected,
        "CTR_BLESS=1 rewrites it"
    );
}

fn table(text: &mut String, title: &str, rows: &[Row]) {
    let head = "| Guest | Its root | Outcome | Control |\n|---|---|---|---|\n";
    let _ = write!(text, "\n### {title}\n\n{head}");
    for Row {
        guest,
        what,
        outcome,
        control,
    } in rows
    {
        let _ = writeln!(text, "| {guest} | {what} | {outcome} | {control} |");
    }
}
