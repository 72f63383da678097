//! A `ctrd` that keeps the contract and nothing else, on a bus of its own.

#![allow(
    clippy::unused_self,
    reason = "a method on the bus belongs to an object"
)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, ErrorKind, PipeWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ctr_api::events::{ContainerEvent, Event, Why};
use ctr_api::wire::{
    Action, ApplyReport, ContainerPlan, ContainerStatus, ContainersRequest, CredentialStatus,
    DeclarationStatus, DownReport, Gpu, GpuFinding, GpuSeverity, GroupStatus, HostStatus, Leftover,
    Leftovers, Limits, Outcome, PlanView, PortStatus, PruneReport, RequestReport, State, Verb,
};
use ctr_api::{
    BUS_NAME, CONTAINER_INTERFACE, Dict, Error, MANAGER_PATH, container_path, from_dict, to_dict,
};
use tokio::sync::oneshot;
use zbus::{Connection, Variant, interface};

const BUS_CONFIG: &str = r#"<busconfig>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"#;

/// A private bus.
pub(crate) struct Bus {
    daemon: Child,
    pub(crate) address: String,
    _directory: tempfile::TempDir,
}

impl Bus {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let config = directory.path().join("bus.conf");
        std::fs::write(&config, BUS_CONFIG).expect("a file in it");
        let mut daemon = spawn_daemon(&config);
        let stdout = daemon.stdout.take().expect("a pipe");
        let mut address = String::new();
        BufReader::new(stdout)
            .read_line(&mut address)
            .expect("the address of the bus");
        Self {
            daemon,
            address: address.trim().to_owned(),
            _directory: directory,
        }
    }
}

fn spawn_daemon(config: &Path) -> Child {
    let spawned = Command::new("dbus-daemon")
        .arg(format!("--config-file={}", config.display()))
        .args(["--nofork", "--print-address=1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("dbus-daemon is not installed: `apt-get install dbus`")
        }
        Err(error) => panic!("dbus-daemon: {error}"),
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// The daemon; it leaves the bus when this is dropped.
pub(crate) struct Fake {
    pub(crate) bus: Bus,
    leave: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let bus = Bus::start();
        let address = bus.address.clone();
        let (leave, left) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async {
                let connection = serve(&address).await.expect("the fake is served");
                ready.send(()).expect("somebody waits for it");
                let _ = left.await;
                connection.close().await.expect("the bus is still there");
            });
        });
        is_ready
            .recv_timeout(Duration::from_secs(20))
            .expect("the fake is up");
        Self {
            bus,
            leave: Some(leave),
            thread: Some(thread),
        }
    }

    /// Leaves the bus as a daemon that is stopped does.
    pub(crate) fn leave(&mut self) {
        if let Some(leave) = self.leave.take() {
            let _ = leave.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.leave();
    }
}

async fn serve(address: &str) -> zbus::Result<Connection> {
    let world = World(Arc::new(Mutex::new(host())), Arc::default());
    let mut builder = zbus::connection::Builder::address(address).serve_at(
        MANAGER_PATH,
        Manager {
            world: world.clone(),
        },
    );
    for name in NAMES {
        let container = Container {
            name,
            world: world.clone(),
        };
        builder = builder.serve_at(container_path("lab", name), container);
    }
    builder.name(BUS_NAME).build().await
}

/// Runs; is stopped and starts in a moment; cannot start; is done at once; never gets there.
const NAMES: [&str; 5] = ["hello", "slow", "broken", "flash", "stuck"];

/// Shown as 12h30m for the next minute, which no test lasts.
static UP_SINCE_MS: LazyLock<u64> = LazyLock::new(|| {
    let up = Duration::from_secs(12 * 3600 + 30 * 60 + 1);
    let since = (SystemTime::now() - up).duration_since(UNIX_EPOCH);
    u64::try_from(since.expect("after 1970").as_millis()).expect("milliseconds fit")
});

pub(crate) fn host() -> HostStatus {
    let mut containers: Vec<_> = NAMES.iter().map(|name| container(name)).collect();
    containers[0].state = State::Running;
    containers[0].up_since_ms = Some(*UP_SINCE_MS);
    containers[0].leader = Some(4242);
    containers[0].ports[0].token = Some("token".to_owned());
    containers[0].credentials = vec![
        CredentialStatus {
            id: "token".to_owned(),
            ..CredentialStatus::default()
        },
        CredentialStatus {
            id: "key".to_owned(),
            path: Some("/etc/keys/web.pem".to_owned()),
            ..CredentialStatus::default()
        },
    ];
    containers[1].aliases = vec!["sl".to_owned()];
    HostStatus {
        version: "9.9.9".to_owned(),
        declaration: DeclarationStatus {
            path: "/etc/ctr/containers.toml".to_owned(),
            loaded_ms: 1,
            differs: true,
            problems: vec![],
        },
        unread: None,
        metrics: None,
        groups: vec![GroupStatus {
            name: "lab".to_owned(),
            subnet: "10.77.3.0/24".to_owned(),
            host_address: "10.77.3.10".to_owned(),
            bridge: "br-lab".to_owned(),
            problem: None,
            hint: None,
            next_try_ms: None,
            obstacles: vec![],
            containers,
        }],
        leaving: vec![],
    }
}

