//! `ctr gpu` and `ctr gpu check`.

use ctr_api::wire::{Gpu, GpuFinding, GpuSeverity};
use ctr_api::{Dict, from_dict};
use serde::de::DeserializeOwned;

use crate::args::GpuVerb;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::output;
use crate::render::{findings, gpus};

pub(super) async fn run(verb: GpuVerb) -> Result<Exit, Error> {
    match verb {
        GpuVerb::List(format) => list(format.json).await,
        GpuVerb::Check(format) => check(format.json).await,
    }
}

async fn list(json: bool) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    let found: Vec<Gpu> = read(&daemon.manager().list_gpus().await?)?;
    if json {
        output::print_json(&found)?;
    } else if found.is_empty() {
        output::note(
            "this host has no graphics processor",
            Some("`ctr gpu check` says what to look at"),
        );
    } else {
        output::print(&gpus(&found, output::view()))?;
        if found.iter().any(|gpu| !gpu.missing.is_empty()) {
            let what = "something is missing";
            output::note(what, Some("`ctr gpu check` says how to mend it"));
        }
    }
    Ok(Exit::OK)
}

async fn check(json: bool) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    let found: Vec<GpuFinding> = read(&daemon.manager().check_gpus().await?)?;
    if json {
        output::print_json(&found)?;
    } else {
        output::print(&findings(&found, output::view()))?;
    }
    let problem = found.iter().any(|it| it.severity == GpuSeverity::Problem);
    Ok(if problem { Exit::FAILED } else { Exit::OK })
}

fn read<T: DeserializeOwned>(answers: &[Dict]) -> Result<Vec<T>, Error> {
    let read = answers.iter().map(|answer| Ok(from_dict(answer)?));
    read.collect()
}
