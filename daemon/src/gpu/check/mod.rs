//! What is as it should be with graphics processors, what is not, and what a person can do about it.
//!
//! [`check`] is pure; [`Facts`] are what it has to know besides the inventory.

mod card;
mod facts;
mod userspace;

use crate::model::ContainerId;

use super::{Inventory, Lack};

pub use facts::{Facts, Libraries, Specification};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// It works, and could be better.
    Hint,
    /// Something does not work.
    Problem,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// What is so: with the subject before it, a sentence.
    pub what: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}

impl Finding {
    fn new(severity: Severity, subject: &str, what: impl Into<String>) -> Self {
        Self {
            severity,
            subject: subject.to_owned(),
            what: what.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A container that asks for graphics processors and has not got them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Which.
    pub id: ContainerId,
    /// What it lacks.
    pub lack: Lack,
    /// It runs all the same.
    pub runs: bool,
}

/// A running container whose specifications ask for something that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// Which.
    pub id: ContainerId,
    /// What, each as a sentence.
    pub sentences: Vec<String>,
}

/// Everything that there is to say: of each card, of the drivers' libraries, of sleep, of containers. Pure.
pub fn check(inventory: &Inventory, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if inventory.gpus.is_empty() {
        findings.push(none(facts));
    }
    findings.extend(inventory.gpus.iter().map(card::usable));
    findings.extend(userspace::libraries(inventory, facts));
    findings.extend(userspace::sleep(inventory, facts));
    findings.extend(facts.lacking.iter().map(lacks));
    findings.extend(facts.undone.iter().flat_map(does_without));
    findings
}

fn none(facts: &Facts) -> Finding {
    let severity = if facts.lacking.is_empty() {
        Severity::Hint
    } else {
        Severity::Problem
    };
    Finding::new(
        severity,
        "this host",
        "has no graphics processor that the kernel shows",
    )
    .hint(
        "`lspci -nn` lists what is on the bus; a card may be switched off in the firmware's setup, \
         and a virtual machine has one only if it is given one",
    )
}

fn lacks(lacking: &Lacking) -> Finding {
    let Lacking { id, lack, runs } = lacking;
    let Lack {
        reason,
        hint,
        waits,
        refused: _,
    } = lack;
    let subject = id.to_string();
    let (severity, what) = if *runs {
        let and = if lack.refused { ", and" } else { "" };
        let what = format!("runs{and} {}", lack.while_it_runs());
        (Severity::Hint, what)
    } else {
        (Severity::Problem, format!("waits for {reason}"))
    };
    let finding = Finding::new(severity, &subject, what);
    match hint.as_ref().filter(|hint| !hint.contains("ctr gpu check")) {
        Some(hint) => finding.hint(hint),
        None if *waits => finding.hint(
            "it starts by itself when that is there; with `optional = true` in its `gpu` it \
             starts without",
        ),
        None => finding.hint("it is given that when it is there, while it runs"),
    }
}

fn does_without(undone: &Undone) -> impl Iterator<Item = Finding> {
    let subject = undone.id.to_string();
    undone.sentences.iter().map(move |sentence| {
        let what = format!("runs without something that its specification asks for: {sentence}");
        Finding::new(Severity::Hint, &subject, what)
    })
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
