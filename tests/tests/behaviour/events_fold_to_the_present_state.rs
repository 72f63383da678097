//! `ctr events` begins with the whole state and tells every change: whoever folds its lines has what a fresh
//! status says, also after it stood still for longer than anybody keeps its lines, and after ctrd was
//! started anew.

use std::thread;
use std::time::{Duration, Instant};

use ctr_api::events::{ContainerEvent, Event, Folded, Why};
use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{PATIENCE, declared, host_status, lab, running, sleeper};

/// The events that are in the file, and what they fold to.
fn told(host: &Host) -> (Vec<Event>, Folded) {
    let text = host.read("/root/events");
    let whole_lines = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let events: Vec<Event> = whole_lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let mut folded = Folded::default();
    for event in events.clone() {
        folded.take(event);
    }
    (events, folded)
}

/// What is compared: everything that both tell.
fn facts(it: &ContainerEvent) -> (String, State, Option<String>, u64, u32) {
    let name = format!("{}/{}", it.group, it.name);
    (name, it.state, it.reason.clone(), it.since_ms, it.restarts)
}

fn fresh(host: &Host) -> Vec<(String, State, Option<String>, u64, u32)> {
    let groups = host_status(host).groups;
    let containers = groups.into_iter().flat_map(|group| group.containers);
    let mut facts: Vec<_> = containers
        .map(|it| {
            let name = format!("{}/{}", it.group, it.name);
            (name, it.state, it.reason, it.since_ms, it.restarts)
        })
        .collect();
    facts.sort_by(|one, other| one.0.cmp(&other.0));
    facts
}

/// Waits until the lines have this in them, and fold to what the status says.
#[track_caller]
fn until_folded(host: &Host, has: impl Fn(&[Event]) -> bool) -> Vec<Event> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = fresh(host);
        let (events, folded) = told(host);
        let seen: Vec<_> = folded.containers().map(facts).collect();
        if folded.is_whole() && seen == now && has(&events) {
            return events;
        }
        let last = events.len().saturating_sub(5);
        assert!(
            Instant::now() < deadline,
            "{seen:#?}\nis not\n{now:#?}\nafter {:#?}",
            &events[last..]
        );
        thread::sleep(Duration::from_millis(100));
    }
}

fn is_whole(event: &Event, because: Why) -> bool {
    matches!(event, Event::Whole { why, .. } if *why == because)
}

#[test]
fn events_fold_to_the_present_state() {
    // It fails to start, quickly and as often as it is asked.
    let broken = declared(
        "broken",
        11,
        "root = { tree = \"/var/lib/machines/none\" }\nrestart = { delay = \"10min\", max-delay = \"10min\" }\n",
    );
    let (web, other) = (sleeper("web", 12, ""), sleeper("other", 13, ""));
    let host = Host::with_ctr(&lab(&[broken.clone(), web.clone(), other]));
    running(&host, &["web", "other"]);
    let _reader =
        host.spawn("ctr events --json >/root/events 2>/root/said & echo $! >/root/pid; wait");
    host.until("test $(wc -l </root/events) = 4", PATIENCE);
    let (events, _) = told(&host);
    assert!(is_whole(&events[0], Why::Begun), "{events:#?}");

    // It keeps up: nothing is told twice, and every state is told that was passed through.
    host.ok("ctr lab stop web && ctr lab start web");
    let events = until_folded(&host, |events| events.len() >= 8);
    let changes = events[4..].iter().filter_map(|event| match event {
        Event::Changed(now) if now.name == "web" => Some(now.state),
        _ => None,
    });
    let mut states: Vec<_> = changes.collect();
    states.dedup();
    assert_eq!(
        states,
        [
            State::Stopping,
            State::Stopped,
            State::Starting,
            State::Running
        ]
    );
    assert!(!events.iter().any(|it| is_whole(it, Why::Missed)));

    // It stands still while more happens than is kept for it, and containers come and go.
    host.ok("kill -STOP $(cat /root/pid)");
    let new = sleeper("new", 14, "");
    host.write("/etc/ctr/containers.toml", lab(&[broken, web, new]));
    host.ok("ctr apply && ctr lab wait new --timeout 40s");
    host.ok("for turn in $(seq 250); do
             ctr lab start --no-wait broken || exit 1
             ctr lab stop --no-wait broken || exit 1
         done");
    // Nobody waited for it.
    host.ok("ctr lab stop web");
    host.ok("kill -CONT $(cat /root/pid)");
    until_folded(&host, |events| {
        events.iter().any(|it| is_whole(it, Why::Missed))
    });

    // ctrd goes and comes.
    host.ok("systemctl restart ctrd");
    until_folded(&host, |events| {
        events.iter().any(|it| is_whole(it, Why::Restarted))
    });
    assert!(host.read("/root/said").contains("ctrd is away"));
    host.ok("ctr lab start web --timeout 40s");
    until_folded(&host, |_| true);
}