fn container(name: &str) -> ContainerStatus {
    ContainerStatus {
        group: "lab".to_owned(),
        name: name.to_owned(),
        aliases: vec![],
        machine: format!("lab-{name}"),
        machine_id: String::new(),
        description: String::new(),
        address: "10.77.3.11".to_owned(),
        ports: vec![PortStatus {
            port: 8080,
            protocol: "tcp".to_owned(),
            url: Some("http".to_owned()),
            token: None,
            published: None,
        }],
        autostart: true,
        state: State::Stopped,
        reason: None,
        hint: None,
        waits_for: Vec::new(),
        missing: None,
        lacks: None,
        since_ms: 1000,
        next_try_ms: None,
        failed_tries: 0,
        restarts: 0,
        last_exit: None,
        health: None,
        up_since_ms: None,
        start_usec: None,
        last_exit_ms: None,
        unit: format!("ctr-lab-{name}.service"),
        leader: None,
        usage: None,
        gpus: vec![],
        gpu_memory: None,
        gpu_utilisation: None,
        limits: Limits::default(),
        root: "tree /var/lib/machines/debian".to_owned(),
        users: "own (524288..589823)".to_owned(),
        binds: vec![],
        credentials: vec![],
        actions: vec![],
        obstacles: vec![],
    }
}

#[derive(Clone)]
struct World(Arc<Mutex<HostStatus>>, Arc<Mutex<Vec<PipeWriter>>>);

impl World {
    fn host(&self) -> MutexGuard<'_, HostStatus> {
        self.0.lock().expect("no test panics while it holds this")
    }

    /// Says to all who follow what happens.
    fn say(&self, event: &Event) {
        let mut line = serde_json::to_string(event).expect("text");
        line.push('\n');
        let mut writers = self.1.lock().expect("no test panics while it holds this");
        writers.retain_mut(|writer| writer.write_all(line.as_bytes()).is_ok());
    }

    /// Changes a state and says so, with whole values.
    async fn enter(&self, name: &str, state: State, reason: Option<&str>, bus: &Connection) {
        let changed = {
            let mut host = self.host();
            let containers = &mut host.groups[0].containers;
            let it = containers
                .iter_mut()
                .find(|it| it.name == name)
                .expect("declared");
            it.state = state;
            it.since_ms += 1;
            it.reason = reason.map(str::to_owned);
            it.hint = reason.map(|_| "make the tree".to_owned());
            self.say(&Event::Changed(event(it)));
            HashMap::from([
                ("State", Variant::from(state.as_str())),
                (
                    "Reason",
                    Variant::from(reason.unwrap_or_default().to_owned()),
                ),
                ("Since", Variant::from(it.since_ms)),
            ])
        };
        let body = (CONTAINER_INTERFACE, changed, Vec::<String>::new());
        let interface = "org.freedesktop.DBus.Properties";
        let path = container_path("lab", name);
        bus.emit_signal(None::<&str>, path, interface, "PropertiesChanged", &body)
            .await
            .expect("the bus takes signals");
    }
}

struct Manager {
    world: World,
}

#[interface(name = "org.kernelcore.Containers1.Manager")]
impl Manager {
    fn status(&self) -> Result<Dict, Error> {
        answer(&*self.world.host())
    }

    fn plan(&self, name: &str, bytes: &[u8]) -> Result<Dict, Error> {
        let action = match bytes {
            b"bad" => {
                let text = format!("error: unknown key `adress`\n --> {name}:1:1\n");
                return Err(Error::BadDeclaration(text));
            }
            b"new" => Action::Restart,
            _ => Action::Nothing,
        };
        answer(&plan(action))
    }

    fn apply(&self) -> Result<Dict, Error> {
        answer(&ApplyReport {
            plan: plan(Action::Nothing),
            failures: vec![],
            waiting: vec![],
        })
    }

    fn down(&self) -> Result<Dict, Error> {
        answer(&DownReport {
            removed: vec!["bridge br-lab".to_owned()],
            data: vec!["/var/lib/ctr/lab-hello".to_owned()],
            failures: vec![],
        })
    }

    fn open_events(&self) -> Result<zbus::OwnedFd, Error> {
        let (reader, writer) = std::io::pipe().map_err(|e| Error::Failed(e.to_string()))?;
        let mut writers = self.world.1.lock().expect("nobody panics with it");
        *writers = vec![writer];
        drop(writers);
        let host = self.world.host();
        let containers = &host.groups[0].containers;
        self.world.say(&Event::Whole {
            why: Why::Begun,
            containers: containers.len(),
        });
        for it in containers {
            self.world.say(&Event::Is(event(it)));
        }
        Ok(std::os::fd::OwnedFd::from(reader).into())
    }

