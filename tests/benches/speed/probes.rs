//! What ctrd takes to probe guests that are well, each every ten seconds: half by HTTP, half by TCP.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use ctr_lab::{Host, Options};

use crate::PATIENCE;
use crate::declaration::{Kind, containers};

/// How long it is looked at.
const WINDOW: Duration = Duration::from_secs(60);

/// Answers each connection with a head, and nothing else.
const SERVER: &str = "import socket; s = socket.create_server(('', 80), backlog=64)\\n\
                      while 1:\\n c = s.accept()[0]; c.settimeout(1)\\n try: c.recv(4096); \
                      c.sendall(b'HTTP/1.0 204 No Content\\\\r\\\\n\\\\r\\\\n')\\n \
                      except OSError: pass\\n c.close()";

/// With so many guests that run.
pub(crate) fn probed(sizes: &[usize]) -> Result<()> {
    sizes.iter().try_for_each(|size| with(*size))
}

fn with(size: usize) -> Result<()> {
    let plain = containers(size, Kind::Sleeps);
    let command = "command = [\"/usr/bin/sleep\", \"infinity\"]";
    let serves = format!("command = [\"/usr/bin/python3\", \"-c\", \"{SERVER}\"]");
    let mut declaration = String::new();
    for (number, part) in plain.split(command).enumerate() {
        if number > 0 {
            let probe = ["{ http = { port = 80 } }", "{ tcp = 80 }"][number % 2];
            declaration.extend([&serves, "\nhealth = ", probe]);
        }
        declaration.push_str(part);
    }
    let host = Options::new().with_ctr(&declaration).boot()?;
    let all =
        format!("test $(ctr status --json | grep -o '\"state\": *\"healthy\"' | wc -l) -ge {size}");
    host.try_until(&all, PATIENCE)?;
    let (begun, before) = (Instant::now(), spent(&host)?);
    thread::sleep(WINDOW);
    let (after, seconds) = (spent(&host)?, begun.elapsed().as_secs_f64());
    println!("\nprobes of {size} guests, each every 10 s, for {seconds:.0} s");
    #[expect(clippy::cast_precision_loss, reason = "some seconds, in nanoseconds")]
    let share = (after.0 - before.0) as f64 / 1e9 / seconds * 100.0;
    println!("  a processor, for ctrd      {share:.2} %");
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let woken = (after.1 - before.1) as f64 / seconds;
    println!("  woken                      {woken:.1} times a second");
    let memory = host.ok("grep VmRSS /proc/$(systemctl show --value -p MainPID ctrd)/status");
    println!("  memory of ctrd             {}", memory.trim());
    Ok(())
}

/// Nanoseconds on a processor (`proc_pid_schedstat(5)`), and how often a thread went to sleep, of all threads
/// of ctrd.
fn spent(host: &Host) -> Result<(u64, u64)> {
    let tasks = "/proc/$(systemctl show --value -p MainPID ctrd)/task/*";
    let time =
        format!("cat {tasks}/schedstat | awk '{{ sum += $1 }} END {{ printf \"%d\", sum }}'");
    let woken = format!(
        "cat {tasks}/status | awk '/^voluntary_ctxt_switches/ {{ sum += $2 }} END {{ print sum }}'"
    );
    Ok((
        host.ok(&time).trim().parse()?,
        host.ok(&woken).trim().parse()?,
    ))
}
