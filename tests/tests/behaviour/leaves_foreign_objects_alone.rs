//! What ctr did not make it does not touch, not even where it stands in the way: then the group or
//! the container fails with the reason, and the rest runs.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::host_status;
use crate::talk::{SOON, answering, answers, apply, boot, declaration, difference, group};

/// Somebody else's, some of it in the way of the containers below.
const THEIRS: &str = include_str!("theirs.sh");

/// A container that cannot be, and why.
const IN_THE_WAY: [(&str, &str); 7] = [
    (
        "red-netns",
        "the network namespace ctr-red-netns exists and ctr did not make it",
    ),
    (
        "red-machine",
        "the machine name red-machine belongs to their-machine.service",
    ),
    ("red-unit", "ctr-red-unit.service"),
    ("red-port", "a program of the host listens on 0.0.0.0:18080"),
    (
        "bridge-web",
        "br-bridge belongs to a bridge interface that ctr did not make",
    ),
    (
        "address-web",
        "10.77.4.1 is already on the interface docker0",
    ),
    (
        "subnet-web",
        "overlaps with 10.77.5.128/25, which the interface theirs0 leads to",
    ),
];

/// Every one of them as it is, down to the addresses, the counters of the unit and the PIDs.
const LOOK: &str = "
    nft list table ip theirs; nft list table bridge theirs
    for link in br-bridge docker0 veth-a veth-b theirs0; do
        ip -details link show $link | sed 's/[a-z]*_timer *[0-9.]*//g'; ip -o -4 address show $link
    done
    ip netns | grep -E '^(theirs|ctr-red-netns)'; ip -n ctr-red-netns -o link
    systemctl show -p ActiveState,MainPID,InvocationID,Slice ctr-theirs ctr-red-unit their-machine
    machinectl show -p Name,Leader,Unit,State red-machine
";

#[test]
fn leaves_foreign_objects_alone() {
    let red = [group("red", 1, ""), answering("red/one", "10.77.1.11", "")];
    let host = boot(&declaration(&red));
    host.ok(THEIRS);
    host.until("machinectl show red-machine", SOON);
    let before = host.ok(LOOK);

    let _server = host.spawn("python3 /srv/talk.py serve host 18080");
    host.until("nc -z 127.0.0.1 18080", SOON);
    let publish = "ports = [{ port = 8080, publish = { host-port = 18080 } }]";
    let in_the_way = [
        answering("red/netns", "10.77.1.12", ""),
        answering("red/machine", "10.77.1.13", ""),
        answering("red/port", "10.77.1.14", publish),
        answering("red/unit", "10.77.1.16", ""),
        answering("red/two", "10.77.1.15", ""),
        group("bridge", 3, ""),
        answering("bridge/web", "10.77.3.11", ""),
        group("address", 4, ""),
        answering("address/web", "10.77.4.11", ""),
        group("subnet", 5, ""),
        answering("subnet/web", "10.77.5.11", ""),
        group("blue", 6, ""),
        answering("blue/web", "10.77.6.11", ""),
    ];
    host.write(
        "/etc/ctr/containers.toml",
        declaration(&[red.concat(), in_the_way.concat()]),
    );
    host.run("ctr apply");
    host.run("ctr start-all --timeout 20s");
    for (machine, reason) in IN_THE_WAY {
        let (state, why) = state_of(&host, machine);
        assert!(
            state == State::Failed && why.contains(reason),
            "{machine}: {state:?}, {why}"
        );
    }
    let running = [
        "tcp/10.77.1.11/8080",
        "tcp/10.77.1.15/8080",
        "tcp/10.77.6.11/8080",
    ];
    host.until("nc -z 10.77.1.15 8080 && nc -z 10.77.6.11 8080", SOON);
    assert!(
        answers(&host, &running)
            .iter()
            .all(|answer| answer.contains(" sees "))
    );
    assert_untouched(&host, &before);

    // What stood in the way has gone: the container starts when asked.
    host.ok("ip address del 10.77.5.200/25 dev theirs0 && ctr subnet start web --timeout 30s");
    host.ok("ip address add 10.77.5.200/25 dev theirs0");

    apply(&host, &declaration(&[red.concat()]));
    assert_untouched(&host, &before);
    host.ok("ctr restart-all --timeout 30s");
    assert_untouched(&host, &before);
    host.ok("ctr down --yes");
    assert_untouched(&host, &before);
    host.fails("ip link show br-red");
}

#[track_caller]
fn assert_untouched(host: &Host, before: &str) {
    assert_eq!(difference(before, &host.ok(LOOK)), [""; 0]);
}

#[track_caller]
fn state_of(host: &Host, machine: &str) -> (State, String) {
    let groups = host_status(host).groups;
    let container = groups
        .into_iter()
        .flat_map(|group| group.containers)
        .find(|it| it.machine == machine);
    let container = container.expect("a declared container");
    (container.state, container.reason.unwrap_or_default())
}
