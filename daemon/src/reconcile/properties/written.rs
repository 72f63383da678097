//! A model as somebody could have written it: TOML whose tables and keys stand in any order.

use std::time::Duration;

use toml::Value;

use crate::model::{
    Bind, Container, CredentialSource, GpuChoice, GpuDevices, GpuName, GpuRequest, Group, Health,
    Limits, MetricsAddress, Missing, Model, Port, Probe, Program, Protocol, Reach, Restart,
    RestartPolicy, Root, UserMode,
};

/// The text. `order` decides which table and which key comes first.
pub(super) fn toml(model: &Model, order: u64) -> String {
    let mut order = Order(order);
    let mut top = vec![("schema".to_owned(), Value::Integer(1))];
    if let Some(servers) = &model.nameservers {
        top.push(("nameservers".to_owned(), texts(servers)));
    }
    if let Some(metrics) = &model.metrics {
        let place = match metrics {
            MetricsAddress::Unix(path) => path.display().to_string(),
            MetricsAddress::Loopback(address) => address.to_string(),
        };
        top.push(("metrics".to_owned(), Value::String(place)));
    }
    let mut tables = Vec::new();
    for group in model.groups.values() {
        tables.push((format!("groups.{}", group.name), of_group(group)));
        for container in group.containers.values() {
            let name = format!("groups.{}.containers.{}", group.name, container.id.name);
            tables.push((name, of_container(container)));
        }
    }
    order.shuffle(&mut tables);
    let mut text = lines(top, &mut order);
    for (name, keys) in tables {
        let lines = lines(keys, &mut order);
        text.extend(["\n[", &name, "]\n", &lines]);
    }
    text
}

/// Numbers that look chosen at random: `xorshift64` by George Marsaglia.
struct Order(u64);

impl Order {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// As it is where the order is 0.
    fn shuffle<T>(&mut self, list: &mut [T]) {
        if self.0 == 0 {
            return;
        }
        for last in (1..list.len()).rev() {
            let length = u64::try_from(last + 1).expect("short");
            let other = usize::try_from(self.next() % length).expect("short");
            list.swap(last, other);
        }
    }
}

type Keys = Vec<(String, Value)>;

fn lines(mut keys: Keys, order: &mut Order) -> String {
    order.shuffle(&mut keys);
    let lines: Vec<String> = keys
        .into_iter()
        .map(|(key, value)| {
            format!(
                "{key} = {value}
"
            )
        })
        .collect();
    lines.concat()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a closure takes it as it comes"
)]
fn text(value: impl ToString) -> Value {
    Value::String(value.to_string())
}

fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Value {
    Value::Array(values.into_iter().map(text).collect())
}

fn table(keys: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let keys = keys.into_iter();
    let some = keys.filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Table(some.collect())
}

fn number(value: u64) -> Value {
    Value::Integer(i64::try_from(value).expect("it fits"))
}

fn seconds(time: Duration) -> Value {
    text(format!("{}s", time.as_secs()))
}

