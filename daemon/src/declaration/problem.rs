//! What is wrong with a declaration.

use std::fmt;
use std::ops::Range;

use ctr_api::wire;
use ctr_api::wire::Severity;

use super::render::{Colour, Text};

/// One thing that is wrong with a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether the declaration is refused for it.
    pub severity: Severity,
    /// The dotted key, `groups.ml.containers.ollama.address`; empty for the whole file.
    pub key: String,
    /// The bytes of the text that are meant.
    pub span: Range<usize>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// The other place of a problem between two.
    pub related: Option<Related>,
    /// Whether the text may be shown.
    pub source: Source,
}

/// The other place of a problem that is between two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The bytes of the text that are meant.
    pub span: Range<usize>,
    /// What stands there.
    pub label: String,
}

/// Whether a problem is shown with the text it stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The text is shown and the offending part underlined.
    Shown,
    /// Only its place is named, because what stands there is a secret.
    Hidden,
}

/// Every problem of a declaration, in the order of the text, with the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    name: String,
    text: String,
    list: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    /// The problems `list` of the declaration `text`, called `name`; `left_out` more are not in it.
    pub(crate) fn new(name: &str, text: &str, mut list: Vec<Problem>, left_out: usize) -> Self {
        if list.is_empty() {
            return Self::default();
        }
        list.sort_by_key(|problem| problem.span.start);
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            list,
            left_out,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Each of them, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// As they travel over the bus, each with its line, its column and its rendering.
    pub fn to_wire(&self) -> Vec<wire::Problem> {
        let text = Text::new(&self.name, &self.text);
        self.list
            .iter()
            .map(|problem| self.one_to_wire(problem, &text))
            .collect()
    }

    fn one_to_wire<'a>(&'a self, problem: &'a Problem, text: &Text<'a>) -> wire::Problem {
        let position = text.position(problem.span.start);
        wire::Problem {
            severity: problem.severity,
            file: self.name.clone(),
            line: u32::try_from(position.line).unwrap_or(u32::MAX),
            column: u32::try_from(position.column).unwrap_or(u32::MAX),
            key: problem.key.clone(),
            message: problem.message.clone(),
            hint: problem.hint.clone(),
            rendered: text.problem(problem, Colour::Never),
        }
    }

    /// Each of them as a terminal shows it, with the offending text underlined.
    pub fn render_each(&self, colour: Colour) -> impl Iterator<Item = String> {
        let text = Text::new(&self.name, &self.text);
        self.list
            .iter()
            .map(move |problem| text.problem(problem, colour))
    }

    /// All of them, and a last line that counts them.
    pub fn render(&self, colour: Colour) -> String {
        let mut text = String::new();
        for problem in self.render_each(colour) {
            text.push_str(&problem);
            text.push_str("\n\n");
        }
        if !self.list.is_empty() {
            text.push_str(&self.count());
            text.push('\n');
        }
        text
    }

    /// `2 problems, 1 warning`.
    pub fn count(&self) -> String {
        let errors = self
            .list
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .count();
        let warnings = self.list.len() - errors;
        let mut parts = Vec::new();
        if errors > 0 {
            parts.push(counted(errors, "problem"));
        }
        if warnings > 0 {
            parts.push(counted(warnings, "warning"));
        }
        if parts.is_empty() {
            parts.push("no problems".to_owned());
        }
        if self.left_out > 0 {
            parts.push(format!("{} more not shown", self.left_out));
        }
        parts.join(", ")
    }
}

/// `1 group`, `2 groups`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// All of them without colour; the same as [`Problems::render`].
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Colour::Never))
    }
}

impl std::error::Error for Problems {}
