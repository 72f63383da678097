//! A world of its own for a test: a network and a mount namespace that end with it.
//!
//! The test runs itself once more under `unshare(1)`, with an empty `/run`, so that nothing of the
//! machine is seen or changed. It needs root, util-linux, iproute2 and nftables, and fails without
//! them.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test program uses its own part of this"
)]

use std::collections::BTreeMap;
use std::env;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use ctrd::firewall::{Desired, Firewall};
use ctrd::model::{
    Container, ContainerId, Group, InterfaceName, Limits, Model, Port, Program, Protocol, Publish,
    Reach, Restart, RestartPolicy, Root, UserMode,
};
use ctrd::network::{Attachment, Bridge, MacAddress, Network, Step, plan_container, plan_group};
use ctrd::os::Paths;
use nix::sched::{CloneFlags, setns};

/// Set in the run that has a world.
const MARK: &str = "CTR_TEST_WORLD";
/// Another nft than the machine's.
const NFT: &str = "CTR_TEST_NFT";
/// How long a packet may take that is expected to arrive.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one is waited for that is expected to be dropped.
const DROPPED: Duration = Duration::from_millis(400);

/// Runs `test` in a world of its own. `name` is the test's own.
pub fn in_a_world<F: Future<Output = ()>>(name: &str, test: impl FnOnce(World) -> F) {
    if env::var_os(MARK).is_some() {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(async { test(World::new()).await });
        return;
    }
    let program = env::current_exe().expect("the test's own path");
    let own = env::var_os(NFT).and_then(|nft| Some(PathBuf::from(nft).parent()?.to_owned()));
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(own.into_iter().chain(env::split_paths(&path))).expect("a path");
    let status = Command::new("unshare")
        .args(["--net", "--mount", "--propagation", "private", "--"])
        .arg(program)
        .args(["--exact", name, "--nocapture", "--test-threads", "1"])
        .env(MARK, "1")
        .env("PATH", path)
        .status()
        .expect("unshare runs: install util-linux");
    assert!(
        status.success(),
        "{name} failed in its world; without the right to make one, run the tests as root"
    );
}

/// A host with an uplink to a LAN, and ctr's network and firewall on it.
pub struct World {
    pub paths: Paths,
    pub network: Network,
    pub firewall: Firewall,
}

/// The host on the LAN.
pub const HOST_ON_LAN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// Its neighbour.
pub const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

impl World {
    fn new() -> Self {
        for (program, package) in [
            ("mount", "util-linux"),
            ("ip", "iproute2"),
            ("ping", "iputils-ping"),
            ("sysctl", "procps"),
        ] {
            assert!(
                succeeds(&format!("command -v {program}")),
                "install {package}: no {program}"
            );
        }
        run("mount -t tmpfs tmpfs /run");
        run("mkdir -p /run/netns");
        run("ip link set lo up");
        let nft = env::var_os(NFT)
            .map(PathBuf::from)
            .or_else(|| Paths::program("nft"));
        let nft = nft.expect("nft is there: install nftables");
        let paths = Paths {
            nft,
            ..Paths::default()
        };
        let network = Network::start(&paths).expect("the network starts");
        let firewall = Firewall::new(&paths);
        Self {
            paths,
            network,
            firewall,
        }
    }

    /// Gives the host an uplink, `up0`, to the namespace `lan`, which knows a way to the guests.
    pub fn add_lan() {
        run("ip netns add lan");
        run("ip link add up0 type veth peer name lan0 netns lan");
        run(&format!("ip addr add {HOST_ON_LAN}/24 dev up0"));
        run("ip link set up0 up");
        run(&format!("ip -n lan addr add {NEIGHBOUR}/24 dev lan0"));
        run("ip -n lan link set lan0 up");
        run("ip -n lan link set lo up");
        run(&format!(
            "ip -n lan route add 192.168.0.0/16 via {HOST_ON_LAN}"
        ));
    }

    /// The steps between the kernel and what a group wants.
    pub async fn group_steps(&self, group: &Group) -> Vec<Step> {
        let bridge = Bridge::of(group);
        let observed = self
            .network
            .observe_group(&bridge)
            .await
            .expect("the group is read");
        plan_group(&bridge, &observed).expect("no conflict")
    }

    /// The steps between the kernel and what a container wants.
    pub async fn container_steps(&self, group: &Group, container: &Container) -> Vec<Step> {
        let attachment = Attachment::of(group, container);
        let observed = self
            .network
            .observe_container(&attachment)
            .await
            .expect("the container is read");
        plan_container(&attachment, &observed).expect("no conflict")
    }

    pub async fn apply(&self, steps: &[Step]) {
        for step in steps {
            self.network.apply(step).await.unwrap_or_else(|error| {
                panic!(
                    "{error}: {}",
                    std::error::Error::source(&error).expect("a cause")
                )
            });
        }
    }

