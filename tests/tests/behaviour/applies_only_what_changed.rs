//! `ctr apply` does what `ctr plan` says: it touches what changed, and nothing else.

use ctr_lab::Host;

use crate::guests::{declared, lab, property, running, sleeper, status};

const FILE: &str = "/etc/ctr/containers.toml";

#[test]
fn applies_only_what_changed() {
    let keep = sleeper("keep", 11, "");
    let first = "files.\"/etc/greeting\" = { text = \"hello, first world\\n\" }\n";
    let gone = sleeper("gone", 13, "");
    let host = Host::with_ctr(&lab(&[
        keep.clone(),
        sleeper("edit", 12, first),
        gone.clone(),
    ]));
    let before = running(&host, &["keep", "edit", "gone"]);
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");
    assert_eq!(host.run("ctr plan --exit-code").status, 0);
    assert_eq!(running(&host, &["keep", "edit", "gone"]), before);

    // A running guest cannot follow another command: that one is restarted, and only that one.
    let other = sleeper("edit", 12, first).replace("infinity", "1000000");
    host.write(
        "/root/new.toml",
        lab(&[keep.clone(), other.clone(), gone.clone()]),
    );
    assert_eq!(
        host.run("ctr plan --exit-code").status,
        0,
        "the file in place has not changed"
    );
    let plan = host.run("ctr plan --exit-code /root/new.toml");
    assert_eq!(plan.status, 6, "{plan:#?}");
    assert!(plan.stdout.contains("lab/edit  restart"), "{}", plan.stdout);
    assert!(
        plan.stdout.contains("a change of command"),
        "{}",
        plan.stdout
    );
    assert!(!plan.stdout.contains("lab/keep"), "{}", plan.stdout);
    assert_eq!(host.ok("ctr plan - </root/new.toml"), plan.stdout);
    assert_eq!(
        running(&host, &["keep", "edit", "gone"]),
        before,
        "a plan changed something"
    );
    host.ok(&format!("cp /root/new.toml {FILE} && ctr apply"));
    let after = running(&host, &["keep", "edit", "gone"]);
    assert_eq!(
        (after[0], after[2]),
        (before[0], before[2]),
        "another guest was restarted"
    );
    assert_ne!(after[1], before[1], "it still runs the old command");
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");

    follows_while_it_runs(&host, &[keep.clone(), other, gone], &after);
    takes_away_and_starts(&host, &keep, &after);
}

/// Description, ports, limits and the text of files change under a running guest.
fn follows_while_it_runs(host: &Host, declared: &[String; 3], leaders: &[u32]) {
    let [keep, edit, gone] = declared;
    let live = "description = \"changed\"\nports = [{ port = 80, publish = { host-port = 18080 } }]\n\
                limits = { tasks-max = 512, memory-max = \"512M\", cpus = 1.5 }\n";
    let edit = edit.replace("hello, first world", "bye") + live;
    host.write(FILE, lab(&[keep.clone(), edit, gone.clone()]));
    let plan = host.ok("ctr plan");
    assert!(plan.contains("lab/edit  live"), "{plan}");
    host.ok("ctr apply");
    assert_eq!(
        running(host, &["keep", "edit", "gone"]),
        leaders,
        "a guest was restarted"
    );
    assert_eq!(status(host, "edit").description, "changed");
    assert_eq!(status(host, "edit").limits.memory_max, Some(512 << 20));
    assert_eq!(host.ok("ctr lab exec edit -- cat /etc/greeting"), "bye\n");
    let unit = "ctr-lab-edit";
    assert_eq!(property(host, unit, "TasksMax"), "512");
    assert_eq!(property(host, unit, "MemoryMax"), (512 << 20).to_string());
    assert_eq!(property(host, unit, "CPUQuotaPerSecUSec"), "1.500000s");
    host.ok("nft list table inet ctr | grep -q 18080");
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");
}

/// What is declared no more goes, its data stays and is named; what is new starts.
fn takes_away_and_starts(host: &Host, keep: &str, leaders: &[u32]) {
    host.ok("ctr lab exec gone -- sh -c 'echo data >/root/kept'");
    let idle = declared(
        "idle",
        15,
        "root = { tree = \"/var/lib/machines/debian\" }\n",
    );
    host.write(FILE, lab(&[keep.to_owned(), sleeper("new", 14, ""), idle]));
    for said in [host.ok("ctr plan"), host.ok("ctr apply")] {
        for part in ["lab/gone", "/var/lib/ctr/lab-gone", "lab/new"] {
            assert!(said.contains(part), "no {part} in {said}");
        }
    }
    assert_eq!(running(host, &["keep", "new"])[0], leaders[0]);
    host.fails("systemctl is-active ctr-lab-gone || machinectl show lab-gone || ip netns pids ctr-lab-gone");
    host.fails("systemctl is-active ctr-lab-idle");
    host.fails("ip -brief link show type veth | grep -v -e keep -e new | grep -q lab-gone");
    assert_eq!(host.fails("ctr lab status gone").status, 4);
    assert_eq!(host.read("/var/lib/ctr/lab-gone/upper/root/kept"), "data\n");
}
