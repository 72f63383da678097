//! Any declaration: from bytes, so that it shrinks to less, and two that are alike but for some of
//! their bytes differ in those keys alone.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use proptest::prelude::*;

use crate::model::{
    ActionCommand, Bind, Capability, Container, ContainerId, CredentialSource, FileContent,
    GpuChoice, GpuDevices, GpuName, GpuRequest, GpuVendors, Group, Health, InterfaceName, Limits,
    MetricsAddress, Missing, Model, Port, Probe, Program, Protocol, Publish, Reach, Restart,
    RestartPolicy, Root, UserMode,
};

pub(super) const GROUPS: [&str; 3] = ["lab", "data", "research-and-development"];
pub(super) const CONTAINERS: [&str; 3] = ["web", "postgres", "x"];

/// What a byte of a container decides. Those before [`LIVE`] restart a running guest, those from
/// [`AFTER`] on count only when it is started or ends.
const ADDRESS: usize = 0;
const ROOT: usize = 1;
const PROGRAM: usize = 2;
const ENVIRONMENT: usize = 3;
const USERS: usize = 4;
const EPHEMERAL: usize = 5;
const CAPABILITIES: usize = 6;
const BINDS: usize = 7;
const FILES: usize = 8;
const CREDENTIALS: usize = 9;
pub(super) const LIVE: usize = 10;
const TEXTS: usize = 10;
const PORTS: usize = 11;
const PUBLISH: usize = 12;
const LIMITS: usize = 13;
const NAMES: usize = 14;
const AFTER: usize = 15;
const SUPERVISION: usize = 16;
const AUTOSTART: usize = 17;
pub(super) const CONTAINER_BYTES: usize = 18;

/// What a byte of a group decides. Those before [`GROUP_LIVE`] restart its guests.
const SUBNET: usize = 0;
const HOST_ADDRESS: usize = 1;
pub(super) const GROUP_LIVE: usize = 2;
const REACH: usize = 2;
const HOST_PORTS: usize = 3;
const DESCRIPTION: usize = 4;
pub(super) const GROUP_BYTES: usize = 5;

pub(super) type ContainerBytes = [u8; CONTAINER_BYTES];

/// A group that may be declared, and its containers that may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupBytes {
    pub(super) own: [u8; GROUP_BYTES],
    pub(super) containers: [Option<ContainerBytes>; CONTAINERS.len()],
}

/// All that a declaration is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) nameservers: u8,
    pub(super) groups: [Option<GroupBytes>; GROUPS.len()],
}

/// Any declaration.
pub(super) fn bytes() -> impl Strategy<Value = Bytes> {
    let container = proptest::option::weighted(0.5, any::<ContainerBytes>());
    let group = (
        any::<[u8; GROUP_BYTES]>(),
        proptest::array::uniform3(container),
    )
        .prop_map(|(own, containers)| GroupBytes { own, containers });
    let groups = proptest::array::uniform3(proptest::option::weighted(0.6, group));
    (any::<u8>(), groups).prop_map(|(nameservers, groups)| Bytes {
        nameservers,
        groups,
    })
}

/// A change of one byte: where, and to what.
pub(super) type Edit = (proptest::sample::Index, proptest::sample::Index, u8);

pub(super) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    proptest::collection::vec(any::<Edit>(), 1..5)
}

/// The same declaration with some bytes changed of those that `of_group` and `of_container` allow.
pub(super) fn edited(
    bytes: &Bytes,
    edits: &[Edit],
    of_group: std::ops::Range<usize>,
    of_container: std::ops::Range<usize>,
) -> Bytes {
    let mut edited = bytes.clone();
    for (place, which, value) in edits {
        let mut places: Vec<&mut u8> = Vec::new();
        for group in edited.groups.iter_mut().flatten() {
            places.extend(&mut group.own[of_group.clone()]);
            for container in group.containers.iter_mut().flatten() {
                places.extend(&mut container[of_container.clone()]);
            }
        }
        if !places.is_empty() {
            // By two indices, so that one edit after another does not shrink into the same place.
            let index = (place.index(places.len()) + which.index(places.len())) % places.len();
            *places[index] = *value;
        }
    }
    edited
}

