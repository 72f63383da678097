//! The one way from what ctrd knows to what travels.

use std::collections::BTreeMap;

use ctr_api::wire::{
    ActionStatus, ContainerStatus, CredentialStatus, DeclarationStatus, GroupStatus, HealthStatus,
    HostStatus, Leaving, Limits, MetricsStatus, Obstacle, OverriddenLimit, PortStatus, Problem,
    Severity, State, Usage,
};

use crate::declaration::{self, LoadError};
use crate::error_text::with_causes;
use crate::gpu::meter::Reading;
use crate::machine::root::{UidBase, machine_id};
use crate::machine::{self, LIMITS, unit_name};
use crate::model::{Container, ContainerId, Group, Health, Port, Root, UserMode};
use crate::os::Paths;
use crate::reconcile::fleet::{Fleet, InForce};
use crate::reconcile::{self, Conflict, Found, Status, Surroundings};

use super::gpus;

/// What is told of the credentials of each container.
pub(super) type CredentialsOf = BTreeMap<ContainerId, Vec<CredentialStatus>>;

/// Everything, in one answer.
pub(super) fn host_status(
    fleet: &Fleet,
    mut credentials: CredentialsOf,
    gpu_use: &Reading,
) -> HostStatus {
    let in_force = fleet.in_force();
    let handles = fleet.handles().borrow().clone();
    let troubled = fleet.troubled();
    let surroundings = fleet.surroundings();
    let groups = in_force.model.groups.values().map(|group| {
        let mut containers: Vec<&Container> = group.containers.values().collect();
        containers.sort_by_key(|container| container.address);
        let containers = containers
            .into_iter()
            .map(|container| {
                let status = Status::of(&container.id, &handles);
                let credentials = credentials.remove(&container.id).unwrap_or_default();
                let obstacles = of_container(&surroundings, container);
                let told = Told {
                    credentials,
                    obstacles,
                    gpu_use,
                };
                container_status(fleet.paths(), container, &status, told)
            })
            .collect();
        let trouble = troubled.get(&group.name);
        let next_try_ms = in_force.next_try_ms.filter(|_| trouble.is_some());
        let obstacles = of_group(&surroundings, group);
        GroupStatus {
            next_try_ms,
            ..group_status(group, trouble, containers, obstacles)
        }
    });
    let leaving = fleet.leaving().into_iter().map(|(id, handle)| {
        let status = handle.status.borrow();
        Leaving {
            group: id.group.to_string(),
            name: id.name.to_string(),
            state: status.state,
            reason: status.reason.clone(),
            next_try_ms: status.next_try_ms,
        }
    });
    HostStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        groups: groups.collect(),
        leaving: leaving.collect(),
        declaration: declaration_status(&in_force, fleet.paths()),
        unread: surroundings.unread.clone(),
        metrics: metrics_status(fleet, &in_force),
    }
}

fn metrics_status(fleet: &Fleet, in_force: &InForce) -> Option<MetricsStatus> {
    let address = in_force.model.metrics.as_ref()?;
    let trouble = fleet.metrics_trouble(address);
    let (problem, hint) = trouble.map_or((None, None), |it| (Some(it.reason), it.hint));
    Some(MetricsStatus {
        address: address.to_string(),
        problem,
        hint,
    })
}

fn declaration_status(in_force: &InForce, paths: &Paths) -> DeclarationStatus {
    let on_disk = declaration::digest(&paths.declaration).ok();
    DeclarationStatus {
        path: paths.declaration.display().to_string(),
        loaded_ms: in_force.loaded_ms,
        differs: on_disk != in_force.digest,
        problems: in_force
            .refused
            .as_deref()
            .map(problems)
            .unwrap_or_default(),
    }
}

