//! Columns that shrink to the terminal and never break a word.
//!
//! A table has fixed columns and, at the end of a row, free text. Where the terminal is too narrow the
//! text first wraps within its column, then moves below its row, and then the columns that matter
//! least go, one by one.

use clap::builder::styling::Style;

use super::{Paint, View};

/// Free text that is narrower than this moves below its row.
const NARROWEST_TEXT: usize = 24;
const GAP: usize = 2;
const INDENT: usize = 4;

/// One field of a row.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            style: Style::new(),
        }
    }

    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// One line of the table, and the text that belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    /// Paragraphs: each begins on its own line.
    pub(crate) text: Vec<String>,
}

/// Rows in sections with a line above each, all in the same columns.
#[derive(Debug)]
pub(crate) struct Table {
    /// The columns' titles; none for a table that needs none.
    pub(crate) titles: Vec<&'static str>,
    /// Which columns go first where there is no room, by index.
    pub(crate) dropped_first: &'static [usize],
    pub(crate) sections: Vec<Section>,
}

/// A heading and its rows.
#[derive(Debug, Default)]
pub(crate) struct Section {
    /// Lines above the titles, already painted.
    pub(crate) heading: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

/// Where everything goes, once the width is known.
struct Layout {
    /// The shown columns and their widths.
    columns: Vec<(usize, usize)>,
    /// Where free text begins, and how wide it may be; none where it stands below its row.
    beside: Option<(usize, Option<usize>)>,
}

impl Table {
    pub(crate) fn render(&self, view: View) -> String {
        let layout = self.layout(view.width);
        let mut lines = Vec::new();
        for (index, section) in self.sections.iter().enumerate() {
            if index > 0 && !section.heading.is_empty() {
                lines.push(String::new());
            }
            lines.extend(section.heading.iter().cloned());
            if !self.titles.is_empty() && !section.rows.is_empty() {
                let style = Style::new().dimmed();
                let titles: Vec<_> = self
                    .titles
                    .iter()
                    .map(|it| Cell::styled(*it, style))
                    .collect();
                lines.push(line(&titles, &layout, view.paint).0);
            }
            for row in &section.rows {
                push_row(&mut lines, row, &layout, view);
            }
        }
        let mut text = lines.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }

    fn layout(&self, width: Option<usize>) -> Layout {
        let count = self
            .rows()
            .map(|row| row.cells.len())
            .max()
            .unwrap_or(self.titles.len());
        let mut columns: Vec<(usize, usize)> = (0..count)
            .map(|column| {
                let title = self.titles.get(column).map_or(0, |it| it.chars().count());
                let cells = self
                    .rows()
                    .filter_map(|row| row.cells.get(column))
                    .map(Cell::width);
                (column, cells.max().unwrap_or(0).max(title))
            })
            .collect();
        let Some(width) = width else {
            return Layout {
                beside: Some((total(&columns) + GAP, None)),
                columns,
            };
        };
        let longest = self
            .rows()
            .flat_map(|row| &row.text)
            .map(|text| text.chars().count())
            .max()
            .unwrap_or(0);
        let room = width.saturating_sub(total(&columns) + GAP);
        if total(&columns) <= width && room >= longest.min(NARROWEST_TEXT) {
            return Layout {
                beside: Some((total(&columns) + GAP, Some(room))),
                columns,
            };
        }
        for least in self.dropped_first {
            if total(&columns) <= width {
                break;
            }
            columns.retain(|(column, _)| column != least);
        }
        Layout {
            columns,
            beside: None,
        }
    }
}

fn total(columns: &[(usize, usize)]) -> usize {
    let widths: usize = columns.iter().map(|(_, width)| width).sum();
    widths + GAP * columns.len().saturating_sub(1)
}

/// The fixed part of a row and how wide it came out, without spaces at its end.
fn line(cells: &[Cell], layout: &Layout, paint: Paint) -> (String, usize) {
    let mut text = String::new();
    let mut at = 0;
    let mut start = 0;
    for (column, width) in &layout.columns {
        if let Some(cell) = cells.get(*column).filter(|cell| !cell.text.is_empty()) {
            text.push_str(&" ".repeat(start - at));
            text.push_str(&paint.apply(cell.style, &cell.text));
            at = start + cell.width();
        }
        start += width + GAP;
    }
    (text, at)
}

fn push_row(lines: &mut Vec<String>, row: &Row, layout: &Layout, view: View) {
    let (mut first, at) = line(&row.cells, layout, view.paint);
    let (start, room) = match layout.beside {
        Some(beside) => beside,
        None => (INDENT, view.width.map(|it| it.saturating_sub(INDENT))),
    };
    let mut text = row.text.iter().flat_map(|paragraph| wrap(paragraph, room));
    if layout.beside.is_some()
        && let Some(beside) = text.next()
    {
        first.push_str(&" ".repeat(start.saturating_sub(at)));
        first.push_str(&beside);
    }
    lines.push(first);
    lines.extend(text.map(|it| format!("{}{it}", " ".repeat(start))));
}

/// Breaks a text between words so that no line is wider than `width`, unless one word alone is.
pub(crate) fn wrap(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else {
        return vec![text.replace('\n', " ")];
    };
    let mut lines: Vec<String> = Vec::new();
    let mut at = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if at + 1 + length <= width => {
                line.push(' ');
                line.push_str(word);
                at += 1 + length;
            }
            _ => {
                lines.push(word.to_owned());
                at = length;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn a_word_is_never_broken() {
        assert_eq!(
            wrap("waiting for /dev/nvidia-uvm to appear", Some(12)),
            ["waiting for", "/dev/nvidia-uvm", "to appear"]
        );
    }
}