/// The model of these bytes.
pub(super) fn model(bytes: &Bytes) -> Model {
    let mut groups = BTreeMap::new();
    for (index, declared) in bytes.groups.iter().enumerate() {
        let Some(declared) = declared else { continue };
        let group = group(bytes, index, declared);
        groups.insert(group.name.clone(), group);
    }
    Model {
        nameservers: pick(bytes.nameservers, &[None, Some(vec![[9, 9, 9, 9].into()])]),
        load_gpu_modules: true,
        metrics: pick(bytes.nameservers >> 1, &METRICS.map(address)),
        groups,
    }
}

/// Places of the endpoint; none for an empty one.
const METRICS: [&str; 3] = ["", "/run/ctr-metrics.sock", "127.0.0.1:9950"];

fn address(place: &str) -> Option<MetricsAddress> {
    match place.parse() {
        Ok(address) => Some(MetricsAddress::Loopback(address)),
        Err(_) if place.is_empty() => None,
        Err(_) => Some(MetricsAddress::Unix(place.into())),
    }
}

fn pick<T: Clone>(byte: u8, from: &[T]) -> T {
    from[usize::from(byte) % from.len()].clone()
}

fn bit(byte: u8, index: u32) -> bool {
    byte >> index & 1 == 1
}

fn id(group: usize, container: usize) -> ContainerId {
    ContainerId {
        group: GROUPS[group].parse().expect("a name"),
        name: CONTAINERS[container].parse().expect("a name"),
    }
}

fn network(group: usize, own: [u8; GROUP_BYTES]) -> [u8; 3] {
    let group = u8::try_from(group).expect("few groups");
    [10, 77, group * 16 + own[SUBNET] % 3]
}

fn group(bytes: &Bytes, index: usize, declared: &GroupBytes) -> Group {
    let own = &declared.own;
    let [a, b, c] = network(index, *own);
    let name = GROUPS[index].parse().expect("a name");
    let containers = declared.containers.iter().enumerate();
    let containers = containers.filter_map(|(number, container)| {
        let container = one_container(bytes, index, number, container.as_ref()?);
        Some((container.id.name.clone(), container))
    });
    Group {
        bridge: InterfaceName::bridge(&name),
        description: pick(own[DESCRIPTION], &["", "a group"]).to_owned(),
        subnet: ipnet::Ipv4Net::new_assert([a, b, c, 0].into(), pick(own[SUBNET] / 3, &[24, 25])),
        host_address: Ipv4Addr::from([a, b, c, pick(own[HOST_ADDRESS], &[1, 10])]),
        reach: reach(bytes, index, own[REACH]),
        host_ports: pick(own[HOST_PORTS], &[vec![], vec![53], vec![53, 11434]]),
        containers: containers.collect(),
        name,
    }
}

/// A group, or one container of it, and never the own one.
fn reach(bytes: &Bytes, own: usize, byte: u8) -> Vec<Reach> {
    let mut targets = Vec::new();
    for (index, group) in bytes.groups.iter().enumerate() {
        let Some(group) = group else { continue };
        if index == own || !bit(byte, u32::try_from(index).expect("few")) {
            continue;
        }
        let first = group.containers.iter().position(Option::is_some);
        targets.push(match first.filter(|_| bit(byte, 4)) {
            Some(first) => Reach::Container(id(index, first)),
            None => Reach::Group(GROUPS[index].parse().expect("a name")),
        });
    }
    targets
}

fn gpu(byte: u8) -> GpuRequest {
    let found = |vendor| GpuChoice::Found {
        vendor,
        devices: GpuDevices::All,
    };
    GpuRequest {
        choice: pick(
            byte,
            &[
                found(GpuVendors::Nvidia),
                found(GpuVendors::Any),
                GpuChoice::Found {
                    vendor: GpuVendors::Nvidia,
                    devices: GpuDevices::These(vec![GpuName::Index(0)]),
                },
                GpuChoice::Cdi(vec!["nvidia.com/gpu=all".parse().expect("a name")]),
            ],
        ),
        optional: bit(byte, 2),
    }
}

