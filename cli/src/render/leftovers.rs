//! What is left of containers that are declared no more.

use ctr_api::wire::Leftovers;

use super::View;
use super::table::{Cell, Row, Section, Table};
use super::units::{date_and_time, size};

/// A row for each machine.
pub(crate) fn leftovers(left: &Leftovers, view: View) -> String {
    let rows = left.machines.iter().map(|it| Row {
        cells: vec![
            Cell::new(&it.machine),
            Cell::new(size(it.size)),
            Cell::new(
                it.last_used_ms
                    .map_or_else(|| "-".to_owned(), date_and_time),
            ),
        ],
        text: it.paths.clone(),
    });
    Table {
        titles: vec!["MACHINE", "SIZE", "LAST CHANGED"],
        dropped_first: &[2, 1],
        sections: vec![Section {
            heading: Vec::new(),
            rows: rows.collect(),
        }],
    }
    .render(view)
}

#[cfg(test)]
mod tests {
    use super::leftovers;
    use crate::render::{Paint, View};
    use ctr_api::wire::{Leftover, Leftovers};

    #[test]
    fn each_machine_has_its_size_and_its_places() {
        let left = Leftovers {
            machines: vec![Leftover {
                machine: "ml-ollama".to_owned(),
                paths: vec![
                    "/var/lib/ctr/ml-ollama".to_owned(),
                    "/var/lib/ctr/.secrets/ml-ollama".to_owned(),
                ],
                size: 3 << 30,
                last_used_ms: None,
            }],
        };
        let view = View {
            paint: Paint::plain(),
            width: None,
            now_ms: 0,
        };
        assert_eq!(
            leftovers(&left, view),
            "MACHINE    SIZE  LAST CHANGED\n\
             ml-ollama  3.0G  -             /var/lib/ctr/ml-ollama\n                               \
             /var/lib/ctr/.secrets/ml-ollama\n"
        );
    }
}
