//! `start`, `stop` and `restart`, of some containers or of all.

use ctr_api::wire::{ContainerStatus, ContainersRequest, HostStatus, RequestReport, Verb};
use ctr_api::{ContainerProxy, Dict, from_dict, to_dict};
use futures_util::{StreamExt, stream};

use crate::args::{Settle, SettleAll};
use crate::changes::Changes;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::settle::{Goal, Pending, Progress, Settled, settle};
use crate::{output, target};

/// Below what `ctrd` takes of one user at a time, with room for another `ctr` beside this one.
const CALLS_AT_ONCE: usize = 12;
/// The most containers that `ctrd` takes in one call.
const AT_ONCE_MAX: usize = 256;

/// The named containers of a group.
pub(super) async fn named(group: &str, goal: Goal, words: Settle) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    let changes = Changes::of(&daemon).await?;
    let host = daemon.status().await?;
    let containers = target::containers(&host, group, &words.names)?;
    request(&daemon, changes, &containers, goal, words.options).await
}

/// Every container of a group, or of all groups.
pub(super) async fn all(
    group: Option<&str>,
    goal: Goal,
    options: SettleAll,
) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    let changes = Changes::of(&daemon).await?;
    let host: HostStatus = daemon.status().await?;
    let containers = match group {
        Some(group) => target::containers(&host, group, &[])?,
        None => host
            .groups
            .iter()
            .flat_map(|group| &group.containers)
            .collect(),
    };
    if containers.is_empty() {
        output::note("there are no containers", None);
    }
    request(&daemon, changes, &containers, goal, options).await
}

async fn request(
    daemon: &Daemon,
    changes: Changes,
    containers: &[&ContainerStatus],
    goal: Goal,
    options: SettleAll,
) -> Result<Exit, Error> {
    let pending: Vec<_> = containers
        .iter()
        .map(|it| Pending {
            group: it.group.clone(),
            name: it.name.clone(),
            goal,
        })
        .collect();
    let answers = ask_all(daemon, &pending, goal).await?;
    // Only now: somebody may have been asked for a password, and lines that move would cover that.
    let mut progress = if options.no_wait {
        Progress::silent()
    } else {
        Progress::of(&pending)
    };

    let mut refused = Vec::new();
    let mut taken = Vec::new();
    for (it, answer) in pending.into_iter().zip(answers) {
        match answer {
            Ok(()) => taken.push(it),
            // Without the daemon each of them fails for the same reason: say it once.
            Err(error) if error.exit == Exit::UNREACHABLE => {
                return Err(error);
            }
            Err(error) => {
                progress.failed(&it, "refused");
                refused.push(behind_its_name(&it, &error));
            }
        }
    }
    let mut settled = if options.no_wait {
        Settled::default()
    } else {
        settle(daemon, changes, taken, options.timeout, &mut progress).await?
    };
    progress.close();
    refused.append(&mut settled.failures);
    Ok(Settled { failures: refused }.report())
}

/// Asks all of them, with one call where there are several: those that are declared to be after each
/// other stop in that order. A caller who may not do it to each of them asks one by one, and hears which
/// are refused.
async fn ask_all(
    daemon: &Daemon,
    pending: &[Pending],
    goal: Goal,
) -> Result<Vec<Result<(), Error>>, Error> {
    if (2..=AT_ONCE_MAX).contains(&pending.len()) {
        let names: Vec<_> = pending
            .iter()
            .map(|it| (it.group.as_str(), it.name.as_str()))
            .collect();
        let request = ContainersRequest { verb: verb(goal) };
        let body = (names, to_dict(&request)?);
        let manager = daemon.manager().inner();
        let answer: Result<Dict, ctr_api::Error> =
            daemon.asker().call(manager, "Request", &body).await;
        match answer {
            Ok(report) => return Ok(told(pending, &from_dict(&report)?)),
            Err(ctr_api::Error::NotAuthorised(_) | ctr_api::Error::AuthenticationRequired(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let asked = pending.iter().map(|it| ask(daemon, it));
    Ok(stream::iter(asked).buffered(CALLS_AT_ONCE).collect().await)
}

/// What came of it, container by container.
fn told(pending: &[Pending], report: &RequestReport) -> Vec<Result<(), Error>> {
    let failure = |it: &Pending| {
        let mut failures = report.failures.iter();
        failures.find(|failed| failed.group == it.group && failed.name == it.name)
    };
    let answer = |it: &Pending| match failure(it) {
        Some(failed) => {
            let error = Error::new(Exit::NO_SUCH, failed.error.clone().unwrap_or_default());
            Err(match &failed.hint {
                Some(hint) => error.hint(hint),
                None => error,
            })
        }
        None => Ok(()),
    };
    pending.iter().map(answer).collect()
}

fn verb(goal: Goal) -> Verb {
    match goal {
        Goal::Started | Goal::Ready => Verb::Start,
        Goal::Stopped | Goal::Ended => Verb::Stop,
        Goal::Restarted => Verb::Restart,
    }
}

async fn ask(daemon: &Daemon, it: &Pending) -> Result<(), Error> {
    let container: ContainerProxy<'_> = daemon.container(&it.group, &it.name).await?;
    let member = match verb(it.goal) {
        Verb::Start => "Start",
        Verb::Stop => "Stop",
        Verb::Restart => "Restart",
    };
    let asker = daemon.asker();
    Ok(asker.call(container.inner(), member, &()).await?)
}

fn behind_its_name(it: &Pending, error: &Error) -> Error {
    let (line, hint) = error.in_one_line();
    let name = format!("{}/{}", it.group, it.name);
    let line = if line.contains(&name) {
        line
    } else {
        format!("{name}: {line}")
    };
    let named = Error::new(error.exit, line);
    match hint {
        Some(hint) => named.hint(hint),
        None => named,
    }
}
