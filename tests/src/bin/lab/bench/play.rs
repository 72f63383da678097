//! One case, on a host of its own.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use ctr_lab::{Host, Options, recorded_machine};

use crate::bench::cases::Case;
use crate::bench::outcome::{Event, Told, WorkOutcome};
use crate::bench::peers;
use crate::bench::plan::Plan;
use crate::bench::scene::{PREPARE_HOST, Scene};
use crate::progress::Step;

/// Longer than a piece of work takes that is still measured, and than a hundred guests take to start.
const PATIENCE: Duration = Duration::from_secs(900);
const MEASURE: &str = include_str!("measure.py");

/// What came of a case.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) turns: u32,
    pub(crate) outcomes: Vec<WorkOutcome>,
    /// Versions of what took part, a line each.
    pub(crate) versions: Vec<String>,
}

/// Boots a host and has everybody take so many turns.
pub(crate) fn play(case: &Case, turns: u32) -> Result<Played> {
    let scene = (case.scene)();
    let step = Step::begin(&format!("{}: booting a host", case.name));
    let host = boot(&scene, &step)?;
    let versions = versions(&host)?;
    step.say(&format!("{}: {}", case.name, case.about));
    prepare(&host, &scene.prepare)?;
    let plan = Plan {
        turns,
        warm_up: case.warm_up,
        contenders: scene.contenders,
    };
    let told = measure(&host, case, &plan, &step)?;
    step.end(&format!("{}: {turns} turns", case.name));
    let outcomes = told.outcomes(&scene.works, &plan.contenders)?;
    Ok(Played {
        turns,
        outcomes,
        versions,
    })
}

fn boot(scene: &Scene, step: &Step) -> Result<Host> {
    let said = step.clone();
    let mut options = Options::new()
        .release()
        .packages(&peers::PACKAGES)
        .with_ctr(&scene.declaration)
        .say(move |line| said.keep(line));
    if let Some(name) = scene.hardware {
        options = options.hardware(recorded_machine(name)?);
    }
    let host = options.boot()?;
    prepare(&host, PREPARE_HOST)?;
    Ok(host)
}

fn prepare(host: &Host, text: &str) -> Result<()> {
    let text = format!("set -euo pipefail\n{text}");
    let output = host.bash(&text).timeout(PATIENCE).output()?;
    if !output.success() {
        bail!("failed to prepare the host: {}", output.stderr.trim());
    }
    Ok(())
}

fn versions(host: &Host) -> Result<Vec<String>> {
    let text = "ctr --version; systemctl --version | head -n 1; podman --version; crun --version | head -n 1
                /usr/lib/podman/netavark --version; uname -sr";
    let output = host.bash(text).output()?;
    Ok(output.stdout.lines().map(str::to_owned).collect())
}

fn measure(host: &Host, case: &Case, plan: &Plan, step: &Step) -> Result<Told> {
    host.write("/root/measure.py", MEASURE);
    host.write("/root/plan.json", serde_json::to_vec(plan)?);
    let mut measuring = host
        .command(["python3", "-u", "/root/measure.py", "/root/plan.json"])
        .spawn()?;
    let mut told = Told::default();
    loop {
        let line = measuring.expect("\n", PATIENCE);
        let line = line.with_context(|| measuring.output())?;
        let event: Event = serde_json::from_str(&line).context("failed to understand a figure")?;
        match &event {
            Event::Prepares { who } => step.wait_for(&format!("{}: {who} prepares", case.name)),
            Event::Turn { who, turn } => step.wait_for(&format!(
                "{}: turn {turn} of {}: {who}",
                case.name, plan.turns
            )),
            Event::Out { who, why } => step.keep(&format!("{who} cannot: {why}")),
            Event::Figure { .. } => {}
            Event::End => break,
        }
        told.take(event);
    }
    measuring.wait(Duration::from_secs(10))?;
    Ok(told)
}