    /// Makes everything of a model, and sees that nothing is left to do.
    pub async fn converge(&mut self, model: &Model) {
        self.converge_network(model).await;
        let lines = self.firewall.converge(&desired(model)).await;
        lines.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)));
    }

    pub async fn converge_network(&self, model: &Model) {
        for group in model.groups.values() {
            self.apply(&self.group_steps(group).await).await;
            assert_eq!(self.group_steps(group).await, []);
            for container in group.containers.values() {
                self.apply(&self.container_steps(group, container).await)
                    .await;
                assert_eq!(self.container_steps(group, container).await, []);
            }
        }
    }
}

/// All elements of a model.
pub fn desired(model: &Model) -> Desired {
    Desired::of(model, |container| MacAddress::of(&container.machine).0)
}

/// Runs a command in the world; it must succeed.
pub fn run(command: &str) -> String {
    let output = Command::new("sh")
        .args(["-c", command])
        .output()
        .expect("sh runs");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "`{command}` failed: {stdout}{stderr}"
    );
    stdout
}

/// Whether a command succeeds in the world.
pub fn succeeds(command: &str) -> bool {
    Command::new("sh")
        .args(["-c", command])
        .output()
        .expect("sh runs")
        .status
        .success()
}

/// Where a test's packets come from.
#[derive(Debug, Clone)]
pub enum At {
    Host,
    Lan,
    Guest(&'static str),
}

impl At {
    /// Runs `work` on a thread of its own, at this place.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> thread::JoinHandle<T> {
        let path = match self {
            Self::Host => None,
            Self::Lan => Some("/run/netns/lan".to_owned()),
            Self::Guest(machine) => Some(format!("/run/netns/ctr-{machine}")),
        };
        thread::spawn(move || {
            if let Some(path) = path {
                let namespace = std::fs::File::open(Path::new(&path)).expect("a namespace");
                setns(&namespace, CloneFlags::CLONE_NEWNET).expect("the namespace is entered");
            }
            work()
        })
    }

    /// Serves TCP at a port of every address: tells each client who it is.
    pub fn serve(&self, port: u16) {
        let (ready, is_ready) = std::sync::mpsc::channel();
        self.spawn(move || {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("a free port");
            ready.send(()).expect("the test waits");
            for stream in listener.incoming() {
                let mut stream = stream.expect("a client");
                let peer = stream.peer_addr().expect("a peer").ip();
                let _ = write!(stream, "{peer}");
            }
        });
        is_ready.recv().expect("the server is ready");
    }

    /// Serves UDP at a port of every address.
    pub fn serve_udp(&self, port: u16) {
        let (ready, is_ready) = std::sync::mpsc::channel();
        self.spawn(move || {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).expect("a free port");
            ready.send(()).expect("the test waits");
            let mut buffer = [0; 64];
            while let Ok((_, peer)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(peer.ip().to_string().as_bytes(), peer);
            }
        });
        is_ready.recv().expect("the server is ready");
    }

    /// Calls a TCP server; says who the server thinks it was, or `None` where nothing came back.
    fn call(&self, to: (Ipv4Addr, u16), patience: Duration) -> Option<String> {
        let thread = self.spawn(move || {
            let address = SocketAddrV4::new(to.0, to.1).into();
            let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
            stream.set_read_timeout(Some(patience)).expect("a time-out");
            let mut text = String::new();
            stream.read_to_string(&mut text).ok()?;
            Some(text)
        });
        thread.join().expect("the call ends")
    }

    /// Who `to` thinks this is; it must answer.
    pub fn known_as(&self, to: Ipv4Addr, port: u16) -> String {
        self.call((to, port), PATIENCE).unwrap_or_else(|| {
            panic!(
                "{self:?} does not get to {to}:{port}\n{}",
                run("ip -br addr; ip route")
            )
        })
    }

    /// Whether a TCP server answers.
    pub fn reaches(&self, to: Ipv4Addr, port: u16) -> bool {
        self.call((to, port), PATIENCE).is_some()
    }

    /// Whether no TCP server answers.
    pub fn is_cut_off(&self, to: Ipv4Addr, port: u16) -> bool {
        self.call((to, port), DROPPED).is_none()
    }

    /// Whether a UDP server answers.
    pub fn reaches_udp(&self, to: Ipv4Addr, port: u16) -> bool {
        let thread = self.spawn(move || {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a socket");
            socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
            socket.send_to(b"hello", (to, port)).is_ok() && socket.recv(&mut [0; 64]).is_ok()
        });
        thread.join().expect("the call ends")
    }

    /// Runs a command at this place; whether it succeeded.
    pub fn succeeds(&self, command: &str) -> bool {
        match self {
            Self::Host => succeeds(command),
            Self::Lan => succeeds(&format!("ip netns exec lan {command}")),
            Self::Guest(machine) => succeeds(&format!("ip netns exec ctr-{machine} {command}")),
        }
    }

    /// Whether this address answers a ping, of some one after the other.
    ///
    /// Of the first ones some may be lost where nobody was allowed to answer before: the kernel asks
    /// for the link-layer address once a second, and drops what waits for it after the third time
    /// (arp(7), `mcast_solicit` and `retrans_time_ms`).
    pub fn is_answered_by(&self, address: &str) -> bool {
        (0..20).any(|_| self.succeeds(&format!("ping -c 1 -W 1 {address}")))
    }

    /// Runs a command at this place; it must succeed.
    pub fn run(&self, command: &str) {
        assert!(self.succeeds(command), "`{command}` failed at {self:?}");
    }

    /// A connection that stays open.
    pub fn connect(&self, to: Ipv4Addr, port: u16) -> TcpStream {
        let thread = self.spawn(move || {
            let stream = TcpStream::connect_timeout(&SocketAddrV4::new(to, port).into(), PATIENCE);
            let stream = stream.expect("a connection");
            stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
            stream
        });
        thread.join().expect("the call ends")
    }
}

