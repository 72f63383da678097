//! The table of `ctr status`.

use ctr_api::wire::{
    ContainerStatus, GroupStatus, HostStatus, Leaving, Limits, Obstacle, PortStatus, State,
};

use super::advice::advice;
use super::paint::state_style;
use super::table::{Cell, Row, Section, Table};
use super::units::{size, span};
use super::{CpuMeter, View, wrap};

const TITLES: [&str; 8] = [
    "NAME", "STATE", "ADDRESS", "UP", "CPU", "MEMORY", "TASKS", "RESTARTS",
];
/// What a narrow terminal can do without, the least first: tasks, restarts, processor, memory, time,
/// address.
const DROPPED_FIRST: [usize; 6] = [6, 7, 4, 5, 3, 2];
/// The same where some container has a graphics processor, which goes between memory and time.
const TITLES_WITH_GPU: [&str; 9] = [
    "NAME", "STATE", "ADDRESS", "UP", "CPU", "MEMORY", "GPU", "TASKS", "RESTARTS",
];
const DROPPED_FIRST_WITH_GPU: [usize; 7] = [7, 8, 4, 5, 6, 3, 2];
/// More ports than this are counted, not listed.
const PORTS_SHOWN: usize = 3;

/// Every group of `host` with its containers.
pub(crate) fn status(host: &HostStatus, meter: &mut CpuMeter, view: View) -> String {
    let mut sections = Vec::new();
    if let Some(heading) = no_metrics(host, view) {
        let rows = Vec::new();
        sections.push(Section { heading, rows });
    }
    let mut containers = host.groups.iter().flat_map(|group| &group.containers);
    let with_gpu = containers.any(|it| gpu(it).is_some());
    let groups = host.groups.iter();
    sections.extend(groups.map(|group| section(group, with_gpu, meter, view)));
    if !host.leaving.is_empty() {
        sections.push(Section {
            heading: host
                .leaving
                .iter()
                .map(|it| leaving(it, view.now_ms))
                .collect(),
            rows: Vec::new(),
        });
    }
    let (titles, dropped_first): (&[&str], &[usize]) = if with_gpu {
        (&TITLES_WITH_GPU, &DROPPED_FIRST_WITH_GPU)
    } else {
        (&TITLES, &DROPPED_FIRST)
    };
    Table {
        titles: titles.to_vec(),
        dropped_first,
        sections,
    }
    .render(view)
}

/// That nobody can read the metrics which are declared, and why.
fn no_metrics(host: &HostStatus, view: View) -> Option<Vec<String>> {
    let metrics = host.metrics.as_ref()?;
    let problem = metrics.problem.as_ref()?;
    let message = format!("no metrics are served at {}: {problem}", metrics.address);
    Some(problem_and_hint(&message, metrics.hint.as_deref(), view))
}

fn section(group: &GroupStatus, with_gpu: bool, meter: &mut CpuMeter, view: View) -> Section {
    let mut heading = vec![heading(group, view)];
    if let Some(problem) = &group.problem {
        let next_try = group.next_try_ms.map(|at| next_try(at, view.now_ms));
        let next_try = next_try.map_or_else(String::new, |it| format!("; {it}"));
        heading.push(format!(
            "{} {problem}{next_try}",
            view.paint.error("problem:")
        ));
    }
    if let Some(hint) = &group.hint {
        heading.push(format!("{} {hint}", view.paint.hint("hint:")));
    }
    for obstacle in &group.obstacles {
        heading.extend(stands_in_the_way(obstacle, view));
    }
    let rows = group
        .containers
        .iter()
        .map(|container| row(container, with_gpu, meter, view.now_ms));
    Section {
        rows: rows.collect(),
        heading,
    }
}

/// `ml · 192.168.200.0/24 via br-ml · 4 of 5 running, 1 unhealthy`, or as much of it as fits.
fn heading(group: &GroupStatus, view: View) -> String {
    let count_of = |is: fn(State) -> bool| {
        let states = group.containers.iter().map(|it| it.state);
        states.filter(|state| is(*state)).count()
    };
    let running = count_of(State::is_up);
    let unhealthy = match count_of(|state| state == State::Unhealthy) {
        0 => String::new(),
        some => format!(", {some} unhealthy"),
    };
    let count = match group.containers.len() {
        0 => "no containers".to_owned(),
        all => format!("{running} of {all} running{unhealthy}"),
    };
    let network = format!("{} via {}", group.subnet, group.bridge);
    let rests = [format!(" · {network} · {count}"), format!(" · {count}")];
    let room = view
        .width
        .map(|it| it.saturating_sub(group.name.chars().count()));
    let fits = |rest: &&String| room.is_none_or(|room| rest.chars().count() <= room);
    let rest = rests.iter().find(fits).map_or("", String::as_str);
    format!("{}{rest}", view.paint.strong(&group.name))
}

/// What another program's firewall stops, and what to add.
pub(super) fn stands_in_the_way(obstacle: &Obstacle, view: View) -> Vec<String> {
    problem_and_hint(&obstacle.message, obstacle.hint.as_deref(), view)
}

fn problem_and_hint(problem: &str, hint: Option<&str>, view: View) -> Vec<String> {
    let problem = format!("problem: {problem}");
    let hint = hint.map(|hint| format!("hint: {hint}"));
    let paragraphs = [Some(problem), hint].into_iter().flatten();
    let lines = paragraphs.flat_map(|paragraph| wrap(&paragraph, view.width));
    let styled = lines.map(|line| {
        if let Some(rest) = line.strip_prefix("problem:") {
            format!("{}{rest}", view.paint.error("problem:"))
        } else if let Some(rest) = line.strip_prefix("hint:") {
            format!("{}{rest}", view.paint.hint("hint:"))
        } else {
            line
        }
    });
    styled.collect()
}

