//! One container in full.

use std::fmt::Write as _;

use ctr_api::wire::{
    ContainerGpu, ContainerStatus, CredentialStatus, HealthStatus, PortStatus, State,
};

use super::advice::advice;
use super::status::{reason_of, stands_in_the_way, up};
use super::units::{date_and_time, duration, size, span};
use super::{CpuMeter, View, limits, wrap};

/// Everything that is known of one container.
pub(crate) fn detail(container: &ContainerStatus, meter: &mut CpuMeter, view: View) -> String {
    let mut text = headline(container, view);
    text.push('\n');
    for (key, values) in facts(container, meter, view) {
        for (index, value) in values.iter().enumerate() {
            let key = if index == 0 { key } else { "" };
            let key = format!("{key:<11}");
            let _ = writeln!(text, "  {}{value}", view.paint.faint(&key));
        }
    }
    text
}

fn headline(container: &ContainerStatus, view: View) -> String {
    let name = format!("{}/{}", container.group, container.name);
    let mut text = view.paint.strong(&name);
    if !container.description.is_empty() {
        let _ = write!(text, " · {}", container.description);
    }
    let _ = write!(text, "\n{}", view.paint.state(container.state));
    let since = date_and_time(container.since_ms);
    let _ = if container.state.is_up() {
        let for_how_long = span(view.now_ms.saturating_sub(container.since_ms));
        writeln!(text, " for {for_how_long}, since {since}")
    } else {
        writeln!(text, " since {since}")
    };
    let room = view.width.map(|it| it.saturating_sub(2));
    let reason = reason_of(container, view.now_ms);
    let hint = advice(container).map(|hint| format!("hint: {hint}"));
    for line in reason
        .iter()
        .chain(&hint)
        .flat_map(|paragraph| wrap(paragraph, room))
    {
        let _ = match line.strip_prefix("hint:") {
            Some(rest) => writeln!(text, "  {}{rest}", view.paint.hint("hint:")),
            None => writeln!(text, "  {line}"),
        };
    }
    let room = View {
        width: room,
        ..view
    };
    for obstacle in &container.obstacles {
        for line in stands_in_the_way(obstacle, room) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

fn facts(
    container: &ContainerStatus,
    meter: &mut CpuMeter,
    view: View,
) -> Vec<(&'static str, Vec<String>)> {
    let one = |text: &str| vec![text.to_owned()];
    let url_base = container
        .state
        .is_up()
        .then_some(container.address.as_str());
    let actions = container.actions.iter().map(|action| {
        let user = action
            .user
            .as_ref()
            .map_or_else(String::new, |it| format!(" (as {it})"));
        format!("{}: {}{user}", action.name, action.command.join(" "))
    });
    let autostart = if container.autostart {
        "with the host"
    } else {
        "by hand"
    };
    let mut facts = vec![
        ("unit", one(&container.unit)),
        ("machine", one(&container.machine)),
        (
            "leader",
            container
                .leader
                .map(|pid| format!("PID {pid}"))
                .into_iter()
                .collect(),
        ),
        ("missing", container.missing.iter().cloned().collect()),
        ("aliases", container.aliases.clone()),
        ("address", one(&container.address)),
        (
            "ports",
            container
                .ports
                .iter()
                .map(|it| port(it, url_base))
                .collect(),
        ),
        (
            "health",
            health(container, view.now_ms).into_iter().collect(),
        ),
        (
            "processor",
            limits::processor(container, meter, view.now_ms),
        ),
        ("memory", limits::memory(container)),
        ("gpu", container.gpus.iter().map(gpu).collect()),
        ("tasks", limits::tasks(container)),
        ("overridden", limits::overridden(container)),
        ("root", one(&container.root)),
        ("users", one(&container.users)),
        ("binds", container.binds.clone()),
        (
            "secrets",
            container.credentials.iter().map(secret).collect(),
        ),
        ("actions", actions.collect()),
        ("up", up_otherwise(container, view).into_iter().collect()),
        ("starts", one(autostart)),
        (
            "start took",
            container
                .start_usec
                .map(|usec| duration(usec / 1000))
                .into_iter()
                .collect(),
        ),
        ("restarts", vec![container.restarts.to_string()]),
        ("last exit", last_exit(container).into_iter().collect()),
    ];
    facts.retain(|(_, values)| values.iter().any(|it| !it.is_empty()));
    facts
}

/// `nvidia0 (0000:01:00.0) NVIDIA GeForce RTX 3050: 2.1G, busy for 37% of the time`
fn gpu(gpu: &ContainerGpu) -> String {
    let ContainerGpu {
        label,
        pci,
        name,
        memory,
        utilisation,
    } = gpu;
    let mut text = label.clone();
    if let Some(pci) = pci {
        let _ = write!(text, " ({pci})");
    }
    let _ = write!(text, " {name}");
    let memory = memory.map(size);
    let busy = utilisation.map(|percent| format!("busy for {percent}% of the time"));
    let used: Vec<String> = memory.into_iter().chain(busy).collect();
    if !used.is_empty() {
        let _ = write!(text, ": {}", used.join(", "));
    }
    text
}

/// Since when it is ready, where it is in its state for another time.
fn up_otherwise(container: &ContainerStatus, view: View) -> Option<String> {
    let up = up(container, view.now_ms)?;
    (container.up_since_ms != Some(container.since_ms)).then_some(up)
}

/// A probe and its last result: `http 8080/health: status 503 for 12s, failed 2 of 3 times`.
fn health(container: &ContainerStatus, now_ms: u64) -> Option<String> {
    let HealthStatus {
        probe,
        last,
        success: _,
        since_ms,
        failed,
        failures,
    } = container.health.as_ref()?;
    let Some(last) = last else {
        let up = container.state.is_up() || container.state == State::Starting;
        return Some(if up {
            format!("{probe}: no result yet")
        } else {
            probe.clone()
        });
    };
    let mut text = format!("{probe}: {last}");
    if let Some(since) = since_ms {
        let _ = write!(text, " for {}", span(now_ms.saturating_sub(*since)));
    }
    if *failed > 0 {
        let _ = write!(text, ", failed {failed} of {failures} times");
    }
    Some(text)
}

fn port(port: &PortStatus, running_at: Option<&str>) -> String {
    let mut text = format!("{}/{}", port.port, port.protocol);
    if let (Some(scheme), Some(address)) = (&port.url, running_at) {
        let _ = write!(text, "  {scheme}://{address}:{}/", port.port);
    }
    if let Some(published) = &port.published {
        let _ = write!(text, "  published on {published}");
    }
    text
}

/// A secret without its content.
fn secret(credential: &CredentialStatus) -> String {
    let CredentialStatus {
        id,
        path,
        changed,
        problem,
    } = credential;
    let from = path.as_deref().unwrap_or("made by ctrd");
    let now = match problem {
        Some(problem) => format!("; {problem}"),
        None if *changed => "; changed since, try `ctr plan`".to_owned(),
        None => String::new(),
    };
    format!("{id}: {from}{now}")
}

#[cfg(test)]
#[path = "detail_tests.rs"]
mod tests;

/// How its last run ended, and when.
fn last_exit(container: &ContainerStatus) -> Option<String> {
    let how = container.last_exit.as_ref()?;
    Some(match container.last_exit_ms {
        Some(when) => format!("{how}, {}", date_and_time(when)),
        None => how.clone(),
    })
}
