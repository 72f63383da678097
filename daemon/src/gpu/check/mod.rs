//! What is as it should be with graphics processors, what is not, and what a person can do about it.
//!
//! [`check`] is pure; [`Facts`] are what it has to know besides the inventory.

mod card;
mod facts;
mod userspace;

use crate::model::ContainerId;

use super::Inventory;

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

/// What a container asks for and has not got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub id: ContainerId,
    /// For what, as its status says it: `gpu (nvidia-uvm)`.
    pub reason: String,
    /// What its status says to do.
    pub hint: Option<String>,
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
    findings.extend(facts.waiting.iter().map(waits));
    findings
}

fn none(facts: &Facts) -> Finding {
    let severity = if facts.waiting.is_empty() {
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

fn waits(waiting: &Waiting) -> Finding {
    let subject = waiting.id.to_string();
    let finding = Finding::new(
        Severity::Problem,
        &subject,
        format!("waits for {}", waiting.reason),
    );
    let hint = waiting.hint.clone().unwrap_or_else(|| {
        format!(
            "it starts by itself when that is there; `ctr {} status {}` says more, and \
             `optional = true` in its `gpu` starts it without",
            waiting.id.group, waiting.id.name
        )
    });
    finding.hint(hint)
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