fn one_container(bytes: &Bytes, group: usize, number: usize, own: &ContainerBytes) -> Container {
    let id = id(group, number);
    let [a, b, c] = network(group, bytes.groups[group].as_ref().expect("declared").own);
    let number_byte = u8::try_from(number).expect("few containers");
    let users = pick(own[USERS], &[UserMode::Own, UserMode::Host]);
    let root = match own[ROOT] % 5 {
        0 => Root::Tree("/srv/trees/debian".into()),
        1 => Root::Tree("/srv/trees/other".into()),
        2 => Root::Directory(format!("/srv/roots/{}-{}", id.group, id.name).into()),
        3 => Root::Nixos(nixos('0')),
        _ => Root::Nixos(nixos('1')),
    };
    let private = !matches!(root, Root::Directory(_));
    let credentials = credentials(own[CREDENTIALS], &id);
    Container {
        machine: id.machine().expect("short"),
        description: pick(own[NAMES], &["", "a container"]).to_owned(),
        aliases: if bit(own[NAMES], 1) {
            vec![format!("alias-{number}").parse().expect("a name")]
        } else {
            Vec::new()
        },
        address: [a, b, c, 20 + number_byte * 4 + own[ADDRESS] % 3].into(),
        autostart: bit(own[AUTOSTART], 0),
        missing: missing(own[AUTOSTART]),
        program: program(own[PROGRAM], own[ENVIRONMENT]),
        ports: ports(own, group, number, &credentials),
        binds: binds(own[BINDS], &id, users),
        files: files(own),
        credentials,
        after: after(bytes, group, number, own[AFTER]),
        actions: if bit(own[AUTOSTART], 1) {
            let list = ActionCommand {
                command: vec!["ls".to_owned()],
                user: None,
                terminal: bit(own[AUTOSTART], 2),
            };
            BTreeMap::from([("list".to_owned(), list)])
        } else {
            BTreeMap::new()
        },
        start_timeout: Duration::from_secs(pick(own[SUPERVISION], &[90, 120])),
        limits: limits(own[LIMITS]),
        restart: Restart {
            policy: pick(
                own[SUPERVISION] / 2,
                &[
                    RestartPolicy::OnFailure,
                    RestartPolicy::Never,
                    RestartPolicy::Always,
                ],
            ),
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(pick(own[SUPERVISION] / 8, &[60, 300])),
            window: Duration::from_secs(pick(own[SUPERVISION] / 16, &[60, 90])),
            // Not with a policy that never restarts.
            on_unhealthy: bit(own[SUPERVISION], 5) && (own[SUPERVISION] / 2).is_multiple_of(3),
        },
        // With what needs one.
        health: bit(own[SUPERVISION], 5).then(|| health(own[NAMES])),
        gpu: bit(own[EPHEMERAL], 1).then(|| gpu(own[EPHEMERAL] / 4)),
        ephemeral: private && bit(own[EPHEMERAL], 0),
        users,
        capabilities: if users == UserMode::Host && bit(own[CAPABILITIES], 0) {
            [Capability::named("CAP_NET_RAW").expect("one")].into()
        } else {
            [].into()
        },
        root,
        id,
    }
}

/// In few of them, since what is missing is not started.
fn missing(byte: u8) -> Option<Missing> {
    (byte / 16 == 15).then(|| Missing {
        what: "no \"model\"".to_owned(),
        hint: bit(byte, 3).then(|| "set one".to_owned()),
    })
}

fn health(byte: u8) -> Health {
    let probe = match byte / 4 % 4 {
        0 => Probe::Http {
            port: 8080,
            path: "/".to_owned(),
            statuses: pick(byte / 16, &[Vec::new(), vec![200, 204]]),
            host: bit(byte, 5).then(|| "www.example.org".to_owned()),
        },
        1 => Probe::Tcp { port: 5432 },
        _ => Probe::Command {
            command: vec!["true".to_owned()],
            user: bit(byte, 5).then(|| "nobody".to_owned()),
        },
    };
    Health {
        probe,
        interval: Duration::from_secs(pick(byte / 64, &[10, 30])),
        timeout: Duration::from_secs(2),
        start_interval: Duration::from_secs(1),
        failures: pick(u8::from(bit(byte, 7)), &[3, 5]),
        successes: 1,
    }
}

fn nixos(digit: char) -> std::path::PathBuf {
    let hash = digit.to_string().repeat(32);
    format!("/nix/store/{hash}-nixos-system").into()
}

fn program(byte: u8, environment: u8) -> Program {
    let environment: BTreeMap<String, String> = [("LANG", 0), ("A", 1)]
        .into_iter()
        .filter(|(_, index)| bit(environment, *index))
        .map(|(name, _)| (name.to_owned(), format!("value \"{environment}\"")))
        .collect();
    match byte % 4 {
        0 => Program::Command {
            command: vec!["/bin/sleep".to_owned(), "inf".to_owned()],
            user: None,
            environment,
            working_directory: None,
        },
        1 => Program::Command {
            command: vec!["/bin/sleep".to_owned(), "1 \\ \"é\"".to_owned()],
            user: Some("www-data".to_owned()),
            environment,
            working_directory: Some("/srv".into()),
        },
        2 => Program::Boot {
            enable: Vec::new(),
            environment,
        },
        _ => Program::Boot {
            enable: vec!["caddy.service".to_owned()],
            environment,
        },
    }
}

