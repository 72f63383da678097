//! A container that is declared incomplete is not started: it waits with the declared words, tells whoever starts
//! it, and starts by itself when the words are gone. One that runs is left alone.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{booted, declared, lab, running, sleeper, status, until, until_that};

const MISSING: &str = "missing = { what = \"no model\", hint = \"set a model\" }\n";
const TREE: &str = "root = { tree = \"/var/lib/machines/debian\" }\n\
                    command = [\"/usr/bin/sleep\", \"infinity\"]\n";

fn containers(missing: &str) -> String {
    lab(&[
        sleeper("vllm", 11, missing),
        sleeper("web", 12, "after = [\"lab/vllm\"]\n"),
        declared("off", 13, &format!("{TREE}{missing}")),
        // What else would be in its way is not looked for.
        booted("rootless", 14, missing).replace("machines/debian", "machines/none"),
        sleeper("other", 15, ""),
    ])
}

fn apply(host: &Host, declaration: &str) {
    host.write("/etc/ctr/containers.toml", declaration);
}

#[test]
fn waits_for_what_its_declaration_says_is_missing() {
    let host = Host::with_ctr(&containers(MISSING));
    running(&host, &["other"]);
    for name in ["vllm", "rootless"] {
        let waits = until(&host, name, State::Waiting);
        assert_eq!(waits.reason.as_deref(), Some("no model"), "{waits:#?}");
        assert_eq!(waits.hint.as_deref(), Some("set a model"));
        assert_eq!(waits.missing.as_deref(), Some("no model"));
    }
    let web = until(&host, "web", State::Waiting);
    let reason = web.reason.as_deref();
    assert_eq!(reason, Some("lab/vllm waits: no model"), "{web:#?}");
    // Who looks sees it before anybody starts it.
    let off = status(&host, "off");
    let seen = (off.state, off.reason.as_deref());
    assert_eq!(seen, (State::Stopped, Some("no model")));
    let table = host.ok("ctr lab status");
    let row = |name: &str| table.lines().find(|line| line.starts_with(name));
    let vllm = row("vllm ").expect("its row");
    assert!(vllm.contains("waiting"), "{table}");
    assert_eq!(table.matches("no model").count(), 4, "{table}");
    assert_eq!(table.matches("hint: set a model").count(), 4, "{table}");

    // Nothing of it was made, and whoever starts it is told and does not wait.
    host.fails("systemctl cat ctr-lab-vllm.service");
    for name in ["vllm", "off", "web"] {
        let start = host.run(&format!("timeout 20 ctr lab start {name} 2>&1"));
        assert_eq!(start.status, 1, "{start:#?}");
        let said = format!("error: lab/{name} cannot start yet");
        assert!(start.stdout.contains(&said), "{start:#?}");
        assert!(start.stdout.contains("no model"), "{start:#?}");
        assert!(start.stdout.contains("set a model"), "{start:#?}");
    }
    assert_eq!(status(&host, "off").state, State::Waiting);
    let plan = host.ok("ctr plan");
    assert_eq!(plan.matches("it waits: no model").count(), 3, "{plan}");

    // The words are gone: all that were to run start, those that a person started too.
    apply(&host, &containers(""));
    let applied = host.run("ctr apply 2>&1");
    assert!(applied.stdout.contains("lab/rootless"), "{applied:#?}");
    let pids = running(&host, &["vllm", "web", "off", "other"]);
    until(&host, "rootless", State::Failed);

    // They come back: nobody is stopped, neither for another change nor by hand.
    let other = containers(&format!("{MISSING}capabilities = [\"CAP_IPC_LOCK\"]\n"));
    apply(&host, &other);
    let applied = host.run("ctr apply 2>&1");
    assert!(applied.stdout.contains("no model"), "{applied:#?}");
    until(&host, "rootless", State::Waiting);
    let restart = host.run("ctr lab restart vllm --timeout 20s 2>&1");
    assert_eq!(restart.status, 1, "{restart:#?}");
    let said = "was not stopped, because it could not start again";
    assert!(restart.stdout.contains(said), "{restart:#?}");
    assert_eq!(running(&host, &["vllm", "web", "off", "other"]), pids);
    // One that ends waits, and is not tried again.
    host.ok(&format!("kill -9 {}", pids[0]));
    let ended = until_that(&host, "vllm", |it| it.state == State::Waiting);
    assert_eq!(ended.reason.as_deref(), Some("no model"), "{ended:#?}");
    assert_eq!((ended.restarts, ended.next_try_ms), (0, None));
    assert!(ended.last_exit.is_some(), "{ended:#?}");

    // Another ctrd finds it so.
    host.ok("systemctl restart ctrd");
    assert_eq!(until(&host, "vllm", State::Waiting).reason, ended.reason);
    assert_eq!(running(&host, &["web", "off", "other"]), pids[1..]);
}
