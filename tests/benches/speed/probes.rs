//! What ctrd takes to probe guests that are well, each every ten seconds: half by HTTP, half by TCP.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use ctr_lab::{Host, Options};

use crate::PATIENCE;
use crate::declaration::{Kind, containers};

/// How long it is looked at.
const WINDOW: Duration = Duration::from_secs(60);
/// Longer than a thread of tokio waits for more work before it ends (`Builder::thread_keep_alive`): the switches of
/// a thread that has ended cannot be read any more.
const REST: Duration = Duration::from_secs(15);
/// How many seconds are between two probes of a guest, by default.
const INTERVAL: f64 = 10.0;

/// Answers each connection with a head, and nothing else.
const SERVER: &str = "import socket; s = socket.create_server(('', 80), backlog=64)\\n\
                      while 1:\\n c = s.accept()[0]; c.settimeout(1)\\n try: c.recv(4096); \
                      c.sendall(b'HTTP/1.0 204 No Content\\\\r\\\\n\\\\r\\\\n')\\n \
                      except OSError: pass\\n c.close()";

/// Nanoseconds on a processor, threads that have ended included (`clock_getcpuclockid(3)`), and how often the
/// threads that there are went to sleep.
const SPENT: &str = "import glob, sys, time\n\
    pid = int(sys.argv[1])\n\
    lines = [line for name in glob.glob(f'/proc/{pid}/task/*/status') for line in open(name)]\n\
    slept = sum(int(it.split()[1]) for it in lines if it.startswith('voluntary_ctxt_switches'))\n\
    print(time.clock_gettime_ns(~pid << 3 | 2), slept)\n";

/// With so many guests that run.
pub(crate) fn probed(sizes: &[usize]) -> Result<()> {
    sizes.iter().try_for_each(|size| with(*size))
}

fn with(size: usize) -> Result<()> {
    let host = Options::new().with_ctr(&declaration(size)).boot()?;
    host.write("/root/spent.py", SPENT);
    until_all_healthy(&host, size)?;
    println!("\nprobes of {size} guests, each every 10 s");
    say_memory(&host, "healthy");
    thread::sleep(REST);
    say_memory(&host, "at rest");
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let probes = size as f64 / INTERVAL;
    say_work(&host, probes)?;
    say_memory(&host, "a minute later");
    host.ok("systemctl restart ctrd");
    until_all_healthy(&host, size)?;
    thread::sleep(REST);
    say_memory(&host, "after a restart");
    Ok(())
}

fn declaration(size: usize) -> String {
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
    declaration
}

fn until_all_healthy(host: &Host, size: usize) -> Result<()> {
    let healthy = "ctr status --json | grep -o '\"state\": *\"healthy\"' | wc -l";
    host.try_until(&format!("test $({healthy}) -ge {size}"), PATIENCE)?;
    Ok(())
}

/// What a minute of it takes, where there are so many probes a second.
fn say_work(host: &Host, probes: f64) -> Result<()> {
    let (begun, before) = (Instant::now(), spent(host)?);
    thread::sleep(WINDOW);
    let (after, seconds) = (spent(host)?, begun.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "some seconds, in nanoseconds")]
    let share = after.0.saturating_sub(before.0) as f64 / 1e9 / seconds;
    println!("  a processor, for ctrd      {:.2} %", share * 100.0);
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let woken = after.1.saturating_sub(before.1) as f64 / seconds;
    let each = woken / probes;
    println!("  woken                      {woken:.1} times a second, {each:.1} for a probe");
    Ok(())
}

/// `RssAnon` is what it holds itself; the rest is of files: its program and libraries.
fn say_memory(host: &Host, when: &str) {
    let status = "/proc/$(systemctl show --value -p MainPID ctrd)/status";
    let memory = host.ok(&format!(
        "grep -E '^(VmRSS|RssAnon)' {status} | tr -s '\\n\\t ' ' '"
    ));
    println!("  memory, {when:<17}  {}", memory.trim());
}

fn spent(host: &Host) -> Result<(u64, u64)> {
    let said = host.ok("python3 /root/spent.py $(systemctl show --value -p MainPID ctrd)");
    let mut numbers = said.split_whitespace().map(str::parse);
    let mut next = || Ok::<_, anyhow::Error>(numbers.next().transpose()?.unwrap_or_default());
    Ok((next()?, next()?))
}
