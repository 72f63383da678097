//! The values of the keys, taken out of the model's structures without `..`.

use serde::Serialize;

use super::Key;
use crate::model::{
    ActionCommand, Bind, Container, FileContent, GpuChoice, GpuRequest, Group, Health, Limits,
    Model, Port, Program, Publish, Restart, Root,
};

/// Takes the values of keys.
pub(crate) trait Values {
    /// The value of a key; `entry` is the name that stands for its `*`.
    fn put<T: Serialize + ?Sized>(&mut self, key: Key, entry: Option<&str>, value: &T);
}

/// The values of every key that counts for a container: its own, and those of its group that its
/// guest is made with.
pub(crate) fn container_values(group: &Group, container: &Container, into: &mut impl Values) {
    let Container {
        // The names of the tables that it stands in, and what follows from them.
        id: _,
        machine: _,
        description,
        aliases,
        address,
        autostart,
        missing,
        root,
        program,
        ports,
        binds,
        files,
        credentials,
        after,
        actions,
        start_timeout,
        limits,
        restart,
        health,
        gpu,
        ephemeral,
        users,
        capabilities,
    } = container;
    into.put(Key::Description, None, description);
    into.put(Key::Aliases, None, aliases);
    into.put(Key::Address, None, address);
    // Where the subnet lies is in the address.
    into.put(Key::Subnet, None, &group.subnet.prefix_len());
    into.put(Key::HostAddress, None, &group.host_address);
    into.put(Key::Autostart, None, autostart);
    into.put(Key::Missing, None, missing);
    match root {
        Root::Tree(_) | Root::Directory(_) => into.put(Key::Root, None, root),
        Root::Nixos(system) => {
            into.put(Key::Root, None, "nixos");
            into.put(Key::System, None, system);
        }
    }
    into.put(Key::Ephemeral, None, ephemeral);
    into.put(Key::Users, None, users);
    into.put(Key::Capabilities, None, capabilities);
    program_values(program, into);
    port_values(ports, into);
    bind_values(binds, into);
    let paths: Vec<_> = files.keys().collect();
    into.put(Key::Files, None, &paths);
    for (path, FileContent { text, mode }) in files {
        let path = path.to_string_lossy();
        into.put(Key::FileText, Some(&path), text);
        into.put(Key::FileMode, Some(&path), mode);
    }
    for (id, source) in credentials {
        into.put(Key::CredentialSource, Some(id.as_str()), source);
    }
    into.put(Key::After, None, after);
    into.put(Key::StartTimeout, None, start_timeout);
    limit_values(limits, into);
    let Restart {
        policy,
        delay,
        max_delay,
        window,
        on_unhealthy,
    } = restart;
    into.put(Key::RestartPolicy, None, policy);
    into.put(Key::RestartDelay, None, delay);
    into.put(Key::RestartMaxDelay, None, max_delay);
    into.put(Key::RestartWindow, None, window);
    into.put(Key::RestartOnUnhealthy, None, on_unhealthy);
    health_values(health.as_ref(), into);
    if let Some(gpu) = gpu {
        gpu_values(gpu, into);
    }
    for (name, action) in actions {
        let ActionCommand {
            command,
            user,
            terminal,
        } = action;
        into.put(Key::Action, Some(name), &(command, user, terminal));
    }
}

fn program_values(program: &Program, into: &mut impl Values) {
    match program {
        Program::Boot {
            enable,
            environment,
        } => {
            into.put(Key::Command, None, "boot");
            into.put(Key::Enable, None, enable);
            into.put(Key::Environment, None, environment);
        }
        Program::Command {
            command,
            user,
            environment,
            working_directory,
        } => {
            into.put(Key::Command, None, command);
            into.put(Key::User, None, user);
            into.put(Key::WorkingDirectory, None, working_directory);
            into.put(Key::Environment, None, environment);
        }
    }
}

