//! What happens to containers while one call is on its way.

use std::collections::HashMap;
use std::future::{Future, pending};
use std::io::{self, IsTerminal};
use std::pin::pin;
use std::time::Duration;

use ctr_api::wire::{ContainerStatus, HostStatus, State};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use super::progress::Progress;
use crate::changes::{Change, Changes};
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::output;

/// Changes come in bursts; one look answers all of them.
const BURST: Duration = Duration::from_millis(20);

/// Waits for the answer of a call that changes containers, and shows on a terminal which of them it
/// is about. The lines are gone when it is there: what was done is told by the answer.
///
/// Nothing is shown while somebody may be asked for a password: that is on the same terminal.
pub(crate) async fn follow<T>(
    daemon: &Daemon,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    if !io::stderr().is_terminal() {
        return call.await;
    }
    let mut changes = Changes::of(daemon).await?;
    let before = known(&daemon.status().await?);
    let mut progress = Progress::open();
    let mut interrupt = None;
    let mut call = pin!(call);
    loop {
        tokio::select! {
            biased;
            answer = &mut call => {
                progress.clear();
                return answer;
            }
            () = interrupted(&mut interrupt) => {
                progress.close();
                output::note("no longer waiting; ctrd goes on", Some("`ctr plan` shows what is left"));
                return Err(Error::quiet(Exit::INTERRUPTED));
            }
            change = changes.next() => {
                if change == Change::Gone {
                    progress.clear();
                    return call.await;
                }
                if daemon.asker().is_asking() {
                    continue;
                }
                // From here on there is something to go on without us.
                if interrupt.is_none() {
                    interrupt = Some(signal(SignalKind::interrupt())?);
                }
                sleep(BURST).await;
                while changes.at_hand().is_some() {}
                if let Ok(host) = daemon.status().await {
                    show(&mut progress, &host, &before);
                }
            }
        }
    }
}

async fn interrupted(interrupt: &mut Option<Signal>) {
    match interrupt {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}

/// Each container's state, and since when.
type Known = HashMap<String, (State, u64, Option<String>)>;

fn known(host: &HostStatus) -> Known {
    let containers = host.groups.iter().flat_map(|group| &group.containers);
    containers.map(|it| (name(it), state(it))).collect()
}

fn name(it: &ContainerStatus) -> String {
    format!("{}/{}", it.group, it.name)
}

fn state(it: &ContainerStatus) -> (State, u64, Option<String>) {
    (it.state, it.since_ms, it.reason.clone())
}

/// A line for each container that is not as it was. One that is on its way nowhere has arrived.
fn show(progress: &mut Progress, host: &HostStatus, before: &Known) {
    for now in host.groups.iter().flat_map(|group| &group.containers) {
        let name = name(now);
        if before.get(&name) == Some(&state(now)) {
            progress.remove(&name);
            continue;
        }
        match now.state {
            // A guest that switches runs, and says so.
            State::Running | State::Healthy if now.reason.is_none() => {
                progress.arrived(&name, now);
            }
            State::Stopped => progress.arrived(&name, now),
            State::Failed => progress.missed(&name, now.state.as_str()),
            State::Running
            | State::Healthy
            | State::Unhealthy
            | State::Waiting
            | State::Starting
            | State::Stopping => {
                progress.show(&name, now);
            }
        }
    }
}