fn problems(error: &LoadError) -> Vec<Problem> {
    match error {
        LoadError::Refused(problems) => problems.to_wire(),
        LoadError::Unreadable { path, .. } | LoadError::NotOnlyRoots { path, .. } => {
            vec![Problem {
                severity: Severity::Error,
                file: path.display().to_string(),
                line: 1,
                column: 1,
                key: String::new(),
                message: with_causes(error),
                hint: error.hint(),
                rendered: refusal(error),
            }]
        }
    }
}

/// Why a declaration is refused, as a terminal shows it.
pub(super) fn refusal(error: &LoadError) -> String {
    match error {
        LoadError::Refused(problems) => problems.to_string(),
        LoadError::Unreadable { .. } | LoadError::NotOnlyRoots { .. } => {
            let hint = error.hint().unwrap_or_default();
            format!("error: {}\nhint: {hint}\n", with_causes(error))
        }
    }
}

fn group_status(
    group: &Group,
    trouble: Option<&Conflict>,
    containers: Vec<ContainerStatus>,
    obstacles: Vec<Obstacle>,
) -> GroupStatus {
    GroupStatus {
        name: group.name.to_string(),
        subnet: group.subnet.to_string(),
        host_address: group.host_address.to_string(),
        bridge: group.bridge.to_string(),
        problem: trouble.map(|it| it.reason.clone()),
        hint: trouble.and_then(|it| it.hint.clone()),
        next_try_ms: None,
        obstacles,
        containers,
    }
}

/// What stands in a group's way.
fn of_group(surroundings: &Surroundings, group: &Group) -> Vec<Obstacle> {
    let all = surroundings.obstacles.iter();
    all.filter(|it| it.group == group.name)
        .map(obstacle)
        .collect()
}

/// What stands in a container's way.
pub(super) fn of_container(surroundings: &Surroundings, container: &Container) -> Vec<Obstacle> {
    let id = &container.id;
    let concerns = |it: &&reconcile::Obstacle| {
        it.group == id.group && (it.all || it.containers.contains(&id.name))
    };
    let all = surroundings.obstacles.iter();
    all.filter(concerns).map(obstacle).collect()
}

fn obstacle(found: &reconcile::Obstacle) -> Obstacle {
    Obstacle {
        message: found.sentence(),
        stops: found.stops.clone(),
        owner: found.owner.clone(),
        rule: found.rule.clone(),
        commands: found.commands.clone(),
        hint: found.hint(),
        all: found.all,
        containers: found.containers.iter().map(ToString::to_string).collect(),
    }
}

/// What is told of a container that its task does not know.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) credentials: Vec<CredentialStatus>,
    pub(super) obstacles: Vec<Obstacle>,
    pub(super) gpu_use: &'a Reading,
}

/// One container in full.
pub(super) fn container_status(
    paths: &Paths,
    container: &Container,
    status: &Status,
    told: Told<'_>,
) -> ContainerStatus {
    let Told {
        credentials,
        obstacles,
        gpu_use,
    } = told;
    let gpus = gpus::used(&container.id, &status.gpus, gpu_use);
    let up = status.state.is_up() || matches!(status.state, State::Starting | State::Stopping);
    ContainerStatus {
        group: container.id.group.to_string(),
        name: container.id.name.to_string(),
        aliases: container.aliases.iter().map(ToString::to_string).collect(),
        machine: container.machine.to_string(),
        machine_id: machine_id(&container.machine),
        description: container.description.clone(),
        address: container.address.to_string(),
        ports: container.ports.iter().map(port_status).collect(),
        autostart: container.autostart,
        state: status.state,
        reason: status.reason.clone(),
        hint: status.hint.clone(),
        waits_for: status.waits_for.iter().map(ToString::to_string).collect(),
        missing: container
            .missing
            .as_ref()
            .map(|missing| missing.what.clone()),
        lacks: status.lack.as_ref().map(|lack| lack.reason.clone()),
        since_ms: status.since_ms,
        next_try_ms: status.next_try_ms,
        failed_tries: status.failures,
        restarts: status.restarts,
        last_exit: status.last_exit.clone(),
        health: container
            .health
            .as_ref()
            .map(|health| health_status(health, status.health.as_ref())),
        up_since_ms: status.up_since_ms,
        start_usec: status.start_usec,
        last_exit_ms: status.last_exit_ms,
        unit: unit_name(&container.machine),
        leader: status.leader,
        usage: up.then(|| usage_of(paths, status)).flatten(),
        gpus: gpus.gpus,
        gpu_memory: gpus.memory,
        gpu_utilisation: gpus.utilisation,
        limits: limits(container, status),
        root: match &container.root {
            Root::Tree(path) => format!("tree {}", path.display()),
            Root::Directory(path) => format!("directory {}", path.display()),
            Root::Nixos(path) => format!("nixos {}", path.display()),
        },
        users: users(container.users, status.uid_base),
        binds: container
            .binds
            .iter()
            .map(|bind| format!("{} -> {}", bind.host.display(), bind.guest.display()))
            .collect(),
        credentials,
        actions: container
            .actions
            .iter()
            .map(|(name, action)| ActionStatus {
                name: name.clone(),
                command: action.command.clone(),
                user: action.user.clone(),
                terminal: action.terminal,
            })
            .collect(),
        obstacles,
    }
}