    async fn request(
        &self,
        containers: Vec<(String, String)>,
        options: Dict,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<Dict, Error> {
        let request: ContainersRequest =
            from_dict(&options).map_err(|error| Error::BadRequest(error.to_string()))?;
        for (_, name) in containers {
            let world = self.world.clone();
            let container = Container {
                name: name.leak(),
                world,
            };
            match request.verb {
                Verb::Start => container.start(bus).await?,
                Verb::Stop | Verb::Restart => container.stop(bus).await?,
            }
        }
        answer(&RequestReport::default())
    }

    fn list_gpus(&self) -> Result<Vec<Dict>, Error> {
        let card = Gpu {
            vendor: "nvidia".to_owned(),
            name: "RTX 3050".to_owned(),
            memory_total: Some(6 << 30),
            missing: vec!["nvidia-uvm".to_owned()],
            ..Gpu::default()
        };
        Ok(vec![answer(&card)?])
    }

    fn check_gpus(&self) -> Result<Vec<Dict>, Error> {
        let finding = GpuFinding {
            severity: GpuSeverity::Problem,
            subject: "RTX 3050".to_owned(),
            what: "lacks nvidia-uvm".to_owned(),
            hint: Some("load it".to_owned()),
        };
        Ok(vec![answer(&finding)?])
    }

    fn leftovers(&self) -> Result<Dict, Error> {
        answer(&Leftovers {
            machines: vec![Leftover {
                machine: "lab-old".to_owned(),
                paths: vec!["/var/lib/ctr/lab-old".to_owned()],
                size: 3 << 20,
                last_used_ms: None,
            }],
        })
    }

    fn prune(&self, machines: Vec<String>) -> Result<Dict, Error> {
        let (old, others): (Vec<_>, Vec<_>) = machines.into_iter().partition(|it| it == "lab-old");
        answer(&PruneReport {
            deleted: old.iter().map(|it| format!("/var/lib/ctr/{it}")).collect(),
            failures: others
                .into_iter()
                .map(|name| Outcome {
                    group: String::new(),
                    error: Some(format!("{name} is declared")),
                    hint: None,
                    name,
                })
                .collect(),
        })
    }
}

/// The secrets of `hello`: text, bytes, and one that the caller may not have.
fn secret(id: &str) -> Result<Vec<u8>, Error> {
    match id {
        "token" => Ok(b"a b&c/d\n".to_vec()),
        "key" => Ok(b"\x00\xff\n".to_vec()),
        "closed" => Err(Error::NotAuthorised("user 1000 may not".to_owned())),
        _ => Err(Error::BadRequest(format!(
            "lab/hello has no credential {id:?}\nhint: it has key, token"
        ))),
    }
}

struct Container {
    name: &'static str,
    world: World,
}

#[interface(name = "org.kernelcore.Containers1.Container")]
impl Container {
    fn secret(&self, id: &str) -> Result<Vec<u8>, Error> {
        secret(id)
    }

    async fn start(&self, #[zbus(connection)] bus: &Connection) -> Result<(), Error> {
        self.world
            .enter(self.name, State::Starting, None, bus)
            .await;
        let (name, world, bus) = (self.name, self.world.clone(), bus.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            match name {
                "broken" => {
                    let reason = Some("its root is not there");
                    world.enter(name, State::Failed, reason, &bus).await;
                    // A retry that begins before anybody can look must not hide the failure.
                    world.enter(name, State::Starting, None, &bus).await;
                }
                "flash" => {
                    world.enter(name, State::Running, None, &bus).await;
                    world.enter(name, State::Stopped, None, &bus).await;
                }
                "stuck" => {}
                _ => world.enter(name, State::Running, None, &bus).await,
            }
        });
        Ok(())
    }

    async fn stop(&self, #[zbus(connection)] bus: &Connection) -> Result<(), Error> {
        self.world
            .enter(self.name, State::Stopping, None, bus)
            .await;
        let (name, world, bus) = (self.name, self.world.clone(), bus.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            world.enter(name, State::Stopped, None, &bus).await;
        });
        Ok(())
    }
}

fn plan(action: Action) -> PlanView {
    PlanView {
        host: vec![],
        containers: vec![ContainerPlan {
            group: "lab".to_owned(),
            name: "hello".to_owned(),
            action,
            changed: vec![],
            reason: (action != Action::Nothing).then(|| "the root changed".to_owned()),
            hint: None,
            steps: vec![],
            data: vec![],
        }],
        problems: vec![],
    }
}

fn event(it: &ContainerStatus) -> ContainerEvent {
    ContainerEvent {
        group: it.group.clone(),
        name: it.name.clone(),
        machine: it.machine.clone(),
        state: it.state,
        reason: it.reason.clone(),
        hint: it.hint.clone(),
        since_ms: it.since_ms,
        restarts: it.restarts,
        last_exit: it.last_exit.clone(),
    }
}

fn answer<T: serde::Serialize>(value: &T) -> Result<Dict, Error> {
    to_dict(value).map_err(|error| Error::Failed(error.to_string()))
}
