//! The table of `ctr gpu`.

use ctr_api::wire::Gpu;

use super::View;
use super::table::{Cell, Row, Section, Table};
use super::units::size;

const TITLES: [&str; 8] = [
    "GPU",
    "NAME",
    "ADDRESS",
    "DRIVER",
    "MEMORY",
    "USE",
    "NODES",
    "CONTAINERS",
];
/// What a narrow terminal can do without, the least first: nodes, address, use, driver, memory.
const DROPPED_FIRST: [usize; 5] = [6, 2, 5, 3, 4];

/// Every graphics processor of the host.
pub(crate) fn gpus(gpus: &[Gpu], view: View) -> String {
    let rows = gpus.iter().map(row).collect();
    Table {
        titles: TITLES.to_vec(),
        dropped_first: &DROPPED_FIRST,
        sections: vec![Section {
            heading: Vec::new(),
            rows,
        }],
    }
    .render(view)
}

fn row(gpu: &Gpu) -> Row {
    let or_dash = |text: Option<String>| {
        let text = text.filter(|it| !it.is_empty());
        Cell::new(text.unwrap_or_else(|| "-".to_owned()))
    };
    let driver = gpu.driver.as_ref().map(|name| match &gpu.driver_version {
        Some(version) => format!("{name} {version}"),
        None => name.clone(),
    });
    let cells = vec![
        Cell::new(format!("{} {}", gpu.vendor, gpu.index)),
        Cell::new(&gpu.name),
        or_dash(gpu.pci.clone()),
        or_dash(driver),
        or_dash(memory(gpu)),
        or_dash(gpu.utilisation.map(|percent| format!("{percent}%"))),
        or_dash(Some(nodes(&gpu.nodes))),
        or_dash(Some(gpu.used_by.join(","))),
    ];
    let missing = (!gpu.missing.is_empty()).then(|| format!("missing: {}", gpu.missing.join(", ")));
    Row {
        cells,
        text: missing.into_iter().collect(),
    }
}

/// `2.1G/6.0G`, or as much of it as the driver tells.
fn memory(gpu: &Gpu) -> Option<String> {
    let total = gpu.memory_total.map(size);
    let used = gpu.memory_used.map(size);
    Some(match (used, total) {
        (Some(used), Some(total)) => format!("{used}/{total}"),
        (None, Some(total)) => format!("-/{total}"),
        (Some(used), None) => used,
        (None, None) => return None,
    })
}

/// `nvidia0,nvidiactl,nvidia-uvm`: without the directories that everybody knows. Those of partitions are many, and
/// are counted.
fn nodes(nodes: &[String]) -> String {
    const CAPABILITIES: &str = "/dev/nvidia-caps/";
    let short = |node: &String| {
        let below = node.strip_prefix("/dev/").unwrap_or(node);
        below.strip_prefix("dri/").unwrap_or(below).to_owned()
    };
    let (capabilities, named): (Vec<_>, Vec<_>) = nodes
        .iter()
        .partition(|node| node.starts_with(CAPABILITIES));
    let mut named: Vec<String> = named.into_iter().map(short).collect();
    if !capabilities.is_empty() {
        named.push(format!("nvidia-caps({})", capabilities.len()));
    }
    named.join(",")
}

#[cfg(test)]
mod tests {
    use ctr_api::wire::Gpu;

    use super::gpus;
    use crate::render::{Paint, View};
    use crate::sample;
    use crate::screens::assert_shown;

    fn view(width: Option<usize>) -> View {
        View {
            paint: Paint::plain(),
            width,
            now_ms: sample::NOW_MS,
        }
    }

    #[test]
    fn the_reference_shows_a_laptop() {
        let text = gpus(&sample::gpus(), view(None));
        assert_shown("ctr gpu", &format!("$ ctr gpu\n{text}"));
    }

    #[test]
    fn a_narrow_terminal_keeps_what_is_used_by_whom() {
        let text = gpus(&sample::gpus(), view(Some(80)));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(
            text.contains("CONTAINERS") && !text.contains("NODES"),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_told_is_a_dash_and_what_is_missing_is_said() {
        let card = Gpu {
            vendor: "amd".to_owned(),
            name: "AMD 1002:7480".to_owned(),
            missing: vec!["driver".to_owned()],
            ..Gpu::default()
        };
        let text = gpus(&[card], view(None));
        let row = text.lines().nth(1).expect("a row");
        let words: Vec<&str> = row.split_whitespace().collect();
        let expected = "amd 0 AMD 1002:7480 - - - - - - missing: driver";
        assert_eq!(words.join(" "), expected);
    }
}
