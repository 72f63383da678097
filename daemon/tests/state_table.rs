//! docs/explanation/states.md has the states and what leads from one to the next as the code has it;
//! `CTR_BLESS=1` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ctr_api::wire::State;
use ctrd::reconcile::state::{Case, Facts, case};

const BEGIN: &str = "<!-- tables of states: written by the tests -->\n";
const END: &str = "<!-- end of the tables of states -->\n";

/// The one fact in which two sets of facts differ, as the page calls it; `None` for several or none.
fn difference(one: Facts, other: Facts) -> Option<&'static str> {
    let Facts {
        intent,
        active,
        doing,
        restarts,
        health,
        held,
    } = one;
    let differ = [
        (intent != other.intent, "intent"),
        (active != other.active, "unit"),
        (doing != other.doing, "step"),
        (restarts != other.restarts, "restart"),
        (health != other.health, "health"),
        (held != other.held, "hold"),
    ];
    let mut differ = differ.iter().filter(|(differs, _)| *differs);
    let (_, first) = differ.next()?;
    differ.next().is_none().then_some(*first)
}

/// What can lead from one state to another: every change of one fact was tried.
fn transitions() -> BTreeMap<(&'static str, &'static str), BTreeSet<&'static str>> {
    let all: Vec<(Facts, State)> = Facts::all()
        .map(|facts| (facts, case(&facts).state()))
        .collect();
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (one, from) in &all {
        for (other, to) in all.iter().filter(|(_, to)| to != from) {
            if let Some(fact) = difference(*one, *other) {
                let states = (from.as_str(), to.as_str());
                found.entry(states).or_default().insert(fact);
            }
        }
    }
    found
}

fn tables() -> String {
    let mut text = String::from("\n| State | When |\n|---|---|\n");
    for state in State::ALL {
        for case in Case::ALL.iter().filter(|case| case.state() == state) {
            let _ = writeln!(text, "| `{}` | {} |", state.as_str(), case.when());
        }
    }
    let found = transitions();
    text.push_str("\n| From \\ to |");
    for to in State::ALL {
        let _ = write!(text, " `{}` |", to.as_str());
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(State::ALL.len()));
    for from in State::ALL {
        let _ = write!(text, "\n| `{}` |", from.as_str());
        for to in State::ALL {
            let facts = found.get(&(from.as_str(), to.as_str()));
            let words = facts.map(|facts| facts.iter().copied().collect::<Vec<_>>().join(", "));
            let _ = write!(text, " {} |", words.unwrap_or_default());
        }
    }
    text.push_str("\n\n");
    text
}

#[test]
fn the_explanation_has_the_states() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("../docs/explanation/states.md");
    let now = fs::read_to_string(&path).expect("the page");
    let (head, rest) = now.split_once(BEGIN).expect("where the tables begin");
    let (_, tail) = rest.split_once(END).expect("where they end");
    let expected = format!("{head}{BEGIN}{}{END}{tail}", tables());
    if std::env::var_os("CTR_BLESS").is_some() {
        fs::write(&path, &expected).expect("written");
    }
    let now = fs::read_to_string(&path).expect("the page");
    assert_eq!(now, expected, "CTR_BLESS=1 rewrites it");
}

#[test]
fn every_state_has_a_case() {
    for state in State::ALL {
        assert!(
            Case::ALL.iter().any(|case| case.state() == state),
            "{state:?}"
        );
    }
}
