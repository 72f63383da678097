//! docs/explanation/states.md has the states and what leads from one to the next as the code has it;
//! `CTR_BLESS=1` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ctr_api::wire::State;
use ctrd::health::Verdict;
use ctrd::machine::Active;
use ctrd::reconcile::Intent;
use ctrd::reconcile::state::{Case, Doing, Facts, case};

const BEGIN: &str = "<!-- tables of states: written by the tests -->\n";
const END: &str = "<!-- end of the tables of states -->\n";

/// Whether these facts can hold together: only a guest that is up is probed or has a restart before it, only one
/// that is down is started.
fn is_possible(facts: Facts) -> bool {
    let down = matches!(facts.active, Active::Inactive | Active::Failed);
    let up = facts.active == Active::Active;
    (facts.health.is_none() || up)
        && (!facts.restarts || !down)
        && match facts.doing {
            Doing::Nothing => true,
            Doing::Start => down && facts.intent == Intent::Run,
            Doing::Stop => !down,
            Doing::Leave => facts.intent == Intent::Run,
        }
}

/// How a unit goes from one state to the next (`ActiveState` in org.freedesktop.systemd1(5)).
const fn unit_goes(from: Active, to: Active) -> bool {
    match from {
        Active::Inactive | Active::Failed => matches!(to, Active::Activating),
        Active::Activating => !matches!(to, Active::Activating),
        Active::Active => !matches!(to, Active::Activating | Active::Active),
        Active::Deactivating => matches!(to, Active::Inactive | Active::Failed),
    }
}

/// How health goes on, of a guest that stays up.
const fn health_goes(from: Option<Verdict>, to: Option<Verdict>) -> bool {
    match (from, to) {
        (_, None) | (None, Some(Verdict::Found)) => true,
        (None, Some(_)) | (_, Some(Verdict::Coming | Verdict::Found)) => false,
        (Some(Verdict::Coming), Some(to)) => matches!(to, Verdict::Healthy),
        (Some(_), Some(Verdict::Healthy | Verdict::Unhealthy)) => true,
    }
}

/// The one thing that leads from one set of facts to another, as the page calls it; `None` for several, none, or
/// what does not happen.
fn step(one: Facts, other: Facts) -> Option<&'static str> {
    if one.active != other.active {
        // The probes begin and end with what they probe.
        let probed = match other.active {
            Active::Active => matches!(other.health, None | Some(Verdict::Coming)),
            _ => true,
        };
        let rest = Facts {
            active: one.active,
            health: one.health,
            ..other
        };
        return (probed && rest == one && unit_goes(one.active, other.active)).then_some("unit");
    }
    let differ = [
        (one.intent != other.intent, "intent"),
        (one.doing != other.doing, "step"),
        (one.restarts != other.restarts, "restart"),
        (one.health != other.health, "health"),
        (one.held != other.held, "hold"),
    ];
    let mut differ = differ.iter().filter(|(differs, _)| *differs);
    let (_, first) = differ.next()?;
    let happens = *first != "health" || health_goes(one.health, other.health);
    (differ.next().is_none() && happens).then_some(*first)
}

/// What can lead from one state to another: every step was tried.
fn transitions() -> BTreeMap<(&'static str, &'static str), BTreeSet<&'static str>> {
    let all: Vec<(Facts, State)> = Facts::all()
        .filter(|facts| is_possible(*facts))
        .map(|facts| (facts, case(&facts).state()))
        .collect();
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (one, from) in &all {
        for (other, to) in all.iter().filter(|(_, to)| to != from) {
            if let Some(step) = step(*one, *other) {
                let states = (from.as_str(), to.as_str());
                found.entry(states).or_default().insert(step);
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
