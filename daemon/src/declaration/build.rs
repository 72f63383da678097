//! The checked declaration as a model, with every default filled in.
//!
//! The tables are taken apart without `..`, so that a new key does not compile until it is here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::file;
use super::place::At;
use super::read::{Entries, Entry};
use super::validate::{
    DELAY_DEFAULT, INTERVAL_DEFAULT, MAX_DELAY_DEFAULT, START_INTERVAL_DEFAULT, TIMEOUT_DEFAULT,
    WINDOW_DEFAULT, protocol_of,
};
use super::value::{Devices, Mode, Number, Reference, Time, UserName, Word};
use crate::model::{
    ActionCommand, Bind, Container, ContainerId, ContainerName, CredentialSource, FileContent,
    GpuChoice, GpuDevices, GpuRequest, Group, GroupName, Health, InterfaceName, Limits, Missing,
    Model, Port, Probe, Program, Protocol, Publish, Reach, Restart, RestartPolicy, Root, UserMode,
};

/// How long a container may take from its start to ready, where nothing is said.
const START_TIMEOUT_DEFAULT: Duration = Duration::from_secs(90);
/// How many failed probes in a row make a container unhealthy, where nothing is said.
const FAILURES_DEFAULT: u32 = 3;
/// How many successful ones make it healthy again, where nothing is said.
const SUCCESSES_DEFAULT: u32 = 1;
/// The permissions of a file, where nothing is said.
const MODE_DEFAULT: Mode = Mode(0o644);

/// The model of a document in which no problem was found; `None` where a required key is absent
/// after all.
pub(crate) fn build(document: file::Document) -> Option<Model> {
    let file::Document {
        schema,
        nameservers,
        metrics,
        load_gpu_modules,
        groups,
        written: _,
    } = document;
    schema?;
    let groups = entries(groups)
        .map(|Entry { name, value }| Some((name.value.clone(), group(name.value, value)?)))
        .collect::<Option<BTreeMap<_, _>>>()?;
    Some(Model {
        nameservers: nameservers.map(|servers| values(Some(servers))),
        metrics: metrics.map(|it| it.value),
        load_gpu_modules: load_gpu_modules.is_none_or(|it| it.value),
        groups,
    })
}

fn group(name: GroupName, group: file::Group) -> Option<Group> {
    let file::Group {
        description,
        subnet,
        host_address,
        reach,
        host_ports,
        containers,
        written: _,
    } = group;
    let containers = entries(containers)
        .map(
            |Entry {
                 name: container_name,
                 value,
             }| {
                let id = ContainerId {
                    group: name.clone(),
                    name: container_name.value.clone(),
                };
                Some((container_name.value, container(id, *value)?))
            },
        )
        .collect::<Option<BTreeMap<_, _>>>()?;
    Some(Group {
        bridge: InterfaceName::bridge(&name),
        description: description.map_or_else(String::new, |it| it.value.0),
        subnet: subnet?.value.0,
        host_address: host_address?.value,
        reach: values(reach).into_iter().map(reach_target).collect(),
        host_ports: values(host_ports).into_iter().map(|port| port.0).collect(),
        containers,
        name,
    })
}

fn reach_target(reference: Reference) -> Reach {
    match reference {
        Reference::Group(group) => Reach::Group(group),
        Reference::Container(id) => Reach::Container(id),
    }
}