fn health_status(health: &Health, found: Option<&Found>) -> HealthStatus {
    let last = found.and_then(|found| found.last.as_ref());
    HealthStatus {
        probe: health.probe.to_string(),
        last: last.map(|it| it.words.clone()),
        success: last.is_some_and(|it| it.success),
        since_ms: found.filter(|it| it.last.is_some()).map(|it| it.since_ms),
        failed: found.map_or(0, |found| found.failed),
        failures: health.failures,
    }
}

fn usage_of(paths: &Paths, status: &Status) -> Option<Usage> {
    let machine::Usage {
        cpu_usec,
        memory,
        tasks,
        oom_kills,
    } = machine::usage(&paths.cgroup, &status.control_group);
    let told = cpu_usec.is_some() || memory.is_some() || tasks.is_some();
    told.then_some(Usage {
        cpu_usec,
        memory,
        tasks,
        oom_kills,
    })
}

/// What holds of its unit, or would of the next.
fn limits(container: &Container, status: &Status) -> Limits {
    let declared = &container.limits;
    let in_force = |property: &str, declared: Option<u64>| match status.limits.get(property) {
        Some(now) => Some(*now).filter(|it| *it != u64::MAX),
        None => declared,
    };
    let overridden = LIMITS.iter().filter_map(|limit| {
        let path = status.overridden.get(limit.property)?;
        Some(OverriddenLimit {
            key: limit.key.to_owned(),
            path: path.display().to_string(),
        })
    });
    let quota = declared.milli_cpus.map(|milli| milli.saturating_mul(1000));
    Limits {
        memory_max: in_force("MemoryMax", declared.memory_max),
        memory_high: in_force("MemoryHigh", declared.memory_high),
        milli_cpus: in_force("CPUQuotaPerSecUSec", quota).map(|usec| usec / 1000),
        cpu_weight: in_force("CPUWeight", declared.cpu_weight),
        tasks_max: in_force("TasksMax", declared.tasks_max),
        overridden: overridden.collect(),
    }
}

fn users(mode: UserMode, base: Option<UidBase>) -> String {
    match (mode, base) {
        (UserMode::Host, _) => "host".to_owned(),
        (UserMode::Own, None) => "own".to_owned(),
        (UserMode::Own, Some(base)) => {
            format!("own ({}..{})", base.get(), base.get() + UidBase::RANGE - 1)
        }
    }
}

fn port_status(port: &Port) -> PortStatus {
    PortStatus {
        port: port.port,
        protocol: port.protocol.as_str().to_owned(),
        url: port.url.clone(),
        token: port.token.as_ref().map(ToString::to_string),
        published: port.publish.as_ref().map(|publish| match publish.address {
            Some(address) => format!("{address}:{}", publish.host_port),
            None => format!("*:{}", publish.host_port),
        }),
    }
}
