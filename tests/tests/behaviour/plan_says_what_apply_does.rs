//! `ctr apply` does exactly what `ctr plan` says, key by key, for an edit of everything at once.

use ctr_api::wire::{Action, ApplyReport, ContainerPlan, PlanView};
use ctr_lab::Host;

use crate::guests::{declared, lab, property, running, sleeper};

const FILE: &str = "/etc/ctr/containers.toml";

const PORT: &str = "ports = [{ port = 80 }]\n";
const PUBLISHED: &str = "ports = [{ port = 80, publish = { host-port = 18080 } }]\n";
const GREETING: &str = "files.\"/etc/greeting\" = { text = \"hello\\n\" }\n";

#[test]
fn plan_says_what_apply_does() {
    let root = "root = { tree = \"/var/lib/machines/debian\" }\n";
    let host = Host::with_ctr(&lab(&[
        sleeper("keep", 11, GREETING),
        sleeper("live", 12, PORT),
        sleeper("both", 13, PORT),
        sleeper("said", 14, ""),
        sleeper("gone", 15, ""),
        sleeper("stuck", 16, ""),
        declared("idle", 17, root),
    ]));
    let names = ["keep", "live", "both", "said", "gone", "stuck"];
    let leaders = running(&host, &names);
    assert_eq!(host.ok("ctr plan | tail -1"), "7 nothing\n");
    assert_eq!(host.run("ctr plan --exit-code").status, 0);

    host.write(FILE, edited(root));
    // Without a file it is the declaration in place that is read again.
    let planned: PlanView = json(&host.ok("ctr plan --json"));
    assert_eq!(host.run("ctr plan --exit-code").status, 6);
    says_what_is_edited(&planned);
    let text = host.ok("ctr plan");
    assert!(
        text.ends_with("\n1 remove, 1 restart, 5 live, 1 start\n"),
        "{text}"
    );

    let applied = host.fails("ctr apply --json");
    assert_eq!(applied.status, 1, "one of them cannot be brought there");
    let report: ApplyReport = json(&applied.stdout);
    assert_eq!(report.plan, planned, "something else was done");
    let [failure] = report.failures.as_slice() else {
        panic!("{:#?}", report.failures);
    };
    assert_eq!(failure.name, "stuck");
    assert!(
        failure
            .error
            .as_deref()
            .is_some_and(|it| it.contains("/srv/none"))
    );

    let names = ["keep", "live", "both", "said", "stuck"];
    let now = running(&host, &names);
    let (before, after) = ([&leaders[..4], &leaders[5..]].concat(), now);
    for (name, (before, after)) in names.iter().zip(before.iter().zip(&after)) {
        assert_eq!(before == after, *name != "both", "{name}");
    }
    assert_eq!(property(&host, "ctr-lab-live", "TasksMax"), "512");
    running(&host, &["new"]);

    // What is left is what could not be done.
    let left: PlanView = json(&host.ok("ctr plan --json"));
    let stuck = found(&left, "stuck").clone();
    assert_eq!(stuck.action, Action::Nothing);
    assert_eq!(stuck.changed, ["binds"]);
    let idle = left.containers.iter().filter(|it| it.name != "stuck");
    for it in idle {
        assert_eq!((it.action, &it.reason), (Action::Nothing, &None), "{it:#?}");
    }
    host.ok("mkdir /srv/none && mount -t tmpfs none /srv/none && chown daemon:daemon /srv/none && ctr apply");
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");
}

/// Everything edited at once.
fn edited(root: &str) -> String {
    let limits = "limits = { tasks-max = 512 }\nafter = [\"lab/keep\"]\n";
    let other_port = PUBLISHED.replace("18080", "18081");
    let missing = "binds = [{ host = \"/srv/none\", guest = \"/srv/none\" }]\n";
    let edited = lab(&[
        sleeper("keep", 11, GREETING),
        sleeper("live", 12, &format!("{PUBLISHED}{limits}")),
        sleeper("both", 13, &format!("{other_port}user = \"daemon\"\n")),
        sleeper("said", 14, "description = \"for people\"\n"),
        sleeper("stuck", 16, missing),
        sleeper("new", 18, ""),
        declared("idle", 17, &format!("{root}ephemeral = true\n")),
    ]);
    edited.replace("host-address", "host-ports = [53]\nhost-address")
}

#[track_caller]
fn says_what_is_edited(plan: &PlanView) {
    let of = |name: &str| found(plan, name);
    let is = |name: &str, action: Action, changed: &[&str], reason: &str| {
        let found = of(name);
        assert_eq!(found.action, action, "{found:#?}");
        assert_eq!(found.changed, changed, "{found:#?}");
        assert_eq!(found.reason.as_deref().unwrap_or(""), reason, "{found:#?}");
    };
    is(
        "live",
        Action::Live,
        &["ports.publish", "after", "limits.tasks-max"],
        "ports.publish and limits.tasks-max take effect while it runs; after matters the next time; \
         the names of other containers changed",
    );
    is(
        "both",
        Action::Restart,
        &["user", "ports.publish"],
        "a running guest cannot follow a change of user; ports.publish alone would not stop it",
    );
    is(
        "said",
        Action::Live,
        &["description"],
        "description takes effect while it runs; the names of other containers changed",
    );
    is(
        "keep",
        Action::Live,
        &[],
        "the names of other containers changed",
    );
    is(
        "idle",
        Action::Live,
        &["ephemeral"],
        "it does not run: ephemeral counts from its next start",
    );
    is("gone", Action::Remove, &[], "it is not declared any more");
    is(
        "new",
        Action::Start,
        &[],
        "it is declared to run and does not",
    );
    let stuck = of("stuck");
    assert_eq!(stuck.changed, ["binds"], "{stuck:#?}");
    assert!(
        stuck
            .reason
            .as_deref()
            .is_some_and(|it| it.contains("runs on as it is: /srv/none")),
        "{stuck:#?}"
    );
    assert!(
        plan.host
            .contains(&"group lab: changed host-ports".to_owned())
    );
}

#[track_caller]
fn found<'a>(plan: &'a PlanView, name: &str) -> &'a ContainerPlan {
    let mut all = plan.containers.iter();
    all.find(|it| it.name == name).expect("it is in the plan")
}

#[track_caller]
fn json<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("the document that is promised")
}