fn of_group(group: &Group) -> Keys {
    let reach = group.reach.iter().map(|reach| match reach {
        Reach::Group(name) => name.to_string(),
        Reach::Container(id) => id.to_string(),
    });
    let ports = group.host_ports.iter();
    let ports = ports.map(|port| number((*port).into())).collect();
    [
        ("description", text(&group.description)),
        ("subnet", text(group.subnet)),
        ("host-address", text(group.host_address)),
        ("reach", texts(reach)),
        ("host-ports", Value::Array(ports)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

fn of_container(container: &Container) -> Keys {
    let mut keys: Vec<(&str, Value)> = vec![
        ("description", text(&container.description)),
        ("aliases", texts(&container.aliases)),
        ("address", text(container.address)),
        ("autostart", Value::Boolean(container.autostart)),
        ("root", root(&container.root)),
        ("ephemeral", Value::Boolean(container.ephemeral)),
        (
            "users",
            text(match container.users {
                UserMode::Own => "own",
                UserMode::Host => "host",
            }),
        ),
        ("capabilities", texts(&container.capabilities)),
        ("ports", list(&container.ports, port)),
        ("binds", list(&container.binds, bind)),
        ("after", texts(&container.after)),
        ("start-timeout", seconds(container.start_timeout)),
        ("limits", limits(&container.limits)),
        ("restart", restart(&container.restart)),
    ];
    keys.extend(
        container
            .missing
            .as_ref()
            .map(|it| ("missing", missing(it))),
    );
    keys.extend(container.health.as_ref().map(|it| ("health", health(it))));
    keys.extend(container.gpu.as_ref().map(|it| ("gpu", gpu(it))));
    keys.extend(program(&container.program));
    let files = container.files.iter().map(|(path, file)| {
        let mode = text(format!("{:04o}", file.mode));
        let value = table([("text", Some(text(&file.text))), ("mode", Some(mode))]);
        (path.display().to_string(), value)
    });
    let credentials = container.credentials.iter().map(|(name, source)| {
        let value = match source {
            CredentialSource::File(path) => text(path.display()),
            CredentialSource::Generated => table([("generate", Some(Value::Boolean(true)))]),
        };
        (name.as_str().to_owned(), value)
    });
    let actions = container.actions.iter().map(|(name, action)| {
        let value = table([
            ("command", Some(texts(&action.command))),
            ("user", action.user.as_ref().map(text)),
            ("terminal", Some(Value::Boolean(action.terminal))),
        ]);
        (name.clone(), value)
    });
    keys.push(("files", Value::Table(files.collect())));
    keys.push(("credentials", Value::Table(credentials.collect())));
    keys.push(("actions", Value::Table(actions.collect())));
    keys.into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn program(program: &Program) -> Vec<(&'static str, Value)> {
    let variables = |environment: &std::collections::BTreeMap<String, String>| {
        let entries = environment.iter();
        let entries = entries.map(|(name, value)| (name.clone(), text(value)));
        ("environment", Value::Table(entries.collect()))
    };
    match program {
        Program::Boot {
            enable,
            environment,
        } => vec![("enable", texts(enable)), variables(environment)],
        Program::Command {
            command,
            user,
            environment,
            working_directory,
        } => {
            let mut keys = vec![("command", texts(command)), variables(environment)];
            keys.extend(user.as_ref().map(|user| ("user", text(user))));
            let directory = working_directory.as_ref();
            keys.extend(directory.map(|it| ("working-directory", text(it.display()))));
            keys
        }
    }
}

fn list<T>(values: &[T], one: impl Fn(&T) -> Value) -> Value {
    Value::Array(values.iter().map(one).collect())
}

fn missing(missing: &Missing) -> Value {
    table([
        ("what", Some(text(&missing.what))),
        ("hint", missing.hint.as_ref().map(text)),
    ])
}

fn root(root: &Root) -> Value {
    let (key, path) = match root {
        Root::Tree(path) => ("tree", path),
        Root::Directory(path) => ("directory", path),
        Root::Nixos(path) => ("nixos", path),
    };
    table([(key, Some(text(path.display())))])
}

fn port(port: &Port) -> Value {
    let published = port.publish.as_ref().map(|publish| {
        table([
            ("host-port", Some(number(publish.host_port.into()))),
            ("address", publish.address.map(text)),
        ])
    });
    let protocol = match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    table([
        ("port", Some(number(port.port.into()))),
        ("protocol", Some(text(protocol))),
        ("url", port.url.as_ref().map(text)),
        ("token", port.token.as_ref().map(|it| text(it.as_str()))),
        ("publish", published),
    ])
}

fn bind(bind: &Bind) -> Value {
    table([
        ("host", Some(text(bind.host.display()))),
        ("guest", Some(text(bind.guest.display()))),
        ("read-only", Some(Value::Boolean(bind.read_only))),
        ("create", Some(Value::Boolean(bind.create))),
        ("data", Some(Value::Boolean(bind.data))),
        ("owner", bind.owner.as_ref().map(text)),
        ("host-owner", bind.host_owner.as_ref().map(text)),
    ])
}

fn limits(limits: &Limits) -> Value {
    table([
        ("memory-max", limits.memory_max.map(number)),
        ("memory-high", limits.memory_high.map(number)),
        ("cpus", limits.milli_cpus.map(|_| Value::Float(1.5))),
        ("cpu-weight", limits.cpu_weight.map(number)),
        ("tasks-max", limits.tasks_max.map(number)),
    ])
}

fn restart(restart: &Restart) -> Value {
    let policy = match restart.policy {
        RestartPolicy::Never => "never",
        RestartPolicy::OnFailure => "on-failure",
        RestartPolicy::Always => "always",
    };
    table([
        ("policy", Some(text(policy))),
        ("delay", Some(seconds(restart.delay))),
        ("max-delay", Some(seconds(restart.max_delay))),
        ("window", Some(seconds(restart.window))),
        ("on-unhealthy", Some(Value::Boolean(restart.on_unhealthy))),
    ])
}

fn gpu(gpu: &GpuRequest) -> Value {
    let (mut vendor, mut devices, mut cdi) = (None, None, None);
    match &gpu.choice {
        GpuChoice::Found {
            vendor: of,
            devices: which,
        } => {
            vendor = Some(text(of));
            devices = Some(match which {
                GpuDevices::All => text("all"),
                GpuDevices::These(names) => list(names, |name| match name {
                    GpuName::Index(index) => number((*index).into()),
                    GpuName::Uuid(_) | GpuName::Pci(_) => text(name),
                }),
            });
        }
        GpuChoice::Cdi(names) => cdi = Some(texts(names)),
    }
    table([
        ("vendor", vendor),
        ("devices", devices),
        ("cdi", cdi),
        ("optional", Some(Value::Boolean(gpu.optional))),
    ])
}

fn health(health: &Health) -> Value {
    let (mut http, mut tcp, mut words, mut runner) = (None, None, None, None);
    match &health.probe {
        Probe::Http {
            port,
            path,
            statuses,
            host,
        } => {
            let list = list(statuses, |status| number((*status).into()));
            http = Some(table([
                ("port", Some(number((*port).into()))),
                ("path", Some(text(path))),
                ("status", (!statuses.is_empty()).then_some(list)),
                ("host", host.as_ref().map(text)),
            ]));
        }
        Probe::Tcp { port } => tcp = Some(number((*port).into())),
        Probe::Command { command, user } => {
            words = Some(texts(command));
            runner = user.as_ref().map(text);
        }
    }
    table([
        ("http", http),
        ("tcp", tcp),
        ("command", words),
        ("user", runner),
        ("interval", Some(seconds(health.interval))),
        ("timeout", Some(seconds(health.timeout))),
        ("start-interval", Some(seconds(health.start_interval))),
        ("failures", Some(number(health.failures.into()))),
        ("successes", Some(number(health.successes.into()))),
    ])
}