/// The members of a list have no names: a key of one is the list of those that have a value for it.
fn port_values(ports: &[Port], into: &mut impl Values) {
    let (mut served, mut published, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for it in ports {
        let Port {
            port,
            protocol,
            url,
            token,
            publish,
        } = it;
        served.push((port, protocol));
        if let Some(Publish { host_port, address }) = publish {
            published.push((port, protocol, host_port, address));
        }
        if url.is_some() || token.is_some() {
            shown.push((port, protocol, url, token));
        }
    }
    into.put(Key::Ports, None, &served);
    into.put(Key::PortPublish, None, &published);
    into.put(Key::PortUrl, None, &shown);
}

fn bind_values(binds: &[Bind], into: &mut impl Values) {
    let (mut mounted, mut owned) = (Vec::new(), Vec::new());
    let (mut made, mut held) = (Vec::new(), Vec::new());
    for bind in binds {
        let Bind {
            host,
            guest,
            read_only,
            create,
            data,
            owner,
            host_owner,
        } = bind;
        mounted.push((host, guest, read_only));
        if owner.is_some() || host_owner.is_some() {
            owned.push((guest, owner, host_owner));
        }
        made.extend(create.then_some(host));
        held.extend(data.then_some(host));
    }
    into.put(Key::Binds, None, &mounted);
    into.put(Key::BindOwners, None, &owned);
    into.put(Key::BindCreate, None, &made);
    into.put(Key::BindData, None, &held);
}

fn health_values(health: Option<&Health>, into: &mut impl Values) {
    into.put(Key::Health, None, &health.map(|health| &health.probe));
    if let Some(Health {
        probe: _,
        interval,
        timeout,
        start_interval,
        failures,
        successes,
    }) = health
    {
        into.put(Key::HealthInterval, None, interval);
        into.put(Key::HealthTimeout, None, timeout);
        into.put(Key::HealthStartInterval, None, start_interval);
        into.put(Key::HealthFailures, None, failures);
        into.put(Key::HealthSuccesses, None, successes);
    }
}

fn gpu_values(gpu: &GpuRequest, into: &mut impl Values) {
    let GpuRequest { choice, optional } = gpu;
    match choice {
        GpuChoice::Found { vendor, devices } => {
            into.put(Key::Gpu, None, vendor);
            into.put(Key::GpuDevices, None, devices);
        }
        GpuChoice::Cdi(names) => into.put(Key::Gpu, None, names),
    }
    into.put(Key::GpuOptional, None, optional);
}

fn limit_values(limits: &Limits, into: &mut impl Values) {
    let Limits {
        memory_max,
        memory_high,
        milli_cpus,
        cpu_weight,
        tasks_max,
    } = limits;
    into.put(Key::MemoryMax, None, memory_max);
    into.put(Key::MemoryHigh, None, memory_high);
    into.put(Key::Cpus, None, milli_cpus);
    into.put(Key::CpuWeight, None, cpu_weight);
    into.put(Key::TasksMax, None, tasks_max);
}

/// The values of a group's own keys.
pub(super) fn group_values(group: &Group, into: &mut impl Values) {
    let Group {
        // The name of its table, and what follows from it.
        name: _,
        bridge: _,
        description,
        subnet,
        host_address,
        reach,
        host_ports,
        // Each has its own.
        containers: _,
    } = group;
    into.put(Key::GroupDescription, None, description);
    into.put(Key::Subnet, None, subnet);
    into.put(Key::HostAddress, None, host_address);
    into.put(Key::Reach, None, reach);
    into.put(Key::HostPorts, None, host_ports);
}

/// The values of the host's own keys.
pub(super) fn host_values(model: &Model, into: &mut impl Values) {
    let Model {
        nameservers,
        // They concern no container.
        metrics: _,
        load_gpu_modules: _,
        groups: _,
    } = model;
    into.put(Key::Nameservers, None, nameservers);
}

/// A value of the model as canonical JSON.
///
/// # Panics
/// Never: no value of a model has a map with keys that are not text.
pub(crate) fn text<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("a model's value is JSON")
}
