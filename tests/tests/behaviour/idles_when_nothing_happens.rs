//! While nothing happens ctrd does nothing: it asks nobody, and no timer wakes it.

use std::time::Duration;

use ctr_lab::Host;

use crate::guests::{PATIENCE, booted, lab, property, running, sleeper};

/// How long nothing is waited for. It is what is measured, so there is nothing else to wait for.
const QUIET: Duration = Duration::from_secs(4);

#[test]
fn idles_when_nothing_happens() {
    let host = Host::with_ctr(&lab(&[sleeper("web", 11, ""), booted("boots", 12, "")]));
    running(&host, &["web", "boots"]);
    let pid = property(&host, "ctrd", "MainPID");
    // How often any thread of it slept and was woken.
    let count = format!(
        "cat /proc/{pid}/task/*/status | awk '/_ctxt_switches/ {{ sum += $2 }} END {{ print sum }}'"
    );
    let woken = || host.ok(&count).trim().parse::<u64>().expect("a number");
    // What follows a start (the kernel says late that a carrier is up) is over at some time.
    let mut before = woken();
    let quiet = (0..10).any(|_| {
        std::thread::sleep(QUIET);
        let now = woken();
        let still = now == before;
        eprintln!("woken {} times in {QUIET:?}", now - before);
        before = now;
        still
    });
    assert!(quiet, "it never comes to rest");
    // The control: this is what it looks like when it does something.
    host.ok("ip link set ctr-lab-web down");
    host.until("ip link show ctr-lab-web | grep -q ',UP'", PATIENCE);
    assert!(woken() > before);
}
