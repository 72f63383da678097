//! One more published port of a guest that runs.

use std::time::Duration;

use anyhow::{Context, Result};
use ctr_lab::Options;

use crate::PATIENCE;
use crate::bus::Client;
use crate::declaration::{Kind, containers, with_port};
use crate::nothing::until_all_run;
use crate::sample::{Sample, milliseconds};

const TIMES: u16 = 9;

/// Beside so many running containers.
pub(crate) fn published(sizes: &[usize]) -> Result<()> {
    sizes.iter().try_for_each(|size| beside(*size))
}

fn beside(size: usize) -> Result<()> {
    let before = containers(size, Kind::Sleeps);
    let host = Options::new().with_ctr(&before).boot()?;
    until_all_run(&host, size)?;
    let (group, last) = ((size - 1) / 200, size - 1);
    let server = format!("ctr g{group} exec c{last} -- /usr/bin/python3 -m http.server 8080");
    let _server = host.spawn(&server);
    let client = Client::of(&host)?;
    client.apply()?;
    let idle = client.idle_calls()?.median();
    let (mut applied, mut connected) = (Vec::new(), Vec::new());
    for time in 0..TIMES {
        let port = 30_000 + time;
        let waiting = host.spawn(&first_connection(port));
        waiting.expect("trying\n", PATIENCE)?;
        client.declare(&with_port(&before, port))?;
        let begun = monotonic();
        applied.push(client.apply()?);
        let at = waiting.expect("\n", PATIENCE)?;
        let at = Duration::from_nanos(at.trim().parse().context("no time of a connection")?);
        connected.push(at.saturating_sub(begun));
        client.declare(&before)?;
        client.apply()?;
    }
    println!("\none more published port, {size} running");
    let applied: Sample = applied.into_iter().collect();
    let connected: Sample = connected.into_iter().collect();
    println!("  from Apply to its answer   {applied}");
    println!("  from Apply to a connection {connected}");
    println!(
        "  (a call that does nothing takes {} ms)",
        milliseconds(idle)
    );
    Ok(())
}

/// Tries to connect to a port of the host, every half of a millisecond, and says when it could.
fn first_connection(port: u16) -> String {
    format!(
        "exec python3 -u -c '
import socket, time
print(\"trying\")
while True:
    try:
        socket.create_connection((\"192.0.2.2\", {port})).close()
        break
    except OSError:
        time.sleep(0.0005)
print(time.monotonic_ns())'"
    )
}

/// Now, by the clock that all processes of the machine share.
pub(crate) fn monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
}
