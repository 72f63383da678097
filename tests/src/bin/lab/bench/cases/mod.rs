//! What can be measured, in the order of a run.

mod idle;
mod look;
mod node;
mod probes;
mod publish;
mod sessions;
mod start;
mod ten;
mod throughput;

use crate::bench::scene::Scene;

/// One host with what is measured on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// How many turns everybody takes, where nobody says how many.
    pub(crate) turns: u32,
    pub(crate) warm_up: bool,
    pub(crate) scene: fn() -> Scene,
}

const fn case(name: &'static str, turns: u32, scene: fn() -> Scene, about: &'static str) -> Case {
    Case {
        name,
        about,
        turns,
        warm_up: true,
        scene,
    }
}

/// A case that looks for a minute at a time needs no turn before that.
const fn without_warm_up(case: Case) -> Case {
    Case {
        warm_up: false,
        ..case
    }
}

/// All of them.
pub(crate) const CASES: [Case; 20] = [
    case(
        "boot",
        11,
        start::boot,
        "one guest that boots: start to ready, and stop",
    ),
    case(
        "command",
        21,
        start::command,
        "one guest of a single process: start to its first line",
    ),
    case(
        "ten",
        5,
        ten::scene,
        "ten guests that boot: start-all and stop-all",
    ),
    case(
        "status-10",
        21,
        || look::status(10),
        "status of ten that run",
    ),
    case(
        "status-50",
        21,
        || look::status(50),
        "status of fifty that run",
    ),
    case(
        "enter",
        11,
        sessions::enter,
        "a shell in a guest: to its first prompt",
    ),
    case(
        "exec",
        21,
        sessions::exec,
        "a command in a guest: `true`, to its end",
    ),
    case(
        "publish-10",
        9,
        || publish::one_more(10),
        "one more published port beside ten: until it can be connected to",
    ),
    case(
        "publish-100",
        9,
        || publish::one_more(100),
        "one more published port beside a hundred: until it can be connected to",
    ),
    case(
        "apply-1",
        15,
        || look::apply(1),
        "apply with nothing to do, one that runs",
    ),
    case(
        "apply-10",
        15,
        || look::apply(10),
        "apply with nothing to do, ten that run",
    ),
    case(
        "apply-100",
        15,
        || look::apply(100),
        "apply with nothing to do, a hundred that run",
    ),
    case(
        "declared",
        15,
        look::declared,
        "apply with nothing to do, a thousand declared and at rest",
    ),
    case(
        "reload",
        9,
        || publish::reload(50),
        "reload with one change among fifty that run",
    ),
    without_warm_up(case(
        "idle-1",
        3,
        || idle::scene(1),
        "memory and wake-ups, one that runs",
    )),
    without_warm_up(case(
        "idle-10",
        3,
        || idle::scene(10),
        "memory and wake-ups, ten that run",
    )),
    without_warm_up(case(
        "idle-100",
        3,
        || idle::scene(100),
        "memory and wake-ups, a hundred that run",
    )),
    case(
        "throughput",
        5,
        throughput::scene,
        "bytes through the bridge, and through a published port",
    ),
    without_warm_up(case(
        "probes",
        3,
        || probes::scene(100),
        "a hundred that are probed every ten seconds",
    )),
    case(
        "node",
        20,
        node::scene,
        "a node of a GPU that appears, until a guest can open it",
    ),
];
