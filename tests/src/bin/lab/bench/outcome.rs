//! What came of a case: figures of every contender for each piece of work, or why there are none.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::bench::OURS;
use crate::bench::figures::{Figures, Unit};
use crate::bench::goal::Bound;
use crate::bench::plan::Contender;
use crate::bench::scene::Work;

/// What `measure.py` says, a line each.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub(crate) enum Event {
    Prepares {
        who: String,
    },
    Turn {
        who: String,
        turn: u32,
    },
    Figure {
        who: String,
        work: String,
        value: f64,
    },
    Out {
        who: String,
        why: String,
    },
    End,
}

/// One piece of work.
#[derive(Debug, Serialize)]
pub(crate) struct WorkOutcome {
    pub(crate) work: String,
    pub(crate) unit: Unit,
    pub(crate) rows: Vec<Row>,
}

/// One contender at it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) who: &'static str,
    pub(crate) figures: Figures,
    /// Why it has none, or too few.
    pub(crate) why: Option<String>,
    /// The median of ours, as a multiple of its.
    pub(crate) ours_to_it: Option<f64>,
    pub(crate) bound: Option<Bound>,
    pub(crate) met: Option<bool>,
}

impl Row {
    pub(crate) fn median(&self) -> Option<f64> {
        self.figures.median()
    }
}

/// What has been told so far.
#[derive(Debug, Default)]
pub(crate) struct Told {
    figures: BTreeMap<(String, String), Figures>,
    out: BTreeMap<String, String>,
}

impl Told {
    pub(crate) fn take(&mut self, event: Event) {
        match event {
            Event::Figure { who, work, value } => {
                self.figures.entry((work, who)).or_default().add(value);
            }
            Event::Out { who, why } => {
                self.out.insert(who, why);
            }
            Event::Prepares { .. } | Event::Turn { .. } | Event::End => {}
        }
    }

    /// Everything that was to be measured, in the order of the case. Whoever has not been heard of says why.
    pub(crate) fn outcomes(
        &self,
        works: &[Work],
        contenders: &[Contender],
    ) -> Result<Vec<WorkOutcome>> {
        let outcome = |work: &Work| {
            let at_it = contenders.iter().filter(|it| does(it, &work.name));
            let rows: Vec<Row> = at_it.map(|it| self.row(work, it.who)).collect();
            let ours = rows.iter().find(|row| row.who == OURS);
            let ours = ours
                .with_context(|| format!("nothing of ours does {}", work.name))?
                .median();
            let rows = rows.into_iter().map(|row| compared(row, ours, work));
            Ok(WorkOutcome {
                work: work.name.clone(),
                unit: work.unit,
                rows: rows.collect(),
            })
        };
        works.iter().map(outcome).collect()
    }

    fn row(&self, work: &Work, who: &'static str) -> Row {
        let figures = self.figures.get(&(work.name.clone(), who.to_owned()));
        let figures = figures.cloned().unwrap_or_default();
        let nothing = || figures.is_empty().then(|| "it told no figure".to_owned());
        let why = self.out.get(who).cloned().or_else(nothing);
        Row {
            who,
            figures,
            why,
            ours_to_it: None,
            bound: Bound::of(&work.name, who),
            met: None,
        }
    }
}

fn does(contender: &Contender, work: &str) -> bool {
    let works = contender.steps.iter().flat_map(|step| step.works());
    works.into_iter().any(|it| it == work)
}

fn compared(mut row: Row, ours: Option<f64>, work: &Work) -> Row {
    let of_a_peer = (row.who != OURS).then(|| ours.zip(row.median())).flatten();
    row.ours_to_it = of_a_peer.and_then(|(ours, its)| (its > 0.0).then(|| ours / its));
    let figure = row.ours_to_it.or(match row.bound {
        Some(Bound::Value(_)) => ours,
        _ => None,
    });
    row.met = row
        .bound
        .zip(figure)
        .map(|(bound, it)| bound.holds(it, work.unit));
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::goal::{BOOT, MACHINECTL};
    use crate::bench::plan::{Step, Until};

    const PODMAN: &str = "podman, bridge";

    fn contender(who: &'static str) -> Contender {
        let steps = vec![Step::time(BOOT, "true", Until::End)];
        let contender = Contender::default();
        Contender {
            who,
            steps,
            ..contender
        }
    }

    fn outcome(lines: &str) -> WorkOutcome {
        let mut told = Told::default();
        for line in lines.lines() {
            told.take(serde_json::from_str(line).expect("an event"));
        }
        let contenders = [OURS, MACHINECTL, PODMAN].map(contender);
        let works = [Work::seconds(BOOT)];
        let outcomes = told.outcomes(&works, &contenders);
        let mut outcomes = outcomes.expect("ours is among them");
        outcomes.remove(0)
    }

    #[test]
    fn a_peer_is_compared_and_held_against_the_goal() {
        let outcome = outcome(
            r#"{"event": "turn", "who": "ctr", "turn": 1}
{"event": "figure", "who": "ctr", "work": "booted guest, start to ready", "value": 0.2}
{"event": "figure", "who": "machinectl start", "work": "booted guest, start to ready", "value": 0.8}"#,
        );
        let [ours, machinectl, _] = outcome.rows.as_slice() else {
            panic!("{outcome:?}")
        };
        assert_eq!((ours.ours_to_it, ours.met), (None, None));
        assert_eq!(machinectl.ours_to_it, Some(0.25));
        assert_eq!(machinectl.met, Some(false));
    }

    #[test]
    fn who_cannot_run_says_why_and_is_not_left_out() {
        let outcome = outcome(
            r#"{"event": "out", "who": "podman, bridge", "why": "no netavark"}
{"event": "figure", "who": "ctr", "work": "booted guest, start to ready", "value": 0.2}"#,
        );
        let whys = outcome.rows.iter().map(|row| row.why.as_deref());
        let whys: Vec<_> = whys.collect();
        assert_eq!(whys, [None, Some("it told no figure"), Some("no netavark")]);
    }
}
