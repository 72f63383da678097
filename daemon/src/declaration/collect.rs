//! Collects problems while the reading goes on.

use ctr_api::wire::Severity;

use super::place::Place;
use super::problem::{Problem, Problems, Related, Source};

/// The most problems of one severity that are kept: more than a person reads, and a bound on what
/// a hostile file can make the daemon hold and render.
const KEPT_MAX: usize = 200;

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    left_out: usize,
    refused: bool,
}

impl Collector {
    /// Records what refuses the declaration.
    pub(crate) fn error(&mut self, place: &Place, message: impl Into<String>) -> Recorded<'_> {
        self.refused = true;
        Self::record(
            &mut self.errors,
            &mut self.left_out,
            Severity::Error,
            place,
            message.into(),
        )
    }

    /// Records what somebody should know.
    pub(crate) fn warning(&mut self, place: &Place, message: impl Into<String>) -> Recorded<'_> {
        let warnings = &mut self.warnings;
        Self::record(
            warnings,
            &mut self.left_out,
            Severity::Warning,
            place,
            message.into(),
        )
    }

    fn record<'a>(
        list: &'a mut Vec<Problem>,
        left_out: &mut usize,
        severity: Severity,
        place: &Place,
        message: String,
    ) -> Recorded<'a> {
        if list.len() >= KEPT_MAX {
            *left_out += 1;
            return Recorded(None);
        }
        list.push(Problem {
            severity,
            key: place.path.to_string(),
            span: place.span.clone(),
            message,
            hint: None,
            related: None,
            source: Source::Shown,
        });
        Recorded(list.last_mut())
    }

    /// Whether there is still room for what refuses the declaration. Where there is none, what is
    /// read is only counted: nothing more of it will be shown, so nothing of it has to be held.
    pub(crate) fn keeps(&self) -> bool {
        self.errors.len() < KEPT_MAX
    }

    /// Whether anything so far refuses the declaration.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// All of them, in the order of the text.
    pub(crate) fn finish(self, name: &str, text: &str) -> Problems {
        let Self {
            errors,
            mut warnings,
            left_out,
            refused: _,
        } = self;
        let mut list = errors;
        list.append(&mut warnings);
        Problems::new(name, text, list, left_out)
    }
}

/// A problem just recorded, to say more about; `None` where there are too many to keep.
#[derive(Debug)]
pub(crate) struct Recorded<'a>(Option<&'a mut Problem>);

impl Recorded<'_> {
    /// What to write instead.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        self.hint_with(|| hint.into())
    }

    /// The same, where the hint takes a search that only a kept problem is worth.
    pub(crate) fn hint_with(mut self, hint: impl FnOnce() -> String) -> Self {
        if let Some(problem) = &mut self.0 {
            problem.hint = Some(hint());
        }
        self
    }

    /// The other place it is about.
    pub(crate) fn related(mut self, place: &Place, label: impl Into<String>) -> Self {
        if let Some(problem) = &mut self.0 {
            problem.related = Some(Related {
                span: place.span.clone(),
                label: label.into(),
            });
        }
        self
    }

    /// Does not show the text it stands at.
    pub(crate) fn hidden(mut self) -> Self {
        if let Some(problem) = &mut self.0 {
            problem.source = Source::Hidden;
        }
        self
    }
}
