//! Waiting until containers are where they should be.
//!
//! The subscription comes before the request, and every signal makes us look again at the whole
//! state, so no change is missed. A signal may also carry a state that was passed through too
//! quickly to be seen by looking; it counts if it is not older than the first look after the
//! request.

mod follow;
mod goal;
mod progress;

use std::collections::HashMap;
use std::time::Duration;

use ctr_api::container_path;
use ctr_api::wire::{ContainerStatus, HostStatus};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until};

pub(crate) use follow::follow;
pub(crate) use goal::Goal;
use goal::{Verdict, is_stuck};
pub(crate) use progress::Progress;

use crate::changes::{Change, Changes, Edge};
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::output;

/// Changes come in bursts; one look answers all of them.
const BURST: Duration = Duration::from_millis(20);
/// How long we trust that no news is no change.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// A container on its way.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) goal: Goal,
}

/// How the wait ended, container by container.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// What could not be reached, and why.
    pub(crate) failures: Vec<Error>,
}

impl Settled {
    /// Reports every failure; one alone lends its exit status.
    pub(crate) fn report(self) -> Exit {
        for failure in &self.failures {
            output::report(failure);
        }
        match self.failures.as_slice() {
            [] => Exit::OK,
            [only] => only.exit,
            _ => Exit::FAILED,
        }
    }
}

/// Follows `pending` until each has reached its goal or cannot.
pub(crate) async fn settle(
    daemon: &Daemon,
    mut changes: Changes,
    mut pending: Vec<Pending>,
    timeout: Option<Duration>,
    progress: &mut Progress,
) -> Result<Settled, Error> {
    let mut settled = Settled::default();
    let deadline = timeout.map(|it| Instant::now() + it);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut first_look: Option<HashMap<String, u64>> = None;
    let mut edges: Vec<(String, Edge)> = Vec::new();
    while !pending.is_empty() {
        let host = daemon.status().await?;
        let since = first_look.get_or_insert_with(|| times(&host));
        let fresh = fresh(std::mem::take(&mut edges), since);
        pending.retain_mut(|it| judge(it, &host, &fresh, progress, &mut settled));
        if pending.is_empty() {
            break;
        }
        tokio::select! {
            change = changes.next() => {
                note(change, &mut edges)?;
                sleep(BURST).await;
                while let Some(change) = changes.at_hand() {
                    note(change, &mut edges)?;
                }
            }
            () = sleep(LONGEST_SILENCE) => {}
            () = until(deadline) => {
                let host = daemon.status().await?;
                for it in pending.drain(..) {
                    progress.failed(&it, "not there in time");
                    settled.failures.push(late(&it, &host, timeout));
                }
            }
            _ = interrupt.recv() => {
                progress.close();
                output::note("no longer waiting; ctrd goes on", Some("`ctr status` shows how far it is"));
                return Err(Error::quiet(Exit::INTERRUPTED));
            }
        }
    }
    Ok(settled)
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn note(change: Change, edges: &mut Vec<(String, Edge)>) -> Result<(), Error> {
    match change {
        Change::Container {
            path,
            edge: Some(edge),
        } => edges.push((path, edge)),
        Change::Container { .. } | Change::Other => {}
        Change::Gone => return Err(Error::unreachable("it left the bus while we waited")),
    }
    Ok(())
}

fn times(host: &HostStatus) -> HashMap<String, u64> {
    let containers = host.groups.iter().flat_map(|group| &group.containers);
    containers
        .map(|it| (container_path(&it.group, &it.name).to_string(), it.since_ms))
        .collect()
}

/// Leaves out states from before the request.
fn fresh(edges: Vec<(String, Edge)>, first: &HashMap<String, u64>) -> Vec<(String, Edge)> {
    let is_fresh = |path: &str, edge: &Edge| match (edge.since_ms, first.get(path)) {
        (Some(since), Some(first)) => since >= *first,
        _ => false,
    };
    edges
        .into_iter()
        .filter(|(path, edge)| is_fresh(path, edge))
        .collect()
}

/// Whether `it` is still on its way.
fn judge(
    it: &mut Pending,
    host: &HostStatus,
    edges: &[(String, Edge)],
    progress: &mut Progress,
    settled: &mut Settled,
) -> bool {
    let Some(now) = find(host, it) else {
        progress.failed(it, "not declared any more");
        let text = format!("{}/{} is not declared any more", it.group, it.name);
        settled.failures.push(Error::new(Exit::NO_SUCH, text));
        return false;
    };
    let path = container_path(&it.group, &it.name);
    let passed = edges
        .iter()
        .filter(|(of, _)| *of == path.as_str())
        .map(|(_, edge)| ContainerStatus {
            state: edge.state,
            reason: edge.reason.clone(),
            hint: None,
            next_try_ms: now.next_try_ms,
            ..now.clone()
        });
    let seen: Vec<_> = passed.chain([now.clone()]).collect();
    for status in &seen {
        match it.goal.judge(status) {
            Verdict::OnItsWay => {}
            Verdict::Reached => {
                progress.reached(it, status);
                return false;
            }
            Verdict::Missed(why) => {
                progress.failed(it, status.state.as_str());
                settled.failures.push(missed(it, status, now, &why));
                return false;
            }
        }
    }
    if matches!(it.goal, Goal::Started | Goal::Restarted) && is_stuck(now, host) {
        progress.failed(it, now.state.as_str());
        settled
            .failures
            .push(missed(it, now, now, "cannot start yet"));
        return false;
    }
    progress.moved(it, now);
    true
}

fn find<'a>(host: &'a HostStatus, it: &Pending) -> Option<&'a ContainerStatus> {
    let containers = host.groups.iter().filter(|group| group.name == it.group);
    containers
        .flat_map(|group| &group.containers)
        .find(|container| container.name == it.name)
}

fn missed(it: &Pending, seen: &ContainerStatus, now: &ContainerStatus, why: &str) -> Error {
    let error = Error::failed(format!("{}/{} {why}", it.group, it.name));
    let reason = seen
        .reason
        .as_ref()
        .or(now.reason.as_ref())
        .or(now.last_exit.as_ref());
    let error = match reason {
        Some(reason) => error.because(reason),
        None => error,
    };
    match &now.hint {
        Some(hint) => error.hint(hint),
        None => error.hint(format!("`ctr {} logs {}` may say more", it.group, it.name)),
    }
}

fn late(it: &Pending, host: &HostStatus, timeout: Option<Duration>) -> Error {
    let seconds = timeout.unwrap_or_default().as_secs_f64();
    let state = find(host, it).map_or("gone", |now| now.state.as_str());
    let text = format!(
        "{}/{} is still {state} after {seconds} s",
        it.group, it.name
    );
    let error = Error::failed(text);
    match find(host, it).and_then(|now| now.reason.clone()) {
        Some(reason) => error.because(reason),
        None => error,
    }
}
