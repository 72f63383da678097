//! What came of a scenario.

use std::fmt;
use std::time::Duration;

use ctr_lab::Host;
use serde::Deserialize;

use crate::scenario::Scenario;

/// Far longer than a scenario takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A scenario, swept.
#[derive(Debug)]
pub(crate) struct Outcome {
    name: &'static str,
    sum: Sum,
    pub(crate) problems: Vec<Problem>,
}

/// What went wrong at one place.
#[derive(Debug, Deserialize)]
pub(crate) struct Problem {
    point: String,
    #[serde(rename = "problem")]
    wrong: String,
    journal: String,
}

#[derive(Debug, Default, Deserialize)]
struct Sum {
    points: Vec<String>,
    passings: usize,
    kills: usize,
    missed: Vec<String>,
    seconds: f64,
}

impl Outcome {
    /// Runs a scenario on a host.
    pub(crate) fn of(host: &Host, scenario: &Scenario) -> Self {
        let json = serde_json::to_string(scenario).expect("a scenario is text");
        let sweep = host
            .command(["python3", "/usr/local/lib/crash/sweep.py"])
            .stdin(json)
            .timeout(PATIENCE)
            .output()
            .expect("the sweep runs");
        let mut problems = Vec::new();
        let mut sum = Sum::default();
        for line in sweep.stdout.lines() {
            if let Ok(problem) = serde_json::from_str(line) {
                problems.push(problem);
            } else {
                sum = serde_json::from_str(line).expect("what the sweep promises");
            }
        }
        if !sweep.success() {
            problems.push(Problem {
                point: "the sweep itself".to_owned(),
                wrong: sweep.stderr,
                journal: String::new(),
            });
        }
        Self {
            name: scenario.name,
            sum,
            problems,
        }
    }

    /// The failpoints that it passed.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.sum.points.iter().map(String::as_str)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, seconds) = (self.name, self.sum.seconds);
        write!(f, "--- {name}: {} kills in {seconds} s", self.sum.kills)?;
        for point in &self.sum.missed {
            write!(f, "\nnot passed in time: {point}")?;
        }
        for Problem {
            point,
            wrong,
            journal,
        } in &self.problems
        {
            write!(f, "\n!!! {name}, killed at `{point}`: {wrong}\n{journal}")?;
        }
        Ok(())
    }
}

/// All outcomes, one line each.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let mut lines: Vec<String> = outcomes
        .iter()
        .map(|it| {
            let worst = if it.problems.is_empty() {
                "as without a crash".to_owned()
            } else {
                format!("{} places go wrong", it.problems.len())
            };
            format!(
                "| {} | {} | {} | {} | {} | {worst} |",
                it.name,
                it.sum.points.len(),
                it.sum.passings,
                it.sum.kills,
                it.sum.missed.len()
            )
        })
        .collect();
    lines.sort();
    format!(
        "| Scenario | Failpoints | Passings | Kills | Not passed | Worst outcome |\n|---|---|---|---|---|---|\n{}\n",
        lines.join("\n")
    )
}
