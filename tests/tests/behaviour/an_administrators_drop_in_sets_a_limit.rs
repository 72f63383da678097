//! A limit that an administrator sets in a drop-in holds, is never fought over, and is shown with its
//! file; the other limits of that container are still ctrd's.

use ctr_api::wire::{ContainerStatus, OverriddenLimit};
use ctr_lab::Host;

use crate::guests::{PATIENCE, lab, property, running, sleeper};

const DROP_IN: &str = "/etc/systemd/system/ctr-lab-web.service.d/override.conf";

fn status(host: &Host, name: &str) -> ContainerStatus {
    let text = host.ok(&format!("ctr lab status {name} --json"));
    serde_json::from_str(&text).expect("a status")
}

#[test]
fn an_administrators_drop_in_sets_a_limit() {
    let limits = "limits = { memory-max = \"256M\", tasks-max = 500 }\n";
    let all = ["web", "other"].map(|name| {
        let place = if name == "web" { 11 } else { 12 };
        sleeper(name, place, limits)
    });
    let host = Host::with_ctr(&lab(&all));
    let leaders = running(&host, &["web", "other"]);
    let tasks = |name: &str| property(&host, &format!("ctr-lab-{name}"), "TasksMax");
    assert_eq!(status(&host, "web").limits.tasks_max, Some(500));

    // It counts once systemd has read it, and is told without anybody's asking for it.
    host.write(DROP_IN, "[Service]\nTasksMax=77\n");
    host.ok("systemctl daemon-reload");
    assert_eq!(tasks("web"), "77");
    host.until(
        &format!("ctr lab status web | grep --quiet 'tasks-max by {DROP_IN}'"),
        PATIENCE,
    );
    let web = status(&host, "web").limits;
    assert_eq!(
        (web.tasks_max, web.memory_max),
        (Some(77), Some(256 << 20)),
        "what holds is shown"
    );
    let theirs = OverriddenLimit {
        key: "tasks-max".to_owned(),
        path: DROP_IN.to_owned(),
    };
    assert_eq!(web.overridden, std::slice::from_ref(&theirs));
    let other = status(&host, "other").limits;
    assert_eq!((other.tasks_max, other.overridden), (Some(500), vec![]));

    // Nobody sets it back, whatever is done; another limit is followed all the same.
    for _ in 0..2 {
        assert_eq!(host.ok("ctr apply"), "nothing to do\n");
    }
    host.ok("sed -i 's/256M/384M/; s/500/600/' /etc/ctr/containers.toml && ctr apply");
    assert_eq!(
        property(&host, "ctr-lab-web", "MemoryMax"),
        (384 << 20).to_string()
    );
    assert_eq!(
        (tasks("web").as_str(), tasks("other").as_str()),
        ("77", "600")
    );
    host.ok("systemctl restart ctrd && ctr apply");
    assert_eq!(tasks("web"), "77");
    assert_eq!(
        running(&host, &["web", "other"]),
        leaders,
        "nobody is restarted"
    );

    // The next run begins with it.
    host.ok("ctr lab restart web");
    assert_eq!(tasks("web"), "77");
    assert_eq!(host.run("ctr plan --exit-code").status, 0);
    assert_eq!(status(&host, "web").limits.overridden, [theirs]);

    // When it is gone, what is declared holds again.
    host.ok(&format!("rm {DROP_IN} && systemctl daemon-reload"));
    let set = "systemctl show -P TasksMax ctr-lab-web | grep --quiet '^600$'";
    host.until(set, PATIENCE);
    host.until(
        "ctr lab status web --json | grep --quiet '\"tasks_max\": *600'",
        PATIENCE,
    );
    assert_eq!(status(&host, "web").limits.overridden, []);
}
