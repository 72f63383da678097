//! One more published port of a guest that runs, and one change among many.

use crate::bench::OURS;
use crate::bench::peers::{podman_options, podman_storage};
use crate::bench::plan::{Contender, Step, Until};
use crate::bench::scene::{Kind, Scene, Work, containers, with_port};

use super::look::until_all_run;

const PODMAN_ANEW: &str = "podman, the container made anew";

/// Bash that keeps two declarations: with one more port, and without.
fn two_declarations(declaration: &str) -> String {
    let more = with_port(declaration, 30_000);
    format!(
        "cp /etc/ctr/containers.toml /root/before.toml
        cat >/root/after.toml <<'END'\n{more}END\n"
    )
}

/// Beside so many that run. podman cannot publish on a container that runs, and has to make another.
pub(crate) fn one_more(count: usize) -> Scene {
    let declaration = containers(count, Kind::Listens);
    let work = format!("one more published port beside {count}, until it can be connected to");
    let connect = |port: u16| Until::Connect(format!("192.0.2.2:{port}"));
    let ours = Contender {
        who: OURS,
        steps: vec![
            Step::quietly("cp /root/after.toml /etc/ctr/containers.toml"),
            Step::time(&work, "ctr apply", connect(30_000)),
            Step::quietly("cp /root/before.toml /etc/ctr/containers.toml; ctr apply"),
        ],
        ..Contender::default()
    };
    let listens = Kind::Listens.command().join(" ");
    let run = |more: &str| {
        let options = podman_options("serves", more);
        format!("podman run --detach {options} {listens}")
    };
    let anew = format!(
        "podman rm --force --time 0 serves && {}",
        run("--publish 30001:8080")
    );
    let podman = Contender {
        who: PODMAN_ANEW,
        prepare: podman_storage() + &run(""),
        steps: vec![
            Step::time_bash(&work, &anew, connect(30_001)),
            Step::quietly(format!("podman rm --force --time 0 serves; {}", run(""))),
        ],
        finish: "podman rm --force --time 0 serves".to_owned(),
    };
    Scene {
        prepare: two_declarations(&declaration) + &until_all_run(),
        declaration,
        works: vec![Work::seconds(&work)],
        contenders: vec![ours, podman],
        ..Scene::default()
    }
}

/// A reload that finds one more port among so many that run, which the guest does not notice.
pub(crate) fn reload(count: usize) -> Scene {
    let declaration = containers(count, Kind::Sleeps);
    let work = format!("reload, one change among {count}");
    let reload = |file: &str| {
        [
            Step::quietly(format!("cp /root/{file}.toml /etc/ctr/containers.toml")),
            Step::time(&work, "systemctl reload ctrd", Until::End),
        ]
    };
    let ours = Contender {
        who: OURS,
        steps: ["after", "before"].into_iter().flat_map(reload).collect(),
        ..Contender::default()
    };
    Scene {
        prepare: two_declarations(&declaration) + &until_all_run(),
        declaration,
        works: vec![Work::seconds(&work)],
        contenders: vec![ours],
        ..Scene::default()
    }
}
