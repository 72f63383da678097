//! Problems as a terminal shows them.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use ctr_api::wire::Severity;

use super::problem::{Problem, Related, Source};

/// Whether to write terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// With them.
    Always,
    /// Without.
    Never,
}

/// A place in a text, as editors count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The line, from 1.
    pub(crate) line: usize,
    /// The column in characters, from 1.
    pub(crate) column: usize,
}

/// The longest line that is shown. The renderer's work grows with the line, and a line that does
/// not fit a terminal explains nothing.
const LINE_MAX: usize = 2000;

/// A declaration's text and where its lines begin, so that each problem costs its own line only.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    name: &'a str,
    content: &'a str,
    /// The first byte of every line.
    lines: Vec<usize>,
}

impl<'a> Text<'a> {
    /// The text of the declaration called `name`.
    pub(crate) fn new(name: &'a str, text: &'a str) -> Self {
        let newlines = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let lines = std::iter::once(0)
            .chain(newlines.map(|(at, _)| at + 1))
            .collect();
        Self {
            name,
            content: text,
            lines,
        }
    }

    /// The position of the byte `offset`.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let line = self.line(&(offset..offset));
        let before = line.text.get(..line.span.start).unwrap_or_default();
        Position {
            line: line.number,
            column: before.chars().count() + 1,
        }
    }

    /// One problem in the look of rustc.
    pub(crate) fn problem(&self, problem: &'a Problem, colour: Colour) -> String {
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(&problem.message));
        group = self.located(
            group,
            AnnotationKind::Primary,
            &problem.span,
            &problem.key,
            problem.source,
        );
        if let Some(Related { span, label }) = &problem.related {
            group = self.located(group, AnnotationKind::Context, span, label, problem.source);
        }
        if let Some(hint) = &problem.hint {
            group = group.element(Level::HELP.message(hint));
        }
        let renderer = match colour {
            Colour::Always => Renderer::styled(),
            Colour::Never => Renderer::plain(),
        };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }

    /// Adds the line that a span begins on, or only its place where the line is not to be shown.
    fn located(
        &self,
        group: Group<'a>,
        kind: AnnotationKind,
        span: &Range<usize>,
        label: &'a str,
        source: Source,
    ) -> Group<'a> {
        let line = self.line(span);
        if source == Source::Hidden || line.text.len() > LINE_MAX || line.text.is_empty() {
            let Position { line, column } = self.position(span.start);
            let group = group.element(Origin::path(self.name).line(line).char_column(column));
            if label.is_empty() {
                return group;
            }
            return group.element(Level::NOTE.message(format!("at {label}")));
        }
        let label = Some(label).filter(|label| !label.is_empty());
        let annotation = kind.span(line.span).label(label);
        let snippet = Snippet::source(line.text)
            .line_start(line.number)
            .path(self.name);
        group.element(snippet.annotation(annotation))
    }

    /// The line that a span begins on.
    fn line(&self, span: &Range<usize>) -> Line<'a> {
        let start = boundary(self.content, span.start);
        let number = self.lines.partition_point(|&first| first <= start);
        let first = self.lines.get(number - 1).copied().unwrap_or_default();
        let end = self
            .lines
            .get(number)
            .map_or(self.content.len(), |&next| next - 1);
        let text = self.content.get(first..end).unwrap_or_default();
        let text = text.strip_suffix('\r').unwrap_or(text);
        let from = boundary(text, start - first);
        let mut to = boundary(text, span.end.saturating_sub(first).max(from));
        if to == from {
            // It would underline nothing: the character after it is what the parser met.
            let next = text.get(from..).and_then(|rest| rest.chars().next());
            to += next.map_or(0, char::len_utf8);
        }
        Line {
            number,
            text,
            span: from..to,
        }
    }
}

/// One line of a text.
#[derive(Debug)]
struct Line<'a> {
    /// Its number, from 1.
    number: usize,
    /// Its text, without its end.
    text: &'a str,
    /// The part of a span on this line, counted from the line's first byte.
    span: Range<usize>,
}

/// The last boundary between characters at or before `offset`.
fn boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::{Position, Text};

    fn position(text: &str, offset: usize) -> Position {
        Text::new("declaration.toml", text).position(offset)
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        assert_eq!(position("a\nné = 1", 5), Position { line: 2, column: 3 });
    }

    #[test]
    fn an_offset_within_a_character_or_past_the_end_is_moved_back() {
        assert_eq!(position("é", 1), Position { line: 1, column: 1 });
        assert_eq!(position("ab\n", 99), Position { line: 2, column: 1 });
        assert_eq!(position("", 0), Position { line: 1, column: 1 });
    }

    #[test]
    fn the_end_of_a_line_is_on_that_line() {
        assert_eq!(position("ab\r\nc", 2), Position { line: 1, column: 3 });
        assert_eq!(position("ab\nc", 2), Position { line: 1, column: 3 });
    }
}