pub fn ml(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 200, last)
}

pub fn dev(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 210, last)
}

/// Two groups, `ml` with ollama and jupyter, `dev` with postgres. Nothing published, nothing
/// reached.
pub fn model() -> Model {
    let mut model = Model::default();
    for (name, subnet) in [("ml", ml(0)), ("dev", dev(0))] {
        let [a, b, c, _] = subnet.octets();
        let group = Group {
            name: name.parse().expect("a name"),
            description: String::new(),
            subnet: format!("{subnet}/24").parse().expect("a subnet"),
            host_address: Ipv4Addr::new(a, b, c, 10),
            bridge: InterfaceName::bridge(&name.parse().expect("a name")),
            reach: Vec::new(),
            host_ports: Vec::new(),
            containers: BTreeMap::new(),
        };
        model.groups.insert(group.name.clone(), group);
    }
    add(&mut model, "ml", "ollama", ml(11), &[port(11434)]);
    add(&mut model, "ml", "jupyter", ml(12), &[port(8888)]);
    add(&mut model, "dev", "postgres", dev(15), &[port(5432)]);
    model
}

pub fn group<'a>(model: &'a mut Model, name: &str) -> &'a mut Group {
    model
        .groups
        .get_mut(&name.parse().expect("a name"))
        .expect("a group")
}

pub fn container<'a>(model: &'a mut Model, name: &str, of: &str) -> &'a mut Container {
    let group = group(model, of);
    group
        .containers
        .get_mut(&name.parse().expect("a name"))
        .expect("a container")
}

pub fn port(port: u16) -> Port {
    Port {
        port,
        protocol: Protocol::Tcp,
        url: None,
        token: None,
        publish: None,
    }
}

pub fn udp(number: u16) -> Port {
    Port {
        protocol: Protocol::Udp,
        ..port(number)
    }
}

pub fn published(port: Port, host_port: u16, address: Option<Ipv4Addr>) -> Port {
    Port {
        publish: Some(Publish { host_port, address }),
        ..port
    }
}

pub fn reach_group(name: &str) -> Reach {
    Reach::Group(name.parse().expect("a name"))
}

pub fn add(model: &mut Model, of: &str, name: &str, address: Ipv4Addr, ports: &[Port]) {
    let id = ContainerId {
        group: of.parse().expect("a name"),
        name: name.parse().expect("a name"),
    };
    let container = Container {
        machine: id.machine().expect("a short name"),
        description: String::new(),
        aliases: Vec::new(),
        address,
        autostart: true,
        missing: None,
        root: Root::Tree("/srv/base".into()),
        program: Program::Boot {
            enable: Vec::new(),
            environment: BTreeMap::new(),
        },
        ports: ports.to_vec(),
        binds: Vec::new(),
        files: BTreeMap::new(),
        credentials: BTreeMap::new(),
        after: Vec::new(),
        actions: BTreeMap::new(),
        start_timeout: Duration::from_secs(90),
        limits: Limits::default(),
        restart: Restart {
            policy: RestartPolicy::OnFailure,
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(60),
            window: Duration::from_secs(60),
            on_unhealthy: false,
        },
        health: None,
        gpu: None,
        ephemeral: false,
        users: UserMode::Own,
        capabilities: std::collections::BTreeSet::new(),
        id,
    };
    group(model, of)
        .containers
        .insert(container.id.name.clone(), container);
}
