//! While nothing happens ctrd does nothing: it asks nobody, and no timer wakes it.

use std::collections::BTreeMap;
use std::time::Duration;

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::gpus::machine;
use crate::guests::{PATIENCE, booted, lab, property, running, sleeper, until};

/// How long nothing is waited for. It is what is measured, so there is nothing else to wait for.
const QUIET: Duration = Duration::from_secs(4);

#[test]
fn idles_when_nothing_happens() {
    let host = Host::with_ctr(&lab(&[sleeper("web", 11, ""), booted("boots", 12, "")]));
    running(&host, &["web", "boots"]);
    idles(&host);
}

#[test]
fn idles_beside_graphics_processors() {
    let host = machine(
        "nvidia-laptop",
        &lab(&[
            sleeper("web", 11, "gpu = { vendor = \"nvidia\" }\n"),
            booted("likes", 12, "gpu = { vendor = \"amd\", optional = true }\n"),
            sleeper("waits", 13, "gpu = { vendor = \"amd\" }\n"),
        ]),
    );
    running(&host, &["web", "likes"]);
    until(&host, "waits", State::Waiting);
    idles(&host);
}

/// Asserts that ctrd comes to rest, and that what it does then would be seen.
#[track_caller]
fn idles(host: &Host) {
    let pid = property(host, "ctrd", "MainPID");
    // How often each thread of it slept and was woken. One that ends takes its count along, and one may end
    // while it is counted.
    let count = format!(
        "cat /proc/{pid}/task/*/status 2>/dev/null | awk '/^Pid:/ {{ thread = $2 }} \
         /_ctxt_switches/ {{ sum[thread] += $2 }} END {{ for (it in sum) print it, sum[it] }}'"
    );
    let woken = || -> BTreeMap<String, u64> {
        let counts = host.ok(&count);
        let threads = counts.lines().filter_map(|line| line.split_once(' '));
        let threads: BTreeMap<_, _> = threads
            .map(|(thread, count)| (thread.to_owned(), count.parse().expect("a number")))
            .collect();
        assert!(threads.contains_key(&pid), "there is no ctrd: {counts}");
        threads
    };
    // What follows a start (the kernel says late that a carrier is up) is over at some time.
    let mut before = woken();
    let quiet = (0..10).any(|_| {
        std::thread::sleep(QUIET);
        let now = woken();
        let still = now == before;
        eprintln!("in {QUIET:?} from {before:?} to {now:?}");
        before = now;
        still
    });
    assert!(quiet, "it never comes to rest");
    // The control: this is what it looks like when it does something.
    host.ok("ip link set ctr-lab-web down");
    host.until("ip link show ctr-lab-web | grep -q ',UP'", PATIENCE);
    assert_ne!(woken(), before);
}