fn container(id: ContainerId, container: file::Container) -> Option<Container> {
    let file::Container {
        description,
        aliases,
        address,
        autostart,
        missing: missing_table,
        root: root_table,
        ephemeral,
        users,
        capabilities,
        boot: _,
        enable,
        command,
        user,
        working_directory,
        environment,
        ports,
        binds,
        files,
        after,
        start_timeout,
        limits: limits_table,
        restart: restart_table,
        actions,
        health: health_table,
        gpu: gpu_table,
        credentials,
        written: _,
    } = container;
    let environment = entries(environment)
        .map(|entry| (entry.name.value.0, entry.value.0))
        .collect();
    let program = match command {
        None => Program::Boot {
            enable: values(enable).into_iter().map(|it| it.0).collect(),
            environment,
        },
        Some(command) => Program::Command {
            command: words(command),
            user: user.map(|user| user.value.0),
            environment,
            working_directory: working_directory.map(|path| path.value.0),
        },
    };
    // What is collected in place has the room that the entries had as they were written.
    let mut ports: Vec<Port> = values(ports).into_iter().map(port).collect::<Option<_>>()?;
    ports.shrink_to_fit();
    Some(Container {
        machine: id.machine().ok()?,
        description: description.map_or_else(String::new, |it| it.value.0),
        aliases: values::<ContainerName>(aliases),
        address: address?.value,
        autostart: is_true(autostart.as_ref()),
        missing: match missing_table {
            Some(table) => Some(missing(table.value)?),
            None => None,
        },
        root: root(root_table?.value)?,
        program,
        ports,
        binds: values(binds).into_iter().map(bind).collect::<Option<_>>()?,
        files: entries(files)
            .map(|entry| Some((entry.name.value.0, file_content(entry.value)?)))
            .collect::<Option<_>>()?,
        credentials: entries(credentials)
            .map(|entry| Some((entry.name.value, credential(entry.value)?)))
            .collect::<Option<_>>()?,
        after: values(after)
            .into_iter()
            .map(container_of)
            .collect::<Option<_>>()?,
        actions: entries(actions)
            .map(|entry| Some((entry.name.value.0, action(entry.value)?)))
            .collect::<Option<_>>()?,
        start_timeout: start_timeout.map_or(START_TIMEOUT_DEFAULT, |time| time.value.0),
        limits: limits_table.map_or_else(Limits::default, |it| limits(it.value)),
        restart: restart(restart_table.map(|it| it.value)),
        health: match health_table {
            Some(table) => Some(health(table.value)?),
            None => None,
        },
        gpu: match gpu_table {
            Some(table) => Some(gpu(table.value)?),
            None => None,
        },
        ephemeral: is_true(ephemeral.as_ref()),
        users: users.map_or(UserMode::Own, |users| users.value.0),
        capabilities: values(capabilities).into_iter().collect(),
        id,
    })
}

fn missing(missing: file::Missing) -> Option<Missing> {
    let file::Missing {
        what,
        hint,
        written: _,
    } = missing;
    Some(Missing {
        what: what?.value.0,
        hint: hint.map(|hint| hint.value.0),
    })
}

fn root(root: file::Root) -> Option<Root> {
    let file::Root {
        tree,
        directory,
        nixos,
        written: _,
    } = root;
    let tree = tree.map(|path| Root::Tree(path.value.0));
    let directory = directory.map(|path| Root::Directory(path.value.0));
    let nixos = nixos.map(|path| Root::Nixos(path.value.0));
    tree.or(directory).or(nixos)
}

fn port(table: file::Port) -> Option<Port> {
    let protocol: Protocol = protocol_of(&table);
    let file::Port {
        port,
        protocol: _,
        url,
        token,
        publish: published,
        written: _,
    } = table;
    let publish = match published {
        Some(published) => Some(publish(published.value)?),
        None => None,
    };
    Some(Port {
        port: port?.value.0,
        protocol,
        url: url.map(|url| url.value.0),
        token: token.map(|token| token.value),
        publish,
    })
}

fn publish(publish: file::Publish) -> Option<Publish> {
    let file::Publish {
        host_port,
        address,
        written: _,
    } = publish;
    Some(Publish {
        host_port: host_port?.value.0,
        address: address.map(|it| it.value),
    })
}

fn bind(bind: file::Bind) -> Option<Bind> {
    let file::Bind {
        host,
        guest,
        read_only,
        create,
        data,
        owner,
        host_owner,
        written: _,
    } = bind;
    Some(Bind {
        host: host?.value.0,
        guest: guest?.value.0,
        read_only: is_true(read_only.as_ref()),
        create: is_true(create.as_ref()),
        data: is_true(data.as_ref()),
        owner: owner.map(|owner| owner.value.0),
        host_owner: host_owner.map(|owner| owner.value.0),
    })
}

fn file_content(file: file::FileEntry) -> Option<FileContent> {
    let file::FileEntry {
        text,
        mode,
        written: _,
    } = file;
    let Mode(mode) = mode.map_or(MODE_DEFAULT, |mode| mode.value);
    Some(FileContent {
        text: text?.value,
        mode,
    })
}

fn credential(credential: file::Credential) -> Option<CredentialSource> {
    let file::Credential {
        path,
        generate,
        written: _,
        place: _,
    } = credential;
    match path {
        Some(path) => Some(CredentialSource::File(path.value.0)),
        None => is_true(generate.as_ref()).then_some(CredentialSource::Generated),
    }
}

fn container_of(reference: Reference) -> Option<ContainerId> {
    match reference {
        Reference::Container(id) => Some(id),
        Reference::Group(_) => None,
    }
}

fn action(action: file::Action) -> Option<ActionCommand> {
    let file::Action {
        command,
        user,
        terminal,
        written: _,
    } = action;
    Some(ActionCommand {
        command: words(command?),
        user: user.map(
            |At {
                 value: UserName(user),
                 ..
             }| user,
        ),
        terminal: is_true(terminal.as_ref()),
    })
}

