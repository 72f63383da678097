//! A running NixOS guest follows another system without a restart: the new system's own switch runs
//! inside it. One that fails is said, disturbs nothing more, and is tried again when somebody asks. A
//! ctrd that is killed in between does it again. The systems are [stand-ins](crate::nixos).

use ctr_api::wire::{Action, ApplyReport, PlanView, State};
use ctr_lab::Host;

use crate::guests::{PATIENCE, running, status, until_that};
use crate::nixos::{declaration, fill_store, inside, path};

const FILE: &str = "/etc/ctr/containers.toml";

#[test]
fn a_running_nixos_guest_switches_to_another_system() {
    let host = Host::with_ctr(&declaration("bbbb", ""));
    fill_store(&host);
    host.ok("ctr lab start nix");
    let before = running(&host, &["nix"]);

    host.write(FILE, declaration("cccc", "description = \"new\"\n"));
    let planned: PlanView = json(&host.ok("ctr plan --json"));
    assert_eq!(planned.containers[0].action, Action::Switch);
    assert_eq!(planned.containers[0].changed, ["description", "root.nixos"]);
    assert!(host.ok("ctr plan").contains("lab/nix  switch"));
    assert_eq!(host.run("ctr plan --exit-code").status, 6);
    let applied: ApplyReport = json(&host.ok("ctr apply --json"));
    assert_eq!(applied.plan, planned);
    assert_eq!(running(&host, &["nix"]), before, "it was restarted");
    assert_eq!(inside(&host, "cat /etc/which-system"), "cccc\n");
    let booted_next = inside(&host, "readlink /nix/var/nix/profiles/system");
    assert_eq!(booted_next.trim(), path("cccc"));
    host.ok("journalctl -u ctrd | grep 'lab/nix switches: finished switching to system configuration cccc'");
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");
    assert_eq!(host.run("ctr plan --exit-code").status, 0);

    // ctrd knows what it switched to when it comes back, and a guest that ends boots it.
    host.ok("systemctl restart ctrd");
    assert_eq!(running(&host, &["nix"]), before);
    assert_eq!(host.run("ctr plan --exit-code").status, 0);
    assert_eq!(switches(&host), ["cccc"]);
    host.ok(&format!("kill -9 {}", before[0]));
    host.until(
        "ctr lab exec nix -- grep -q cccc /etc/which-system",
        PATIENCE,
    );
    let booted = running(&host, &["nix"]);
    assert_ne!(booted, before);
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");
    assert_eq!(switches(&host), ["cccc"], "what it booted needs no switch");

    refused(&host, &booted);
    killed_in_between(&host, &booted);
}

/// It fails: the guest runs on, and everybody is told.
fn refused(host: &Host, leaders: &[u32]) {
    inside(host, "touch /root/refuse");
    host.write(FILE, declaration("bbbb", ""));
    let apply = host.fails("ctr apply");
    assert_eq!(apply.status, 1);
    let said = "exit status 4: warning: the following units failed: \\u{1b}[1mweb.service";
    assert!(apply.stderr.contains(said), "{apply:#?}");
    assert!(apply.stderr.contains("journalctl -u ctrd"), "{apply:#?}");
    assert_eq!(running(host, &["nix"]), leaders, "it was restarted");
    let now = status(host, "nix");
    assert_eq!(now.state, State::Running);
    assert!(now.reason.is_some_and(|it| it.contains("exit status 4")));
    assert_eq!(now.next_try_ms, None);
    let plan = host.ok("ctr plan");
    assert!(plan.contains("lab/nix  switch"), "{plan}");

    // Whatever makes ctrd look again is no reason to try again; a person is.
    let count = switches(host).len();
    host.ok("echo nameserver 192.0.2.99 >/etc/resolv.conf");
    host.until(
        "ctr lab exec nix -- grep -q 192.0.2.99 /etc/resolv.conf",
        PATIENCE,
    );
    assert_eq!(switches(host).len(), count);
    host.fails("ctr apply");
    assert_eq!(switches(host).len(), count + 1);
    inside(host, "rm /root/refuse");
    host.ok("ctr lab start nix");
    host.until(
        "ctr lab exec nix -- grep -q bbbb /etc/which-system",
        PATIENCE,
    );
    until_that(host, "nix", |it| it.reason.is_none());
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");
    assert_eq!(running(host, &["nix"]), leaders);
}

fn killed_in_between(host: &Host, leaders: &[u32]) {
    inside(host, "touch /root/linger");
    host.write(FILE, declaration("dddd", ""));
    let _apply = host.spawn("ctr apply");
    host.until("ctr lab exec nix -- grep -q dddd /root/switches", PATIENCE);
    host.ok("systemctl kill --signal=KILL ctrd");
    host.until("ctr lab exec nix -- rm /root/linger", PATIENCE);
    host.until(
        "ctr lab exec nix -- grep -q dddd /etc/which-system",
        PATIENCE,
    );
    until_that(host, "nix", |it| it.reason.is_none());
    assert_eq!(running(host, &["nix"]), leaders, "it was restarted");
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");
}

/// The systems that were switched to in the guest, in order.
#[track_caller]
fn switches(host: &Host) -> Vec<String> {
    let lines = inside(host, "cat /root/switches");
    let words = lines.lines().filter_map(|line| line.split(' ').next());
    words.map(str::to_owned).collect()
}

#[track_caller]
fn json<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("the document that is promised")
}
