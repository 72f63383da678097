//! Guests that boot, all at once: by ctrd, and the very same units by systemd alone.

use std::time::Duration;

use anyhow::{Context, Result};
use ctr_lab::{Host, Options};

use crate::PATIENCE;
use crate::declaration::{Kind, containers};
use crate::port::monotonic;
use crate::sample::{milliseconds, ratio};

/// So many of them.
pub(crate) fn guests(sizes: &[usize]) -> Result<()> {
    sizes.iter().try_for_each(|size| start(*size))
}

fn start(size: usize) -> Result<()> {
    let host = Options::new()
        .with_ctr(&containers(size, Kind::BootsLater))
        .boot()?;
    let names: Vec<String> = (0..size).map(|number| format!("c{number}")).collect();
    let begun = monotonic();
    host.bash(&format!("ctr g0 start {}", names.join(" ")))
        .timeout(PATIENCE)
        .output()?;
    let by_ctrd = last_ready(&host, "ctr-g0-c*")?.saturating_sub(begun);

    // What ctrd asked of systemd, word by word, with the roots and the networks that it made.
    host.bash(
        "systemctl stop ctrd
        cd /run/systemd/transient
        for unit in ctr-g0-c*.service; do cp $unit /run/systemd/system/bare-${unit#ctr-}; done
        systemctl stop 'ctr-g0-c*'
        systemctl daemon-reload",
    )
    .timeout(PATIENCE)
    .output()?;
    let bare = names.iter().map(|name| format!("bare-g0-{name}"));
    let bare: Vec<String> = bare.collect();
    let begun = monotonic();
    host.bash(&format!("systemctl start {}", bare.join(" ")))
        .timeout(PATIENCE)
        .output()?;
    let by_systemd = last_ready(&host, "bare-g0-c*")?.saturating_sub(begun);
    println!("\n{size} guests that boot");
    println!(
        "  by ctrd, from `ctr start` to the last ready  {:>9} ms",
        milliseconds(by_ctrd)
    );
    println!(
        "  the same units, by systemd alone             {:>9} ms",
        milliseconds(by_systemd)
    );
    println!(
        "  ratio                                        {:>9.2}",
        ratio(by_ctrd, by_systemd)
    );
    Ok(())
}

/// When the last of these units was ready; an error where one is not.
fn last_ready(host: &Host, units: &str) -> Result<Duration> {
    let show =
        format!("systemctl show --property=ActiveState,ActiveEnterTimestampMonotonic '{units}'");
    let shown = host.ok(&show);
    let values = |name: &str| -> Vec<String> {
        let lines = shown.lines().filter_map(|line| line.strip_prefix(name));
        lines.map(str::to_owned).collect()
    };
    let states = values("ActiveState=");
    let up = states.iter().filter(|it| *it == "active").count();
    if up != states.len() {
        println!("  only {up} of {} are up", states.len());
    }
    let last = values("ActiveEnterTimestampMonotonic=");
    let last = last.iter().filter_map(|it| it.parse().ok()).max();
    last.map(Duration::from_micros)
        .context("no unit has become ready")
}
