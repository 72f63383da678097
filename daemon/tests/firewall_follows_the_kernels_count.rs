//! What was read of the tables is used again only while the kernel counts no change of any table.

mod network_world;

use std::fs;
use std::time::{Duration, Instant};

use ctrd::firewall::{Firewall, Plan, plan};
use ctrd::os::Paths;
use network_world::{World, container, desired, in_a_world, model, port, published, run, succeeds};

/// Long enough for a program's start, far too long for anything that hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// A firewall whose every run of nft leaves a line in this file.
const RUNS: &str = "/run/runs";

fn counted(world: &World) -> Firewall {
    let nft = world.paths.nft.display();
    let script = format!("#!/bin/sh\necho \"$*\" >>{RUNS}\nexec {nft} \"$@\"\n");
    fs::write("/run/nft", script).expect("written");
    run("chmod +x /run/nft");
    Firewall::new(&Paths {
        nft: "/run/nft".into(),
        ..world.paths.clone()
    })
}

/// How often nft was run since the last time that this was asked.
fn runs() -> usize {
    let lines = fs::read_to_string(RUNS).map_or(0, |text| text.lines().count());
    let _ = fs::remove_file(RUNS);
    lines
}

#[test]
fn every_change_of_somebody_else_is_seen() {
    in_a_world("every_change_of_somebody_else_is_seen", async |world| {
        let mut firewall = counted(&world);
        let wanted = desired(&model());
        firewall.converge(&wanted).await.expect("made");
        assert_ne!(runs(), 0, "the script counts");
        assert_eq!(firewall.plan(&wanted).await.expect("known"), Plan::Nothing);
        assert_eq!(runs(), 0, "what it made itself is read again");

        // No word of the kernel is waited for: the next question already sees it.
        for damage in [
            "nft delete element inet ctr ctr_bridges { br-ml }",
            "nft add element inet ctr ctr_bridges { eth7 }",
            "nft flush set inet ctr ctr_bridges",
            "nft add rule inet ctr ctr_forward accept",
            "nft insert rule bridge ctr ctr_prerouting counter",
            "nft flush chain inet ctr ctr_input",
            "nft add chain inet ctr theirs",
            "nft add set inet ctr theirs '{ type inet_service; }'",
            "nft delete table bridge ctr",
            "nft delete table inet ctr",
            "nft flush ruleset",
            "nft 'flush ruleset; add table inet theirs'",
        ] {
            run(damage);
            let change = firewall.plan(&wanted).await.expect("read");
            assert!(!change.is_empty(), "not seen: {damage}");
            let lines = firewall.converge(&wanted).await.expect("mended");
            assert_eq!(lines, change.lines(), "{damage}");
            let observed = world.firewall.observe().await.expect("read");
            assert_eq!(plan(&wanted, &observed), Plan::Nothing, "{damage}");
        }

        // A change of another table is counted too, and changes nothing of ours.
        runs();
        run("nft add table inet others");
        assert_eq!(firewall.plan(&wanted).await.expect("read"), Plan::Nothing);
        assert_ne!(runs(), 0, "it has to be read to know that");
        assert_eq!(firewall.plan(&wanted).await.expect("known"), Plan::Nothing);
        assert_eq!(runs(), 0, "what was read is read again");
    });
}

#[test]
fn a_change_between_ours_and_the_question_is_seen() {
    in_a_world(
        "a_change_between_ours_and_the_question_is_seen",
        async |world| {
            let before = desired(&model());
            let mut declared = model();
            container(&mut declared, "ollama", "ml").ports = vec![published(port(80), 18080, None)];
            let after = desired(&declared);
            let mut firewall = counted(&world);
            firewall.converge(&before).await.expect("made");

            // Somebody else's transaction comes right after ours, before it is known to be done.
            let nft = world.paths.nft.display();
            let flush = format!(
                "#!/bin/sh\necho \"$*\" >>{RUNS}\n{nft} \"$@\" || exit\n\
                 test -e /run/done || {{ touch /run/done; {nft} flush ruleset; }}\n"
            );
            fs::write("/run/nft", flush).expect("written");
            firewall.converge(&after).await.expect("made again");
            assert!(succeeds("test -e /run/done"), "nobody came in between");
            let observed = world.firewall.observe().await.expect("read");
            assert_eq!(plan(&after, &observed), Plan::Nothing);
        },
    );
}

#[test]
fn a_published_port_is_one_element_and_nothing_else() {
    in_a_world(
        "a_published_port_is_one_element_and_nothing_else",
        async |world| {
            let before = desired(&model());
            let mut declared = model();
            container(&mut declared, "ollama", "ml")
                .ports
                .push(published(port(80), 18080, None));
            let mut firewall = counted(&world);
            firewall.converge(&before).await.expect("made");
            let nft = world.paths.nft.display();
            run(&format!(
                "{nft} monitor >/run/monitor 2>&1 & echo $! >/run/monitor.pid"
            ));
            // It listens once it has said what somebody else does.
            until(|| {
                let _ = succeeds("nft add table inet heard && nft delete table inet heard");
                monitored().contains("delete table inet heard")
            });
            assert_eq!(firewall.plan(&before).await.expect("read"), Plan::Nothing);
            runs();
            let start = monitored().lines().count();
            let lines = firewall.converge(&desired(&declared)).await.expect("added");
            assert_eq!(runs(), 1, "one transaction, and nothing is listed for it");
            run("nft add table inet done");
            until(|| monitored().contains("add table inet done"));
            run("kill $(cat /run/monitor.pid)");
            let said = monitored();
            let changes: Vec<&str> = said
                .lines()
                .skip(start)
                .filter(|line| !line.starts_with('#') && !line.contains("table inet heard"))
                .take_while(|line| *line != "add table inet done")
                .collect();
            assert_eq!(changes.len(), lines.len(), "{changes:#?}\n{lines:#?}");
            assert!(
                changes
                    .iter()
                    .all(|it| it.starts_with("add element inet ctr ctr_"))
            );
        },
    );
}

fn monitored() -> String {
    fs::read_to_string("/run/monitor").unwrap_or_default()
}

fn until(is_true: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < PATIENCE, "{}", monitored());
    }
}
