//! `Plan` and `Apply` where there is nothing to do.

use std::time::Instant;

use anyhow::Result;
use ctr_lab::Options;

use crate::PATIENCE;
use crate::bus::{CALLS, Client};
use crate::declaration::{Kind, containers};
use crate::sample::{Sample, milliseconds};

/// With so many guests that run.
pub(crate) fn running(sizes: &[usize]) -> Result<()> {
    sizes.iter().try_for_each(|size| with(*size, Kind::Sleeps))
}

/// With so many containers that are declared and do not run.
pub(crate) fn declared(sizes: &[usize]) -> Result<()> {
    sizes.iter().try_for_each(|size| with(*size, Kind::Rests))
}

fn with(size: usize, kind: Kind) -> Result<()> {
    let host = Options::new().with_ctr(&containers(size, kind)).boot()?;
    let begun = Instant::now();
    if kind == Kind::Sleeps {
        until_all_run(&host, size)?;
    }
    let client = Client::of(&host)?;
    client.apply()?;
    let what = if kind == Kind::Rests {
        "declared"
    } else {
        "running"
    };
    println!(
        "\nnothing to do, {size} {what} (up after {} ms)",
        milliseconds(begun.elapsed())
    );
    let idle = client.idle_calls()?;
    println!("  a call that does nothing  {idle}");
    let say = |name: &str, call: fn(&Client) -> Result<Sample>| {
        let before = client.processor_time(&host)?;
        let sample = call(&client)?;
        // What this machine's other work did not make longer.
        let spent = client.processor_time(&host)?.saturating_sub(before) / CALLS;
        let own = sample.median().saturating_sub(idle.median());
        println!("  {name:<24}  {sample}   in ctrd: {} ms", milliseconds(own));
        println!(
            "  {:<24}  {:>9} ms of a processor, for ctrd, systemd and the bus",
            "",
            milliseconds(spent)
        );
        Ok::<_, anyhow::Error>(())
    };
    say("plan", Client::plans)?;
    say("apply", Client::applies)?;
    let memory = host.ok("grep VmRSS /proc/$(systemctl show --value -p MainPID ctrd)/status");
    println!("  memory of ctrd             {}", memory.trim());
    Ok(())
}

/// Waits until so many containers run.
pub(crate) fn until_all_run(host: &ctr_lab::Host, size: usize) -> Result<()> {
    let all =
        format!("test $(ctr status --json | grep -o '\"state\": *\"running\"' | wc -l) -ge {size}");
    host.try_until(&all, PATIENCE).map(drop)
}
