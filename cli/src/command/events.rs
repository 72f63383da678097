//! `ctr events`: one line per change of state.

use std::collections::BTreeMap;

use ctr_api::container_path;
use ctr_api::wire::{ContainerStatus, HostStatus};

use crate::changes::{Change, Changes, Edge};
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::output;
use crate::render::{Paint, clock_time};

type Known = BTreeMap<String, ContainerStatus>;

/// Prints changes until somebody ends it or `ctrd` leaves the bus.
pub(super) async fn run(json: bool) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    let mut changes = Changes::of(&daemon).await?;
    let mut known = by_path(daemon.status().await?);
    loop {
        let change = changes.next().await;
        let edge = match change {
            Change::Gone => return Err(Error::unreachable("it left the bus")),
            Change::Container { path, edge } => edge.map(|edge| (path, edge)),
            Change::Other => None,
        };
        let now = by_path(daemon.status().await?);
        // What was passed through goes before what is now.
        if let Some((path, edge)) = edge
            && let Some(passed) = now.get(&path).and_then(|it| passed(it, edge))
        {
            tell(known.get(&path), &passed, json)?;
            known.insert(path, passed);
        }
        for (path, status) in &now {
            tell(known.get(path), status, json)?;
        }
        for (_, gone) in known.iter().filter(|(path, _)| !now.contains_key(*path)) {
            tell_removed(gone, json)?;
        }
        known = now;
    }
}

fn by_path(host: HostStatus) -> Known {
    let containers = host.groups.into_iter().flat_map(|group| group.containers);
    containers
        .map(|it| (container_path(&it.group, &it.name).to_string(), it))
        .collect()
}

/// The state that a signal speaks of, if it is older than what is seen now.
fn passed(now: &ContainerStatus, edge: Edge) -> Option<ContainerStatus> {
    let older = edge.since_ms.is_some_and(|since| since < now.since_ms);
    (older && edge.state != now.state).then(|| ContainerStatus {
        state: edge.state,
        since_ms: edge.since_ms.unwrap_or(now.since_ms),
        reason: edge.reason,
        hint: None,
        next_try_ms: None,
        ..now.clone()
    })
}

fn tell(before: Option<&ContainerStatus>, now: &ContainerStatus, json: bool) -> Result<(), Error> {
    if before.is_some_and(|it| it.state == now.state && it.reason == now.reason) {
        return Ok(());
    }
    // A signal that waited while we looked may speak of a time we are past.
    if before.is_some_and(|it| it.since_ms > now.since_ms) {
        return Ok(());
    }
    if json {
        output::print_json_line(now)
    } else {
        output::print(&line(before, now, output::view().paint))
    }
}

fn tell_removed(gone: &ContainerStatus, json: bool) -> Result<(), Error> {
    if json {
        return Ok(());
    }
    let time = clock_time(output::now_ms());
    output::print(&format!(
        "{time}  {}/{}  no longer declared\n",
        gone.group, gone.name
    ))
}

fn line(before: Option<&ContainerStatus>, now: &ContainerStatus, paint: Paint) -> String {
    let time = paint.faint(&clock_time(output::now_ms()));
    let name = format!("{}/{}", now.group, now.name);
    let state = match before {
        Some(before) if before.state == now.state => paint.state(now.state),
        Some(before) => format!("{} → {}", before.state.as_str(), paint.state(now.state)),
        None => format!("declared → {}", paint.state(now.state)),
    };
    match &now.reason {
        Some(reason) => format!("{time}  {name}  {state}  {reason}\n"),
        None => format!("{time}  {name}  {state}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::{line, passed};
    use crate::changes::Edge;
    use crate::render::Paint;
    use crate::sample;
    use ctr_api::wire::State;

    #[test]
    fn a_line_says_from_where_to_where_and_why() {
        let before = sample::running("ml", "vllm");
        let mut now = sample::in_state("ml", "vllm", State::Failed);
        now.reason = Some("killed for memory".to_owned());
        let line = line(Some(&before), &now, Paint::plain());
        assert!(
            line.ends_with("  ml/vllm  running → failed  killed for memory\n"),
            "{line}"
        );
    }

    #[test]
    fn a_state_that_was_passed_through_is_told() {
        let now = sample::running("ml", "vllm");
        let edge = |since| Edge {
            state: State::Starting,
            since_ms: Some(since),
            reason: None,
        };
        let seen = passed(&now, edge(now.since_ms - 5)).expect("older and different");
        assert_eq!(seen.state, State::Starting);
        assert!(passed(&now, edge(now.since_ms)).is_none());
    }
}
