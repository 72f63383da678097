//! Who may call which method: every method that is served, called by everybody, compared with the table in
//! `docs/reference/access.md`. `CTR_BLESS=1` writes the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ctr_lab::Host;

use crate::guests::{lab, running, sleeper};
use crate::people::{NOBODY, OPERATOR, REFUSED, at_the_host, inhabited};

const PAGE: &str = "docs/reference/access.md";
const OURS: &str = "org.kernelcore.Containers1.";
const BEGIN: &str = "<!-- who may call what: written by a test -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn who_may_call_what() {
    let secret = "credentials.token = { generate = true }\n";
    let host = inhabited(&lab(&[sleeper("web", 11, secret)]), |it| it);
    let sitting = at_the_host("");
    let callers = [
        ("Anybody", NOBODY),
        ("At the host", &sitting),
        ("Operator", OPERATOR),
        ("root", ""),
    ];
    let mut answers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, action) in called_by(&host, REFUSED).iter().map(|(n, (_, a))| (n, a)) {
        answers.insert(name.clone(), vec![format!("`{action}`")]);
    }
    for (_, prefix) in callers {
        for (name, (said, _)) in called_by(&host, prefix) {
            let row = answers.get_mut(&name).expect("the same methods for all");
            row.push(said);
        }
    }
    let mut table = format!(
        "| Method | Asks for | {} |\n|---|---|{}\n",
        callers.map(|(heading, _)| heading).join(" | "),
        "---|".repeat(callers.len()),
    );
    // Ours first: the rest is the same for every service.
    let (ours, others): (Vec<_>, Vec<_>) =
        answers.iter().partition(|(name, _)| name.starts_with(OURS));
    for (name, row) in ours.into_iter().chain(others) {
        let name = name.trim_start_matches(OURS);
        let row = row.join(" | ").replace("`nothing`", "-");
        let row = row.replace(&format!("`{OURS}"), "`");
        let _ = writeln!(table, "| `{name}` | {row} |");
    }
    compare(&table);
}

/// What this caller is told, method by method, and the action that a refusal names.
#[track_caller]
fn called_by(host: &Host, prefix: &str) -> BTreeMap<String, (String, String)> {
    running(host, &["web"]);
    let printed = host.ok(&format!("{prefix} /usr/bin/python3 /srv/caller.py matrix"));
    let mut answers = BTreeMap::new();
    for line in printed.lines() {
        let fields: Vec<_> = line.trim_end().split('\t').collect();
        let [name, said, action] = fields[..] else {
            panic!("{line:?} in {printed}");
        };
        let said = said.split(':').next().unwrap_or_default().to_owned();
        // Interfaces that every object has are met more than once.
        if let Some(before) = answers.insert(name.to_owned(), (said.clone(), action.to_owned())) {
            assert_eq!(before.0, said, "{name} differs from object to object");
        }
    }
    answers
}

#[track_caller]
fn compare(table: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE);
    let text = fs::read_to_string(&page).expect("the page is there");
    let (before, rest) = text.split_once(BEGIN).expect("the table has a beginning");
    let (written, after) = rest.split_once(END).expect("the table has an end");
    if std::env::var_os("CTR_BLESS").is_some() {
        fs::write(&page, [before, BEGIN, table, END, after].concat()).expect("it can be written");
        return;
    }
    assert_eq!(
        table, written,
        "{PAGE} says otherwise: CTR_BLESS=1 writes it"
    );
}