/// Different on every container, so that no two publish the same.
fn ports(
    own: &ContainerBytes,
    group: usize,
    number: usize,
    credentials: &BTreeMap<crate::model::CredentialId, CredentialSource>,
) -> Vec<Port> {
    let base = u16::try_from(20_000 + group * 1000 + number * 100).expect("a port");
    let some = [
        (80, Protocol::Tcp),
        (80, Protocol::Udp),
        (443, Protocol::Tcp),
    ];
    let mut ports = Vec::new();
    for (index, (port, protocol)) in (0_u16..).zip(some) {
        if !bit(own[PORTS], index.into()) {
            continue;
        }
        let publish = bit(own[PUBLISH], index.into()).then(|| Publish {
            host_port: base + index + if bit(own[PUBLISH], 3) { 50 } else { 0 },
            address: bit(own[PUBLISH], 4).then_some(Ipv4Addr::LOCALHOST),
        });
        let url = protocol == Protocol::Tcp && bit(own[PORTS], 3);
        ports.push(Port {
            port,
            protocol,
            url: url.then(|| "http".to_owned()),
            token: credentials.keys().next().filter(|_| url).cloned(),
            publish,
        });
    }
    ports
}

fn binds(byte: u8, id: &ContainerId, users: UserMode) -> Vec<Bind> {
    let owned = users == UserMode::Own && bit(byte, 4);
    let bind = |index: u32| Bind {
        host: format!("/srv/data/{}-{}/{index}", id.group, id.name).into(),
        guest: format!("/mnt/{index}").into(),
        read_only: bit(byte, 2),
        create: bit(byte, 3),
        data: index == 1,
        owner: owned.then(|| "33".to_owned()),
        host_owner: (owned && bit(byte, 5)).then(|| "alice".to_owned()),
    };
    (0..2).filter(|index| bit(byte, *index)).map(bind).collect()
}

fn files(own: &ContainerBytes) -> BTreeMap<std::path::PathBuf, FileContent> {
    let content = FileContent {
        text: pick(own[TEXTS], &["", "hello\n", "\"\"\"é\\\n'''\n"]).to_owned(),
        mode: pick(own[TEXTS] / 3, &[0o644, 0o600]),
    };
    ["/etc/motd", "/etc/a b"]
        .into_iter()
        .zip(0..)
        .filter(|(_, index)| bit(own[FILES], *index))
        .map(|(path, _)| (path.into(), content.clone()))
        .collect()
}

fn credentials(
    byte: u8,
    id: &ContainerId,
) -> BTreeMap<crate::model::CredentialId, CredentialSource> {
    let file = format!("/run/secrets/{}-{}", id.group, id.name);
    [
        ("db password=1", CredentialSource::File(file.into())),
        ("token", CredentialSource::Generated),
    ]
    .into_iter()
    .zip(0..)
    .filter(|(_, index)| bit(byte, *index))
    .map(|((name, source), _)| (name.parse().expect("a name"), source))
    .collect()
}

/// Only those before it, so that there is no circle.
fn after(bytes: &Bytes, group: usize, number: usize, byte: u8) -> Vec<ContainerId> {
    let before = (0..=group).flat_map(|g| (0..CONTAINERS.len()).map(move |c| (g, c)));
    before
        .take_while(|at| *at != (group, number))
        .filter(|(g, c)| {
            let group = bytes.groups[*g].as_ref();
            group.is_some_and(|group| group.containers[*c].is_some())
        })
        .zip(0..8)
        .filter(|(_, index)| bit(byte, *index))
        .map(|((g, c), _)| id(g, c))
        .collect()
}

fn limits(byte: u8) -> Limits {
    Limits {
        memory_max: bit(byte, 0).then_some(1 << 30),
        memory_high: bit(byte, 1).then_some(1 << 29),
        milli_cpus: bit(byte, 2).then_some(1500),
        cpu_weight: bit(byte, 3).then_some(50),
        tasks_max: bit(byte, 4).then_some(256),
    }
}
