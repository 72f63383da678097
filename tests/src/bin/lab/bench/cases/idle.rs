//! What ctrd takes when nothing happens.

use crate::bench::OURS;
use crate::bench::figures::Unit;
use crate::bench::peers::{podman_options, podman_storage};
use crate::bench::plan::{Contender, Step};
use crate::bench::scene::{Kind, Scene, Work, containers};

use super::look::until_all_run;

/// Resident memory, memory in proportion to those who share it, and how often its threads went to sleep in half a
/// minute, twice: of one process, or of all of one name together. It comes after a rest that is longer than a thread
/// without work stays, so that it is not about what came before.
const LOOK: &str = "sleep 15
pids=$(FIND)
sum() { local pid; for pid in $pids; do cat /proc/$pid/smaps_rollup; done | awk -v key=\"$1:\" '$1 == key { sum += $2 } END { print sum * 1024 }'; }
slept() { local pid; for pid in $pids; do cat /proc/$pid/task/*/status; done | awk '/^voluntary/ { sum += $2 } END { print sum }'; }
before=$(slept); sleep 30; after=$(slept)
echo $(sum Rss) $(sum Pss) $(((after - before) * 2))";

fn look(works: &[String], find: &str) -> Step {
    Step::Figures {
        works: works.to_vec(),
        text: LOOK.replace("FIND", find),
    }
}

/// With so many that run. podman has a process for each of its containers, and no other.
pub(crate) fn scene(count: usize) -> Scene {
    let name = |what: &str| format!("idle with {count}, {what}");
    let works = ["resident (RSS)", "its share (PSS)", "wake-ups"].map(name);
    let units = [Unit::Bytes, Unit::Bytes, Unit::PerMinute];
    let run = podman_options("p$number", "--network=none");
    let run = format!(
        "for ((number = 0; number < {count}; number++)); do
            podman run --detach {run} sleep infinity
        done"
    );
    Scene {
        declaration: containers(count, Kind::Sleeps),
        prepare: until_all_run(),
        contenders: vec![
            Contender {
                who: OURS,
                steps: vec![look(
                    &works,
                    "systemctl show --value --property=MainPID ctrd",
                )],
                ..Contender::default()
            },
            Contender {
                who: "podman: conmon, all of them",
                prepare: podman_storage() + &run,
                steps: vec![look(&works, "pgrep -x conmon")],
                finish: "podman rm --force --time 0 --all".to_owned(),
            },
        ],
        works: works
            .into_iter()
            .zip(units)
            .map(|(name, unit)| Work::new(name, unit))
            .collect(),
        ..Scene::default()
    }
}
