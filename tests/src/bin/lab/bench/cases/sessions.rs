//! A process in a guest that runs: a shell on a terminal, or one command.

use crate::bench::OURS;
use crate::bench::goal::{ENTER, EXEC, MACHINECTL_SHELL, PODMAN_EXEC};
use crate::bench::peers::{podman_options, podman_storage};
use crate::bench::plan::{Contender, Step, Until};
use crate::bench::scene::{Kind, Scene, Work, containers};

use super::look::until_all_run;

/// All enter guests of the same tree; those of ctr and machinectl are one and the same guest, which boots.
pub(crate) fn enter() -> Scene {
    scene(ENTER, |who, words| Contender {
        who,
        steps: vec![Step::prompt(ENTER, words[0])],
        ..Contender::default()
    })
}

/// The same for a command that does nothing.
pub(crate) fn exec() -> Scene {
    scene(EXEC, |who, words| Contender {
        who,
        steps: vec![Step::time(EXEC, words[1], Until::End)],
        ..Contender::default()
    })
}

fn scene(work: &str, contender: fn(&'static str, [&str; 2]) -> Contender) -> Scene {
    let run = podman_options("runs", "");
    let mut podman = contender(
        PODMAN_EXEC,
        [
            "podman exec --interactive --tty runs bash",
            "podman exec runs true",
        ],
    );
    podman.prepare = podman_storage() + &format!("podman run --detach {run} sleep infinity");
    podman.finish.push_str("podman rm --force --time 0 runs");
    Scene {
        declaration: containers(1, Kind::BootsByItself),
        prepare: until_all_run(),
        works: vec![Work::seconds(work)],
        contenders: vec![
            contender(OURS, ["ctr g0 enter c0", "ctr g0 exec c0 -- true"]),
            contender(
                MACHINECTL_SHELL,
                [
                    "machinectl shell g0-c0",
                    "machinectl shell g0-c0 /usr/bin/true",
                ],
            ),
            contender(
                "systemd-run --machine",
                [
                    "systemd-run --quiet --machine=g0-c0 --pty --wait bash",
                    "systemd-run --quiet --machine=g0-c0 --pipe --wait true",
                ],
            ),
            podman,
        ],
        ..Scene::default()
    }
}
