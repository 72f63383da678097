//! `cargo demo`: from nothing to ten containers that answer.

use std::fs;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ctr_api::wire::{ContainerStatus, HostStatus, State};
use ctr_lab::{Host, Options, interactive};

use crate::arguments::Demo;
use crate::host;
use crate::progress::Step;
use crate::requests::{GUARDED, REQUESTS};

const UNTIL_READY: Duration = Duration::from_secs(120);
const UNTIL_REPAIRED: Duration = Duration::from_secs(20);
const UNTIL_ANSWERED: Duration = Duration::from_secs(60);

const GREETING: &str = "
This is a shell on that host, as root. Try:
  ctr ml status-all          every container of the group ml
  ctr dev enter postgres     a login shell in a container
  ctr dev run postgres psql  an action that the declaration names
  ctr plan                   what /etc/ctr/containers.toml would change
  exit                       takes the host and everything on it away
";

/// Runs the demo; a success means that every container is ready and every request was answered.
pub(crate) fn run(arguments: &Demo) -> Result<ExitCode> {
    let host = boot()?;
    wait_until_ready(&host)?;
    for group in ["ml", "dev"] {
        let table = host.command(["ctr", group, "status-all"]).output()?;
        print!("\n{}", table.stdout);
        if !table.success() {
            bail!("`ctr {group} status-all` failed: {}", table.stderr.trim());
        }
    }
    println!();
    ask(&host)?;
    if arguments.no_shell || !interactive::is_possible() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("{GREETING}");
    host::enter(&host)?;
    Ok(ExitCode::SUCCESS)
}

fn boot() -> Result<Host> {
    let example = host::example();
    let declaration = fs::read_to_string(&example)
        .with_context(|| format!("failed to read {}", example.display()))?;
    let step = Step::begin("booting a systemd host in namespaces");
    let said = step.clone();
    let host = Options::new()
        .with_ctr(&declaration)
        .say(move |line| said.keep(line))
        .boot()?;
    step.end("a systemd host runs ctrd.service on docs/examples/kernelcore.toml");
    Ok(host)
}

fn wait_until_ready(host: &Host) -> Result<()> {
    let step = Step::begin("starting its containers");
    let deadline = Instant::now() + UNTIL_READY;
    let mut well = Instant::now();
    loop {
        let status = status(host)?;
        let containers: Vec<&ContainerStatus> = status
            .groups
            .iter()
            .flat_map(|group| &group.containers)
            .collect();
        let ready = containers.iter().filter(|one| one.state.is_ready()).count();
        if ready == containers.len() && ready > 0 {
            step.end(&format!("{ready} containers are ready"));
            return Ok(());
        }
        // A failed step is tried again; what is still failed after a few tries stays so.
        if !containers.iter().any(|one| one.state == State::Failed) {
            well = Instant::now();
        }
        if well.elapsed() >= UNTIL_REPAIRED || Instant::now() >= deadline {
            drop(step);
            let journal = host.journal(Some("ctrd.service"))?;
            bail!(
                "{}\nthe last words of ctrd:\n{journal}",
                not_ready(&containers)
            );
        }
        step.wait_for(&format!(
            "starting its containers: {ready} of {}",
            containers.len()
        ));
        thread::sleep(Duration::from_millis(100));
    }
}

fn status(host: &Host) -> Result<HostStatus> {
    let output = host.command(["ctr", "status", "--json"]).output()?;
    if !output.success() {
        bail!("`ctr status --json` failed: {}", output.stderr.trim());
    }
    serde_json::from_str(&output.stdout).context("failed to understand `ctr status --json`")
}

fn not_ready(containers: &[&ContainerStatus]) -> String {
    let lines: Vec<String> = containers
        .iter()
        .filter(|one| !one.state.is_ready())
        .map(|one| {
            let reason = one.reason.as_deref().unwrap_or("no reason given");
            format!(
                "{}/{} is {}: {reason}",
                one.group,
                one.name,
                one.state.as_str()
            )
        })
        .collect();
    lines.join("\n")
}

fn ask(host: &Host) -> Result<()> {
    let step = Step::begin("asking every container");
    let deadline = Instant::now() + UNTIL_ANSWERED;
    for request in &REQUESTS {
        step.wait_for(&format!("asking {}", request.container));
        let answer = request.answer(host, deadline)?;
        step.print(&format!(
            "{:<16} {:<42} -> {answer}",
            request.container, request.asked
        ));
    }
    step.end(&format!("{} requests were answered", REQUESTS.len()));
    let step = Step::begin("asking for what needs a token");
    for guarded in &GUARDED {
        step.print(&guarded.answer(host)?);
    }
    step.end(&format!(
        "{} servers answer whoever has their token, and nobody else",
        GUARDED.len()
    ));
    Ok(())
}