fn limits(limits: file::Limits) -> Limits {
    let file::Limits {
        memory_max,
        memory_high,
        cpus,
        cpu_weight,
        tasks_max,
        written: _,
    } = limits;
    Limits {
        memory_max: memory_max.map(|size| size.value.0),
        memory_high: memory_high.map(|size| size.value.0),
        milli_cpus: cpus.map(|cpus| cpus.value.0),
        cpu_weight: cpu_weight.map(|weight| weight.value.0),
        tasks_max: tasks_max.map(|tasks| tasks.value.0),
    }
}

fn restart(restart: Option<file::Restart>) -> Restart {
    let (policy, delay, max_delay, window, on_unhealthy) = match restart {
        Some(file::Restart {
            policy,
            delay,
            max_delay,
            window,
            on_unhealthy,
            written: _,
        }) => (policy, delay, max_delay, window, on_unhealthy),
        None => (None, None, None, None, None),
    };
    Restart {
        policy: policy.map_or(RestartPolicy::OnFailure, |policy| policy.value.0),
        delay: delay.map_or(DELAY_DEFAULT, |delay| delay.value.0),
        max_delay: max_delay.map_or(MAX_DELAY_DEFAULT, |delay| delay.value.0),
        window: window.map_or(WINDOW_DEFAULT, |window| window.value.0),
        on_unhealthy: is_true(on_unhealthy.as_ref()),
    }
}

fn health(health: file::Health) -> Option<Health> {
    let file::Health {
        http,
        tcp,
        command,
        user,
        interval,
        timeout,
        start_interval,
        failures,
        successes,
        written: _,
    } = health;
    let probe = match (http, tcp, command) {
        (Some(http), _, _) => http_probe(http.value)?,
        (_, Some(port), _) => Probe::Tcp { port: port.value.0 },
        (_, _, Some(command)) => Probe::Command {
            command: words(command),
            user: user.map(|user| user.value.0),
        },
        (None, None, None) => return None,
    };
    let interval = interval.map_or(INTERVAL_DEFAULT, |it| it.value.0);
    let or = |time: Option<At<Time>>, default: Duration| {
        time.map_or(default.min(interval), |it| it.value.0)
    };
    let threshold = |number: Option<At<Number>>, default| match number {
        Some(number) => u32::try_from(number.value.0).ok(),
        None => Some(default),
    };
    Some(Health {
        probe,
        interval,
        timeout: or(timeout, TIMEOUT_DEFAULT),
        start_interval: or(start_interval, START_INTERVAL_DEFAULT),
        failures: threshold(failures, FAILURES_DEFAULT)?,
        successes: threshold(successes, SUCCESSES_DEFAULT)?,
    })
}

fn gpu(gpu: file::Gpu) -> Option<GpuRequest> {
    let file::Gpu {
        vendor,
        devices,
        cdi,
        optional,
        written: _,
    } = gpu;
    let choice = match (vendor, cdi) {
        (Some(vendor), _) => GpuChoice::Found {
            vendor: vendor.value,
            devices: match devices.map(|devices| devices.value) {
                None | Some(Devices::All) => GpuDevices::All,
                Some(Devices::These(names)) => {
                    GpuDevices::These(names.into_iter().map(|name| name.value).collect())
                }
            },
        },
        (None, Some(names)) => {
            GpuChoice::Cdi(names.value.0.into_iter().map(|name| name.value).collect())
        }
        (None, None) => return None,
    };
    Some(GpuRequest {
        choice,
        optional: is_true(optional.as_ref()),
    })
}

fn http_probe(http: file::HealthHttp) -> Option<Probe> {
    let file::HealthHttp {
        port,
        path,
        status,
        host,
        written: _,
    } = http;
    let statuses = values(status).into_iter();
    Some(Probe::Http {
        port: port?.value.0,
        path: path.map_or_else(|| "/".to_owned(), |path| path.value.0),
        statuses: statuses
            .map(|Number(status)| u16::try_from(status).ok())
            .collect::<Option<_>>()?,
        host: host.map(|host| host.value.0),
    })
}

fn is_true(value: Option<&At<bool>>) -> bool {
    value.is_some_and(|value| value.value)
}

fn words(command: At<Vec<At<Word>>>) -> Vec<String> {
    values(Some(command))
        .into_iter()
        .map(|word| word.0)
        .collect()
}

fn values<T>(list: Option<At<Vec<At<T>>>>) -> Vec<T> {
    list.into_iter()
        .flat_map(|list| list.value)
        .map(|element| element.value)
        .collect()
}

fn entries<K, T>(table: Option<At<Entries<K, T>>>) -> impl Iterator<Item = Entry<K, T>> {
    table.into_iter().flat_map(|table| table.value.0)
}
