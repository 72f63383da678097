//! `ctr prune`: the data of containers that are declared no more, listed and deleted.

use std::io::{self, BufRead, IsTerminal};

use ctr_api::wire::{Leftover, Leftovers, PruneReport};
use ctr_api::{Dict, from_dict};

use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::output;
use crate::render::{leftovers, size};

/// Whose data is to be deleted; with nothing in it, it is only listed.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) machines: Vec<String>,
    pub(super) all: bool,
}

pub(super) async fn run(wish: Wish, yes: bool, json: bool) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    let left = listed(&daemon).await?;
    if wish.machines.is_empty() && !wish.all {
        if json {
            output::print_json(&left)?;
        } else if left.machines.is_empty() {
            output::say("nothing is left of containers that are declared no more\n");
        } else {
            output::print(&leftovers(&left, output::view()))?;
            output::note(
                "it stays until somebody deletes it",
                Some("`ctr prune MACHINE` or `ctr prune --all`"),
            );
        }
        return Ok(Exit::OK);
    }
    let machines = if wish.all {
        left.machines.iter().map(|it| it.machine.clone()).collect()
    } else {
        wish.machines
    };
    if !machines.is_empty() && !yes && !confirmed(&left, &machines)? {
        output::say("nothing was done\n");
        return Ok(Exit::FAILED);
    }
    let manager = daemon.manager().inner();
    let answer: Dict = daemon.asker().call(manager, "Prune", &(machines,)).await?;
    let report: PruneReport = from_dict(&answer)?;
    if json {
        output::print_json(&report)?;
    } else if report.deleted.is_empty() && report.failures.is_empty() {
        output::say("nothing is left of containers that are declared no more\n");
    } else {
        for path in &report.deleted {
            output::print(&format!("deleted  {path}\n"))?;
        }
    }
    for failure in &report.failures {
        let error = Error::failed(format!("what is left of {} stays", failure.name))
            .because(failure.error.as_deref().unwrap_or("ctrd does not say why"));
        output::report(&match &failure.hint {
            Some(hint) => error.hint(hint),
            None => error,
        });
    }
    Ok(if report.failures.is_empty() {
        Exit::OK
    } else {
        Exit::FAILED
    })
}

async fn listed(daemon: &Daemon) -> Result<Leftovers, Error> {
    let manager = daemon.manager().inner();
    let answer: Dict = daemon.asker().call(manager, "Leftovers", &()).await?;
    Ok(from_dict(&answer)?)
}

fn confirmed(left: &Leftovers, machines: &[String]) -> Result<bool, Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::new(
            Exit::USAGE,
            "`ctr prune` asks before it deletes, and nobody is here to answer",
        )
        .hint("`--yes` does not ask"));
    }
    let chosen: Vec<&Leftover> = left
        .machines
        .iter()
        .filter(|it| machines.contains(&it.machine))
        .collect();
    let bytes = chosen.iter().map(|it| it.size).sum();
    for path in chosen.iter().flat_map(|it| &it.paths) {
        output::say(&format!("  {path}\n"));
    }
    output::say(&format!(
        "This deletes what is left of {}, {} in all, and nothing brings it back. Go on? [y/N] ",
        machines.join(", "),
        size(bytes)
    ));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
