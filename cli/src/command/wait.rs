//! `ctr <GROUP> wait`: for scripts.

use ctr_api::wire::State;

use crate::args::{Condition, Wait};
use crate::changes::Changes;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::settle::{Goal, Pending, Progress, settle};
use crate::{output, target};

pub(super) async fn run(group: &str, words: Wait) -> Result<Exit, Error> {
    let goal = match words.condition {
        // Whoever is probed is ready only while that succeeds.
        Condition::Ready | Condition::Healthy => Goal::Ready,
        Condition::Stopped => Goal::Ended,
    };
    let daemon = Daemon::connect().await?;
    let changes = Changes::of(&daemon).await?;
    let host = daemon.status().await?;
    let mut pending = Vec::new();
    for it in target::containers(&host, group, &words.names)? {
        if words.condition == Condition::Healthy && it.health.is_none() {
            let message = format!("{group}/{} is declared without a health probe", it.name);
            return Err(Error::new(Exit::USAGE, message)
                .hint("add `health` to its declaration, or wait with `--for ready`"));
        }
        if goal == Goal::Ready && it.state == State::Stopped {
            output::note(
                &format!(
                    "{group}/{} is stopped; waiting until somebody starts it",
                    it.name
                ),
                Some(&format!("`ctr {group} start {}`", it.name)),
            );
        }
        pending.push(Pending {
            group: it.group.clone(),
            name: it.name.clone(),
            goal,
        });
    }
    let mut progress = Progress::of(&pending);
    let settled = settle(&daemon, changes, pending, words.timeout, &mut progress).await?;
    progress.close();
    Ok(settled.report())
}
