//! What people look at, and an apply that finds nothing to do.

use crate::bench::OURS;
use crate::bench::goal::MACHINECTL_LIST;
use crate::bench::peers::{podman_options, podman_storage};
use crate::bench::plan::{Contender, Step, Until};
use crate::bench::scene::{Kind, Scene, Work, containers};

/// Longer than a hundred guests take to start.
const UNTIL_ALL_RUN: &str =
    "for group in $(grep -o '^.groups[.]g[0-9]*]' /etc/ctr/containers.toml | tr -d '[]'); do
    ctr ${group#groups.} wait --timeout 10min
done";

/// Bash that waits until everything declared runs.
pub(crate) fn until_all_run() -> String {
    UNTIL_ALL_RUN.to_owned()
}

/// The status of so many that run.
pub(crate) fn status(count: usize) -> Scene {
    let work = format!("status of {count}");
    let look = |words: &str| vec![Step::time(&work, words, Until::End)];
    let alike = podman_options("p$number", "--network=none");
    let runs = format!(
        "for ((number = 0; number < {count}; number++)); do
            podman run --detach {alike} sleep infinity
        done"
    );
    Scene {
        declaration: containers(count, Kind::Sleeps),
        prepare: until_all_run(),
        works: vec![Work::seconds(&work)],
        contenders: vec![
            Contender {
                who: OURS,
                steps: look("ctr status"),
                ..Contender::default()
            },
            Contender {
                who: MACHINECTL_LIST,
                steps: look("machinectl list --no-pager"),
                ..Contender::default()
            },
            Contender {
                who: "podman ps",
                prepare: podman_storage() + &runs,
                steps: look("podman ps"),
                finish: "podman rm --force --time 0 --all".to_owned(),
            },
        ],
        ..Scene::default()
    }
}

/// An apply where so many run, and nothing is to be done.
pub(crate) fn apply(count: usize) -> Scene {
    nothing_to_do(count, Kind::Sleeps, &format!("{count} running"))
}

/// The same where a thousand are declared and none runs.
pub(crate) fn declared() -> Scene {
    nothing_to_do(1000, Kind::Rests, "1000 declared")
}

/// The bus is in the time; what processors spent is also that of ctrd, systemd and the bus alone.
fn nothing_to_do(count: usize, kind: Kind, what: &str) -> Scene {
    let [plan, apply] = ["plan", "apply"].map(|verb| format!("{verb} with nothing to do, {what}"));
    let spent = format!("{apply}: a processor's time for ctrd, systemd and the bus");
    let steps = vec![
        Step::time(&plan, "ctr plan", Until::End),
        Step::time(&apply, "ctr apply", Until::End).and_processors(&["ctrd", "dbus", "1"], &spent),
    ];
    let prepare = if kind == Kind::Sleeps {
        until_all_run()
    } else {
        String::new()
    };
    Scene {
        declaration: containers(count, kind),
        prepare,
        works: [plan, apply, spent].map(Work::seconds).into(),
        contenders: vec![Contender {
            who: OURS,
            steps,
            ..Contender::default()
        }],
        ..Scene::default()
    }
}
