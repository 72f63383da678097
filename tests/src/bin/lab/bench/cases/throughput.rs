//! Bytes through the bridge to a guest, and from another machine through a published port.

use crate::bench::OURS;
use crate::bench::figures::Unit;
use crate::bench::goal::{PODMAN, PUBLISHED};
use crate::bench::peers::{podman_options, podman_storage};
use crate::bench::plan::{Contender, Step};
use crate::bench::scene::{Kind, Scene, Work, containers};

use super::look::until_all_run;

const BRIDGE: &str = "throughput of the bridge, from the host";

/// Another machine, by a cable of its own.
const NEIGHBOUR: &str = "ip netns add neighbour
ip link add near type veth peer name far netns neighbour
ip address add 203.0.113.1/24 dev near
ip link set near up
ip -n neighbour address add 203.0.113.2/24 dev far
ip -n neighbour link set lo up
ip -n neighbour link set far up
ip -n neighbour route add default via 203.0.113.1
";

fn measured(work: &str, client: &str) -> Step {
    let text = format!(
        "{client} --json --time 2 | python3 -c '\
         import json, sys; print(json.load(sys.stdin)[\"end\"][\"sum_received\"][\"bits_per_second\"] / 8)'"
    );
    let works = vec![work.to_owned()];
    Step::Figures { works, text }
}

/// One stream of TCP each, for two seconds.
pub(crate) fn scene() -> Scene {
    let through = |address: &str, port: u16| {
        let outside = "ip netns exec neighbour iperf3 --client 203.0.113.1";
        vec![
            measured(BRIDGE, &format!("iperf3 --client {address}")),
            measured(PUBLISHED, &format!("{outside} --port {port}")),
        ]
    };
    let serve = Kind::MeasuresThroughput.command().join(" ");
    let options = podman_options(
        "serves",
        "--publish 20001:5201 --network podman:ip=10.88.0.77",
    );
    Scene {
        declaration: containers(1, Kind::MeasuresThroughput),
        prepare: NEIGHBOUR.to_owned() + &until_all_run(),
        works: [BRIDGE, PUBLISHED]
            .map(|work| Work::new(work, Unit::BytesPerSecond))
            .into(),
        contenders: vec![
            Contender {
                who: OURS,
                steps: through("10.77.0.11", 20_000),
                ..Contender::default()
            },
            Contender {
                who: PODMAN,
                prepare: podman_storage() + &format!("podman run --detach {options} {serve}"),
                steps: through("10.88.0.77", 20_001),
                finish: "podman rm --force --time 0 serves".to_owned(),
            },
        ],
        ..Scene::default()
    }
}
