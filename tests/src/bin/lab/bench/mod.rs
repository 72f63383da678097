//! `cargo lab bench`: how long things take, beside what people use instead.
//!
//! A case boots a host, with ctrd and ctr as they are installed, and `measure.py` there has contenders take turns
//! at the same work. Nothing is asserted: figures of one run are compared with each other, and with nothing else.

mod cases;
mod figures;
mod goal;
mod outcome;
pub(crate) mod peers;
mod plan;
mod play;
mod report;
mod scene;
mod table;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::arguments::Bench;
use crate::bench::cases::{CASES, Case};
use crate::bench::report::Report;

/// What is measured against the others.
const OURS: &str = "ctr";

/// Plays the cases that were asked for, or all.
pub(crate) fn run(arguments: &Bench) -> Result<ExitCode> {
    if arguments.list {
        for case in &CASES {
            println!("{:<12} {:>3} turns  {}", case.name, case.turns, case.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut report = Report::begin();
    let mut all_played = true;
    for case in chosen(&arguments.cases)? {
        let turns = arguments.turns.unwrap_or(case.turns);
        let played = match play::play(case, turns) {
            Ok(played) => played,
            // The others are worth their time all the same.
            Err(error) => {
                eprintln!("error: {} was not measured: {error:#}", case.name);
                all_played = false;
                continue;
            }
        };
        if !arguments.markdown {
            for outcome in &played.outcomes {
                println!("{}", table::text(outcome));
            }
        }
        report.add(case, played);
        if let Some(path) = &arguments.json {
            report.write(path)?;
        }
    }
    if arguments.markdown {
        print!("{}", report.markdown());
    } else {
        println!("{}", report.circumstances());
    }
    Ok(if all_played {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn chosen(names: &[String]) -> Result<Vec<&'static Case>> {
    if names.is_empty() {
        return Ok(CASES.iter().collect());
    }
    let find = |name: &String| {
        let found = CASES.iter().find(|case| case.name == name);
        found.map_or_else(|| unknown(name), Ok)
    };
    names.iter().map(find).collect()
}

fn unknown(name: &str) -> Result<&'static Case> {
    bail!("no case is named {name}\nhint: `cargo lab bench --list` names them all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_means_all_and_a_wrong_one_is_told() {
        assert_eq!(chosen(&[]).map(|it| it.len()).ok(), Some(CASES.len()));
        let error = chosen(&["boots".to_owned()]).expect_err("no such case");
        assert!(error.to_string().contains("boots"), "{error}");
    }
}
