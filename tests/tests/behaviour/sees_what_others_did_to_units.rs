//! What somebody else does to units is seen by the very next `ctr plan`, also where ctrd looks at many
//! containers at once and reads only those that changed.

use ctr_lab::Host;

use crate::guests::{lab, property, running, sleeper};

const NAMES: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

#[test]
fn sees_what_others_did_to_units() {
    let limits = "limits = { tasks-max = 500 }\n";
    let places = NAMES.iter().zip(11..);
    let all: Vec<String> = places
        .map(|(name, place)| sleeper(name, place, limits))
        .collect();
    let host = Host::with_ctr(&lab(&all));
    let leaders = running(&host, &NAMES);
    // Nothing is read again after the second time, which is what the rest is about.
    for _ in 0..3 {
        assert_eq!(host.ok("ctr apply"), "nothing to do\n");
        assert_eq!(host.run("ctr plan --exit-code").status, 0);
    }

    let set = |how: &str, seen: &[&str]| {
        host.ok(how);
        let plan = host.run("ctr plan --exit-code");
        assert_eq!(plan.status, 6, "{how} is not seen: {plan:#?}");
        for name in NAMES {
            let says = plan.stdout.contains(&format!("lab/{name} "));
            assert_eq!(says, seen.contains(&name), "{how}: {}", plan.stdout);
        }
        host.ok("ctr apply");
        for name in NAMES {
            assert_eq!(
                property(&host, &format!("ctr-lab-{name}"), "TasksMax"),
                "500"
            );
        }
        assert_eq!(host.run("ctr plan --exit-code").status, 0, "after {how}");
    };
    let unit = |name: &str| format!("ctr-lab-{name}.service");
    set(
        &format!(
            "systemctl set-property --runtime {} TasksMax=400",
            unit("two")
        ),
        &["two"],
    );
    set(
        &format!("systemctl set-property {} TasksMax=401", unit("two")),
        &["two"],
    );
    set(
        "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 \
         org.freedesktop.systemd1.Manager SetUnitProperties 'sba(sv)' \
         ctr-lab-three.service true 1 TasksMax t 402",
        &["three"],
    );
    assert_eq!(
        running(&host, &NAMES),
        leaders,
        "no guest was restarted for it"
    );

    // A drop-in counts once systemd has read it, and is an administrator's word.
    let directory = format!("/etc/systemd/system/{}.d", unit("four"));
    host.write(
        &format!("{directory}/50-theirs.conf"),
        "[Service]\nTasksMax=403\n",
    );
    assert_eq!(host.run("ctr plan --exit-code").status, 0, "not read yet");
    host.ok("systemctl daemon-reload");
    assert_eq!(property(&host, "ctr-lab-four", "TasksMax"), "403");
    assert_eq!(host.run("ctr plan --exit-code").status, 0);
    host.ok(&format!(
        "rm -r {directory} && systemctl daemon-reload && ctr apply"
    ));
    assert_eq!(property(&host, "ctr-lab-four", "TasksMax"), "500");

    ends(&host, &leaders);
}

/// Another run of the same unit is another run, however quickly it came.
fn ends(host: &Host, leaders: &[u32]) {
    host.ok("systemctl stop ctr-lab-five && ctr lab wait five --timeout 40s");
    let now = running(host, &NAMES);
    assert_ne!(now[4], leaders[4]);
    assert_eq!((now[0], now[5]), (leaders[0], leaders[5]));
    host.ok("systemctl restart ctr-lab-six && ctr lab wait six --timeout 40s");
    let again = running(host, &NAMES);
    assert_ne!(again[5], now[5], "the leader of the run before is told");
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");

    // Where a unit of somebody else's stands, none of ours is started.
    host.ok("ctr lab stop two && ctr lab wait two --for stopped --timeout 40s");
    let theirs = "/etc/systemd/system/ctr-lab-two.service";
    host.write(theirs, "[Service]\nExecStart=/usr/bin/sleep infinity\n");
    host.ok("systemctl daemon-reload");
    let refused = host.fails("ctr lab start two && ctr lab wait two --timeout 40s");
    // A container that does not run is told with a status of its own.
    let said = host.run("ctr lab status two").stdout + &refused.stderr;
    assert!(said.contains("ctr-lab-two.service"), "{said}");
}