fn row(container: &ContainerStatus, with_gpu: bool, meter: &mut CpuMeter, now_ms: u64) -> Row {
    let or_dash = |it: Option<String>| Cell::new(it.unwrap_or_else(|| "-".to_owned()));
    let mut cells = vec![
        Cell::new(&container.name),
        Cell::styled(container.state.as_str(), state_style(container.state)),
        Cell::new(address(container)),
        or_dash(up(container, now_ms)),
        or_dash(processor(container, meter, now_ms)),
        or_dash(memory(container)),
    ];
    cells.extend(with_gpu.then(|| or_dash(gpu(container))));
    cells.push(or_dash(tasks(container)));
    cells.push(Cell::new(container.restarts.to_string()));
    let hint = advice(container).map(|hint| format!("hint: {hint}"));
    // Root in such a guest is root of the host.
    let users = (container.users == "host").then(|| "runs as the host's users".to_owned());
    let text = reason_of(container, now_ms)
        .into_iter()
        .chain(hint)
        .chain(users)
        .collect();
    Row { cells, text }
}

/// Why a container is in its state, and when the next try is.
pub(crate) fn reason_of(container: &ContainerStatus, now_ms: u64) -> Option<String> {
    let next_try = container.next_try_ms.map(|at| {
        let next = next_try(at, now_ms);
        match container.failed_tries {
            0 | 1 => next,
            tries => format!("{next}, after {tries} that failed"),
        }
    });
    let reason = container.reason.clone().filter(|it| !it.is_empty());
    let reason = reason.map(|reason| match &container.health {
        // What the probe said says little without what it tried.
        Some(health) if health.last.as_ref() == Some(&reason) => {
            format!("{}: {reason}", health.probe)
        }
        _ => reason,
    });
    match (reason, next_try) {
        (Some(reason), Some(next_try)) => Some(format!("{reason}; {next_try}")),
        (reason, next_try) => reason.or(next_try),
    }
}

fn next_try(at_ms: u64, now_ms: u64) -> String {
    match at_ms.saturating_sub(now_ms) {
        0 => "tried again now".to_owned(),
        left => format!("next try in {}", span(left)),
    }
}

/// What is declared no more and has not gone yet, a line each.
fn leaving(leaving: &Leaving, now_ms: u64) -> String {
    let next_try = leaving.next_try_ms.map(|at| next_try(at, now_ms));
    let mut line = format!(
        "{}/{} is declared no more and {}",
        leaving.group,
        leaving.name,
        leaving.state.as_str()
    );
    for why in leaving.reason.iter().chain(&next_try) {
        line.push_str("; ");
        line.push_str(why);
    }
    line
}

pub(super) fn percent(percent: f64) -> String {
    format!("{percent:.0}%")
}

pub(super) fn up(container: &ContainerStatus, now_ms: u64) -> Option<String> {
    let since = container.up_since_ms.filter(|_| container.state.is_up())?;
    Some(span(now_ms.saturating_sub(since)))
}

fn processor(container: &ContainerStatus, meter: &mut CpuMeter, now_ms: u64) -> Option<String> {
    let used = percent(meter.percent(container, now_ms)?);
    Some(match container.limits.milli_cpus {
        Some(milli) => format!("{used}/{}%", milli / 10),
        None => used,
    })
}

fn memory(container: &ContainerStatus) -> Option<String> {
    let used = size(container.usage.as_ref()?.memory?);
    let Limits {
        memory_max,
        memory_high,
        ..
    } = container.limits;
    Some(match memory_max.or(memory_high) {
        Some(max) => format!("{used}/{}", size(max)),
        None => used,
    })
}

/// `nvidia0 2.1G`: what it has been given, and its memory there; where it waits for that, `none yet`.
fn gpu(container: &ContainerStatus) -> Option<String> {
    let labels = match container.gpus.as_slice() {
        [] => {
            let waits = container.state == State::Waiting
                && container
                    .reason
                    .as_ref()
                    .is_some_and(|it| it.starts_with("gpu ("));
            return waits.then(|| "none yet".to_owned());
        }
        few @ ([_] | [_, _]) => {
            let labels: Vec<&str> = few.iter().map(|it| it.label.as_str()).collect();
            labels.join(",")
        }
        many => format!("{} cards", many.len()),
    };
    Some(match container.gpu_memory {
        Some(memory) => format!("{labels} {}", size(memory)),
        None => labels,
    })
}

fn tasks(container: &ContainerStatus) -> Option<String> {
    let used = container.usage.as_ref()?.tasks?;
    Some(match container.limits.tasks_max {
        Some(max) => format!("{used}/{max}"),
        None => used.to_string(),
    })
}

fn address(container: &ContainerStatus) -> String {
    let ports = &container.ports;
    let mut shown: Vec<_> = ports.iter().take(PORTS_SHOWN).map(port).collect();
    if ports.len() > PORTS_SHOWN {
        shown.push(format!("+{}", ports.len() - PORTS_SHOWN));
    }
    if shown.is_empty() {
        container.address.clone()
    } else {
        format!("{}:{}", container.address, shown.join(","))
    }
}

fn port(port: &PortStatus) -> String {
    if port.protocol == "tcp" {
        port.port.to_string()
    } else {
        format!("{}/{}", port.port, port.protocol)
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
