//! One guest, from the command to ready, and its stop.
//!
//! A guest that boots is ready when its systemd says READY, which all of these wait for. `machinectl stop` does not wait
//! for the end, so the unit's is waited for. A guest of a single process is ready when a line of that process
//! arrives; what its stop takes depends on the process, and is not measured.

use crate::bench::OURS;
use crate::bench::goal::{BOOT, COMMAND, MACHINECTL, PODMAN, RAW_NSPAWN};
use crate::bench::peers::{
    namespace, nspawn, nspawn_files, nspawn_shared, podman_options, podman_storage, trees,
};
use crate::bench::plan::{Contender, Step, Until};
use crate::bench::scene::{Kind, Scene, Work, containers};

const STOP: &str = "booted guest, stop";
const SYSTEMD_RUN: &str = "systemd-run systemd-nspawn";
const PODMAN_ALONE: &str = "podman, no network";

/// One that boots.
pub(crate) fn boot() -> Scene {
    Scene {
        declaration: containers(1, Kind::Boots),
        prepare: namespace("raw"),
        works: [BOOT, STOP].map(Work::seconds).into(),
        contenders: vec![
            Contender {
                who: OURS,
                steps: started_and_stopped("ctr g0 start c0", "ctr g0 stop c0"),
                ..Contender::default()
            },
            machinectl(),
            systemd_run(),
            raw_nspawn(),
            podman_boot(),
        ],
        ..Scene::default()
    }
}

fn started_and_stopped(start: &str, stop: &str) -> Vec<Step> {
    let start = Step::time(BOOT, start, Until::End);
    vec![start, Step::time(STOP, stop, Until::End)]
}

fn machinectl() -> Contender {
    let names = ["stock".to_owned()];
    let stop = "systemctl stop systemd-nspawn@stock.service";
    Contender {
        who: MACHINECTL,
        prepare: trees(&names) + &nspawn_files(&names),
        steps: started_and_stopped("machinectl start stock", stop),
        finish: stop.to_owned(),
    }
}

fn systemd_run() -> Contender {
    let boot = nspawn(
        "plain",
        "--keep-unit --boot --notify-ready=yes --network-veth",
    );
    let start = format!(
        "systemd-run --quiet --collect --unit=plain --service-type=notify --property=KillMode=mixed {boot}"
    );
    let stop = "systemctl stop plain.service";
    Contender {
        who: SYSTEMD_RUN,
        prepare: trees(&["plain".to_owned()]),
        steps: started_and_stopped(&start, stop),
        finish: stop.to_owned(),
    }
}

fn raw_nspawn() -> Contender {
    let boot = nspawn("raw", "--boot --notify-ready=yes");
    let start = format!("nsenter --net=/run/netns/raw {boot}");
    let start = Step::time(BOOT, &start, Until::Ready).stays();
    let work = Some(STOP.to_owned());
    Contender {
        who: RAW_NSPAWN,
        prepare: trees(&["raw".to_owned()]),
        steps: vec![start, Step::End { work }],
        ..Contender::default()
    }
}

fn podman_boot() -> Contender {
    let options = podman_options("boots", "--systemd=always --sdnotify=container");
    let start = format!("podman run --detach {options} /lib/systemd/systemd");
    Contender {
        who: PODMAN,
        prepare: podman_storage(),
        steps: vec![
            Step::time(BOOT, &start, Until::Ready),
            Step::time(STOP, "podman stop boots", Until::End),
            Step::quietly("podman rm --force --time 0 boots"),
        ],
        finish: "podman rm --force --time 0 boots".to_owned(),
    }
}

/// One of a single process.
pub(crate) fn command() -> Scene {
    let ours = Contender {
        who: OURS,
        steps: vec![
            Step::time(COMMAND, "ctr g0 start c0", Until::Line),
            Step::quietly("ctr g0 stop c0"),
        ],
        ..Contender::default()
    };
    Scene {
        declaration: containers(1, Kind::Sends),
        prepare: namespace("raw"),
        works: vec![Work::seconds(COMMAND)],
        contenders: vec![
            ours,
            podman_command(PODMAN, "sends", ""),
            podman_command(PODMAN_ALONE, "alone", "--network=none"),
            raw_command(),
            plain_command(),
        ],
        ..Scene::default()
    }
}

fn podman_command(who: &'static str, name: &str, network: &str) -> Contender {
    let options = podman_options(name, network);
    let command: Vec<String> = quoted(Kind::Sends.command());
    let create = format!("podman create {options} {}", command.join(" "));
    Contender {
        who,
        prepare: podman_storage() + &create,
        steps: vec![
            Step::time(COMMAND, &format!("podman start {name}"), Until::Line),
            Step::quietly(format!("podman stop --time 0 {name}")),
        ],
        finish: format!("podman rm --force --time 0 {name}"),
    }
}

/// Words for a shell.
fn quoted(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| format!("'{word}'")).collect()
}

/// The words of a command that has spaces in one of its own.
fn with_command(words: &str, command: &[&str]) -> Vec<String> {
    let words = words.split_whitespace().chain(command.iter().copied());
    words.map(str::to_owned).collect()
}

fn raw_command() -> Contender {
    let nspawn = nspawn("raw", &format!("--as-pid2 {}", nspawn_shared()));
    let start = format!("nsenter --net=/run/netns/raw {nspawn}");
    let words = with_command(&start, Kind::Sends.command());
    Contender {
        who: RAW_NSPAWN,
        prepare: trees(&["raw".to_owned()]),
        steps: vec![
            Step::time_words(COMMAND, words, Until::Line).stays(),
            Step::End { work: None },
        ],
        ..Contender::default()
    }
}

fn plain_command() -> Contender {
    let options = format!("--keep-unit --as-pid2 --network-veth {}", nspawn_shared());
    let nspawn = nspawn("plain", &options);
    let start = format!(
        "systemd-run --quiet --collect --unit=plain --service-type=notify --property=KillMode=mixed {nspawn}"
    );
    let words = with_command(&start, Kind::Sends.command());
    Contender {
        who: SYSTEMD_RUN,
        prepare: trees(&["plain".to_owned()]),
        steps: vec![
            Step::time_words(COMMAND, words, Until::Line),
            Step::quietly("systemctl stop plain.service"),
        ],
        finish: "systemctl stop plain.service".to_owned(),
    }
}
