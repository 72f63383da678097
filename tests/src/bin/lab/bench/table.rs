//! The table that people read: on a terminal, and as Markdown.

use std::fmt::Write;

use crate::bench::outcome::{Row, WorkOutcome};

const HEAD: [&str; 6] = ["", "median", "least", "most", "ours to it", "goal"];

/// As it is printed.
pub(crate) fn text(outcome: &WorkOutcome) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(outcome.rows.iter().map(|row| cells(row, outcome)));
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or_default()
    };
    // What no row has anything to say of is no column.
    let said = |column: &usize| lines[1..].iter().any(|line| !line[*column].is_empty());
    let columns: Vec<usize> = (1..HEAD.len()).filter(said).collect();
    let names = width(0);
    let mut text = format!("{}\n", outcome.work);
    for (number, line) in lines.iter().enumerate() {
        let mut shown = format!("  {:<names$}", line[0]);
        for &column in &columns {
            let _ = write!(shown, "  {:>width$}", line[column], width = width(column));
        }
        let _ = writeln!(text, "{}", shown.trim_end());
        let why = number.checked_sub(1).and_then(|row| outcome.rows.get(row));
        if let Some(why) = why.and_then(|row| row.why.as_ref()) {
            let _ = writeln!(text, "      {why}");
        }
    }
    text
}

/// As it stands in a page of the documentation.
pub(crate) fn markdown<'a>(outcomes: impl IntoIterator<Item = &'a WorkOutcome>) -> String {
    let mut text = "| work | who | median | least | most | ours to it | goal |\n\
                    |---|---|---|---|---|---|---|\n"
        .to_owned();
    for outcome in outcomes {
        for (number, row) in outcome.rows.iter().enumerate() {
            let work = if number == 0 { &outcome.work } else { "" };
            let cells = cells(row, outcome);
            let why = row.why.as_ref().map(|why| format!(": {why}"));
            let who = format!("{}{}", row.who, why.unwrap_or_default().replace('|', "/"));
            let _ = writeln!(text, "| {work} | {who} | {} |", cells[1..].join(" | "));
        }
    }
    text
}

fn cells(row: &Row, outcome: &WorkOutcome) -> [String; 6] {
    let unit = outcome.unit;
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| unit.show(value));
    let figures = &row.figures;
    let ratio = row.ours_to_it.map(|ratio| match ratio {
        small if small < 0.0995 => format!("{small:.3}"),
        ratio => format!("{ratio:.2}"),
    });
    let goal = row.bound.map(|bound| {
        let verdict = match row.met {
            Some(true) => "met",
            Some(false) => "not met",
            None => "not known",
        };
        format!("{}, {verdict}", bound.show(unit))
    });
    [
        row.who.to_owned(),
        shown(figures.median()),
        shown(figures.least()),
        shown(figures.most()),
        ratio.unwrap_or_default(),
        goal.unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figures::{Figures, Unit};
    use crate::bench::goal::Bound;

    fn outcome() -> WorkOutcome {
        let row = |who, value: Option<f64>| {
            let mut figures = Figures::default();
            figures.extend(value);
            Row {
                who,
                figures,
                why: None,
                ours_to_it: None,
                bound: None,
                met: None,
            }
        };
        let mut peer = row("machinectl start", Some(1.0));
        peer.ours_to_it = Some(0.3);
        peer.bound = Bound::of("booted guest, start to ready", "machinectl start");
        peer.met = Some(false);
        let mut absent = row("podman, bridge", None);
        absent.why = Some("no | pids".to_owned());
        WorkOutcome {
            work: "booted guest, start to ready".to_owned(),
            unit: Unit::Seconds,
            rows: vec![row("ctr", Some(0.3)), peer, absent],
        }
    }

    #[test]
    fn columns_stand_below_each_other() {
        assert_eq!(
            text(&outcome()),
            "booted guest, start to ready
                    median   least    most  ours to it             goal
  ctr               300 ms  300 ms  300 ms
  machinectl start  1.00 s  1.00 s  1.00 s        0.30  ≤ 0.20, not met
  podman, bridge         -       -       -
      no | pids
"
        );
    }

    #[test]
    fn work_that_nobody_else_does_is_compared_with_nothing() {
        let mut alone = outcome();
        alone.rows.truncate(1);
        let head = text(&alone);
        assert_eq!(head.lines().nth(1), Some("       median   least    most"));
    }

    #[test]
    fn a_page_has_the_same() {
        let page = markdown([&outcome()]);
        let rows: Vec<&str> = page.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| booted guest, start to ready | ctr | 300 ms | 300 ms | 300 ms |  |  |",
                "|  | machinectl start | 1.00 s | 1.00 s | 1.00 s | 0.30 | ≤ 0.20, not met |",
                "|  | podman, bridge: no / pids | - | - | - |  |  |",
            ]
        );
    }
}
