//! Data outlives its container, and `ctr prune` deletes it: of nobody who is declared or runs, nothing that
//! is not ours, and nothing that a guest's links lead to.

use ctr_api::wire::{Leftovers, PlanView};
use ctr_lab::Host;

use crate::guests::{PATIENCE, lab, running, sleeper};

const FILE: &str = "/etc/ctr/containers.toml";

#[track_caller]
fn listed(host: &Host) -> Vec<String> {
    let text = host.ok("ctr prune --json");
    let left: Leftovers = serde_json::from_str(&text).expect("the document that is promised");
    left.machines.into_iter().map(|it| it.machine).collect()
}

#[test]
fn prune_deletes_what_nothing_declares() {
    let keys = "credentials.token = { generate = true }\n\
                binds = [{ host = \"/run/data\", guest = \"/data\", create = true, data = true }]\n";
    let kept = sleeper("kept", 12, "");
    let host = Host::with_ctr(&lab(&[sleeper("gone", 11, keys), kept.clone()]));
    running(&host, &["gone", "kept"]);
    assert!(listed(&host).is_empty());
    // What a guest's root leaves for whoever deletes it: links out, and no end of directories.
    host.ok("mkdir /srv/outside && touch /srv/outside/mine");
    host.write(
        "/root/traps.py",
        "import os\nos.makedirs('/root/deep', exist_ok=True)\nos.chdir('/root/deep')\n\
         os.symlink('/srv/outside', 'out')\n\
         for _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\n",
    );
    host.ok("ctr lab exec gone -- python3 - </root/traps.py");
    host.ok("ctr lab exec gone -- sh -c 'echo mine >/data/mine'");

    // The plan names all of it, and apply leaves it.
    host.write(FILE, lab(std::slice::from_ref(&kept)));
    let plan: PlanView = serde_json::from_str(&host.ok("ctr plan --json")).expect("a plan");
    let gone = plan
        .containers
        .iter()
        .find(|it| it.name == "gone")
        .expect("there");
    assert_eq!(
        gone.data,
        [
            "/var/lib/ctr/lab-gone",
            "/var/lib/ctr/.secrets/lab-gone/token",
            "/run/data"
        ]
    );
    host.ok("ctr apply");
    assert!(!host.run("ip netns | grep -q lab-gone").success());
    assert_eq!(listed(&host), ["lab-gone"]);
    let table = host.ok("ctr prune");
    assert!(table.contains("/var/lib/ctr/.secrets/lab-gone"), "{table}");

    // Of nobody else.
    let refused = host.fails("ctr prune --yes lab-kept");
    assert!(
        refused.stderr.contains("lab-kept is declared"),
        "{refused:#?}"
    );
    let refused = host.fails("ctr prune --yes lab-nobody");
    assert!(
        refused.stderr.contains("nothing is left of lab-nobody"),
        "{refused:#?}"
    );
    assert_eq!(
        host.fails("ctr prune lab-gone </dev/null").status,
        2,
        "nobody answers"
    );
    let refused = host.fails("ctr prune --yes ../../etc");
    assert!(refused.stderr.contains("no machine's name"), "{refused:#?}");
    // Somebody's directory beside ours; something mounted in it.
    host.ok(
        "install -d -o 1234 /var/lib/ctr/lab-alice && mkdir -p /var/lib/ctr/lab-gone/upper/mnt \
             && mount -t tmpfs none /var/lib/ctr/lab-gone/upper/mnt",
    );
    assert_eq!(listed(&host), ["lab-gone"]);
    let refused = host.fails("ctr prune --yes lab-gone");
    assert!(refused.stderr.contains("upper/mnt"), "{refused:#?}");
    host.ok("test -d /var/lib/ctr/.secrets/lab-gone && umount /var/lib/ctr/lab-gone/upper/mnt");

    // With a refused declaration nothing is known to be undeclared.
    host.ok(&format!(
        "cp {FILE} /root/good.toml && echo 'schema = 7' >{FILE}"
    ));
    let refused = host.fails("ctr prune --all --yes");
    assert!(
        refused.stderr.contains("nothing is known to be undeclared"),
        "{refused:#?}"
    );
    host.ok(&format!("cp /root/good.toml {FILE}"));

    let deleted = host.ok("ctr prune --all --yes");
    assert!(
        deleted.contains("deleted  /var/lib/ctr/lab-gone"),
        "{deleted}"
    );
    host.fails(
        "ls -d /var/lib/ctr/*lab-gone* /var/lib/ctr/.*lab-gone* /var/lib/ctr/.secrets/lab-gone",
    );
    host.ok("test -e /srv/outside/mine && grep -q mine /run/data/mine && test -d /var/lib/ctr/lab-alice");
    assert!(listed(&host).is_empty());

    // After `down` what the file declares is still declared.
    host.ok("ctr down --yes");
    assert!(listed(&host).is_empty());
    host.fails("ctr prune --yes lab-kept");
    host.ok("ctr apply");
    running(&host, &["kept"]);
}

#[test]
fn a_prune_that_is_killed_is_listed_again() {
    let kept = sleeper("kept", 12, "");
    let host = Host::with_ctr(&lab(&[sleeper("gone", 11, ""), kept.clone()]));
    running(&host, &["gone", "kept"]);
    host.write(FILE, lab(std::slice::from_ref(&kept)));
    host.ok("ctr apply");
    // Enough that it takes a while.
    host.ok(
        "cd /var/lib/ctr/lab-gone/upper && mkdir many && cd many && \
             for d in $(seq 200); do mkdir $d && (cd $d && touch $(seq 200)); done",
    );
    host.ok("(ctr prune --yes lab-gone >/dev/null 2>&1 &); \
             until test -d /var/lib/ctr/.prune-lab-gone; do :; done; systemctl kill --signal=KILL ctrd.service");
    host.until("systemctl is-active ctrd.service && ctr status", PATIENCE);
    if host.run("test -d /var/lib/ctr/.prune-lab-gone").success() {
        assert_eq!(listed(&host), ["lab-gone"]);
        host.ok("ctr prune --yes lab-gone");
    }
    assert!(listed(&host).is_empty());
    host.fails("ls -d /var/lib/ctr/.prune-lab-gone");
}
