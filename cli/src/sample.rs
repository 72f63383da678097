//! The containers that tests render.

use ctr_api::wire::{
    ActionStatus, ContainerGpu, ContainerStatus, CredentialStatus, DeclarationStatus, Gpu,
    GpuFinding, GpuSeverity, GroupStatus, HealthStatus, HostStatus, Limits, Obstacle, PortStatus,
    State, Usage,
};

/// When the tests look: 2h13m after the containers started.
pub(crate) const NOW_MS: u64 = 1_795_000_000_000;
const UP_MS: u64 = 7_980_000;

/// A running container, 3 % of a processor since its start.
pub(crate) fn running(group: &str, name: &str) -> ContainerStatus {
    ContainerStatus {
        group: group.to_owned(),
        name: name.to_owned(),
        aliases: Vec::new(),
        machine: if name.starts_with(&format!("{group}-")) {
            name.to_owned()
        } else {
            format!("{group}-{name}")
        },
        machine_id: format!("4d{:030x}", name.len()),
        description: String::new(),
        address: "192.168.200.11".to_owned(),
        ports: vec![port(11434, Some("http"))],
        autostart: true,
        state: State::Running,
        reason: None,
        hint: None,
        waits_for: Vec::new(),
        missing: None,
        lacks: None,
        since_ms: NOW_MS - UP_MS,
        next_try_ms: None,
        failed_tries: 0,
        restarts: 0,
        last_exit: None,
        health: None,
        up_since_ms: Some(NOW_MS - UP_MS),
        last_exit_ms: None,
        start_usec: Some(4_200_000),
        unit: format!("ctr-{group}-{name}.service"),
        leader: Some(4242),
        usage: Some(Usage {
            cpu_usec: Some(UP_MS * 30),
            memory: Some(1_288_490_189),
            tasks: Some(42),
            oom_kills: Some(0),
        }),
        gpus: Vec::new(),
        gpu_memory: None,
        gpu_utilisation: None,
        limits: Limits {
            memory_max: Some(8 << 30),
            ..Limits::default()
        },
        root: "nixos /nix/store/abc-nixos-system-ml-ollama".to_owned(),
        users: "own (524288..589823)".to_owned(),
        binds: Vec::new(),
        credentials: Vec::new(),
        actions: Vec::new(),
        obstacles: Vec::new(),
    }
}

/// A container that does not run.
pub(crate) fn in_state(group: &str, name: &str, state: State) -> ContainerStatus {
    ContainerStatus {
        state,
        up_since_ms: Some(NOW_MS - UP_MS).filter(|_| state.is_up()),
        start_usec: Some(4_200_000).filter(|_| state.is_up()),
        leader: None,
        usage: None,
        ..running(group, name)
    }
}

pub(crate) fn port(port: u16, url: Option<&str>) -> PortStatus {
    PortStatus {
        port,
        protocol: "tcp".to_owned(),
        url: url.map(str::to_owned),
        token: None,
        published: None,
    }
}

/// A credential from a file, or one that `ctrd` made.
pub(crate) fn secret(id: &str, path: Option<&str>) -> CredentialStatus {
    CredentialStatus {
        id: id.to_owned(),
        path: path.map(str::to_owned),
        ..CredentialStatus::default()
    }
}

fn at(mut container: ContainerStatus, address: &str, ports: Vec<PortStatus>) -> ContainerStatus {
    container.address = address.to_owned();
    container.ports = ports;
    container
}

/// Docker's policy in the way of a group's guests.
pub(crate) fn obstacle() -> Obstacle {
    let stops = vec!["from guests to the internet".to_owned()];
    let command = "iptables -I DOCKER-USER -m devgroup --src-group 0x637472 -j ACCEPT";
    Obstacle {
        message: "Docker stops traffic from guests to the internet (table ip filter, chain \
                  FORWARD, policy drop)"
            .to_owned(),
        stops,
        owner: "Docker".to_owned(),
        rule: "table ip filter, chain FORWARD, policy drop".to_owned(),
        commands: vec![command.to_owned()],
        hint: Some(format!("add `{command}`")),
        all: true,
        containers: Vec::new(),
    }
}

fn probed(mut container: ContainerStatus, last: &str, failed: u32) -> ContainerStatus {
    let success = failed == 0;
    container.health = Some(HealthStatus {
        probe: format!("http {}/health", container.ports[0].port),
        last: Some(last.to_owned()),
        success,
        since_ms: Some(if success {
            container.since_ms
        } else {
            NOW_MS - 32_000
        }),
        failed,
        failures: 3,
    });
    container
}

/// A guest that runs and does not work, for twelve seconds.
pub(crate) fn unhealthy() -> ContainerStatus {
    let mut jupyter = at(
        running("ml", "jupyter"),
        "192.168.200.12",
        vec![port(8888, Some("http"))],
    );
    jupyter.state = State::Unhealthy;
    jupyter.since_ms = NOW_MS - 12_000;
    jupyter.reason = Some("status 503".to_owned());
    jupyter.limits = Limits {
        memory_max: Some(2 << 30),
        milli_cpus: Some(2000),
        tasks_max: Some(4096),
        ..Limits::default()
    };
    jupyter.restarts = 1;
    jupyter.last_exit = Some("exit status 255, its memory used up".to_owned());
    jupyter.last_exit_ms = Some(NOW_MS - UP_MS - 9_000);
    probed(jupyter, "status 503", 3)
}

/// The group of the reference: healthy, unhealthy, waiting and failed.
pub(crate) fn reference() -> HostStatus {
    let mut host = host();
    let ml = &mut host.groups[1];
    let mut ollama = ml.containers[0].clone();
    ollama.state = State::Healthy;
    let mut comfyui = ml.containers[2].clone();
    comfyui.reason =
        Some("ml/vllm failed: its root /var/lib/machines/vllm is not there".to_owned());
    comfyui.hint = Some("`ctr ml status vllm` says more of it".to_owned());
    let vllm = ml.containers[3].clone();
    ml.containers = vec![probed(ollama, "status 200", 0), unhealthy(), comfyui, vllm];
    host
}

/// Two groups with a container in every kind of state.
pub(crate) fn host() -> HostStatus {
    let mut ollama = running("ml", "ollama");
    ollama.actions = vec![ActionStatus {
        name: "list".to_owned(),
        command: vec!["ollama".to_owned(), "list".to_owned()],
        user: None,
        terminal: false,
    }];
    let mut jupyter = at(
        running("ml", "jupyter"),
        "192.168.200.12",
        vec![port(8888, Some("http"))],
    );
    jupyter.usage = Some(Usage {
        cpu_usec: Some(7_000_000),
        memory: Some(310 << 20),
        tasks: Some(9),
        oom_kills: None,
    });
    jupyter.limits = Limits::default();
    jupyter.credentials = vec![secret("token", None)];
    let mut comfyui = at(
        in_state("ml", "comfyui", State::Waiting),
        "192.168.200.13",
        vec![port(8188, Some("http"))],
    );
    comfyui.reason = Some("waiting for /dev/nvidia-uvm".to_owned());
    let mut vllm = at(
        in_state("ml", "vllm", State::Failed),
        "192.168.200.14",
        vec![port(8000, Some("http"))],
    );
    vllm.reason = Some("its root /var/lib/machines/vllm is not there".to_owned());
    vllm.hint = Some("make the tree, or name another `root`".to_owned());
    vllm.next_try_ms = Some(NOW_MS + 30_000);
    vllm.failed_tries = 4;
    vllm.restarts = 3;
    let mut dev_ml = at(
        running("dev", "dev-ml"),
        "192.168.210.11",
        vec![port(8889, Some("http"))],
    );
    dev_ml.aliases = vec!["ml".to_owned()];
    let proxy = at(
        in_state("dev", "proxy", State::Stopped),
        "192.168.210.14",
        vec![port(80, Some("http")), port(443, Some("https"))],
    );
    let mut postgres = at(
        running("dev", "postgres"),
        "192.168.210.15",
        vec![port(5432, None)],
    );
    postgres.aliases = vec!["pg".to_owned()];
    postgres.actions = vec![ActionStatus {
        name: "psql".to_owned(),
        command: vec!["psql".to_owned()],
        user: Some("postgres".to_owned()),
        terminal: true,
    }];
    HostStatus {
        version: "0.1.0".to_owned(),
        declaration: DeclarationStatus {
            path: "/etc/ctr/containers.toml".to_owned(),
            loaded_ms: NOW_MS - UP_MS,
            differs: false,
            problems: Vec::new(),
        },
        unread: None,
        metrics: None,
        groups: vec![
            group("dev", "192.168.210", vec![dev_ml, proxy, postgres]),
            group("ml", "192.168.200", vec![ollama, jupyter, comfyui, vllm]),
        ],
        leaving: Vec::new(),
    }
}

/// One group with these.
pub(crate) fn host_of(containers: Vec<ContainerStatus>) -> HostStatus {
    HostStatus {
        groups: vec![group("ml", "192.168.200", containers)],
        ..host()
    }
}

fn group(name: &str, network: &str, containers: Vec<ContainerStatus>) -> GroupStatus {
    GroupStatus {
        name: name.to_owned(),
        subnet: format!("{network}.0/24"),
        host_address: format!("{network}.10"),
        bridge: format!("br-{name}"),
        problem: None,
        hint: None,
        next_try_ms: None,
        obstacles: Vec::new(),
        containers,
    }
}

const CARD: &str = "NVIDIA GeForce RTX 3050 6GB Laptop GPU";

/// A container that uses a graphics processor.
pub(crate) fn with_gpu(mut container: ContainerStatus) -> ContainerStatus {
    container.gpus = vec![ContainerGpu {
        label: "nvidia0".to_owned(),
        pci: Some("0000:01:00.0".to_owned()),
        name: CARD.to_owned(),
        memory: Some(2_254_857_830),
        utilisation: Some(37),
    }];
    container.gpu_memory = Some(2_254_857_830);
    container.gpu_utilisation = Some(37);
    container
}

/// The group of the reference on a laptop: one has its graphics processor, one waits for it, one has none.
pub(crate) fn laptop() -> HostStatus {
    let mut host = host();
    let mut containers = host.groups.remove(1).containers;
    containers.truncate(3);
    containers[0] = with_gpu(containers[0].clone());
    containers[2].reason = Some("gpu (nvidia-uvm)".to_owned());
    host_of(containers)
}

/// A laptop's graphics processors.
pub(crate) fn gpus() -> Vec<Gpu> {
    let nodes = |names: &[&str]| names.iter().map(|it| format!("/dev/{it}")).collect();
    vec![
        Gpu {
            vendor: "intel".to_owned(),
            pci: Some("0000:00:02.0".to_owned()),
            name: "Intel 8086:9a60".to_owned(),
            driver: Some("i915".to_owned()),
            nodes: nodes(&["dri/card1", "dri/renderD128"]),
            ..Gpu::default()
        },
        Gpu {
            vendor: "nvidia".to_owned(),
            pci: Some("0000:01:00.0".to_owned()),
            uuid: Some("GPU-5a4c6f1e-0b7d-4c35-9f0a-6d2f6f3f6c11".to_owned()),
            name: CARD.to_owned(),
            driver: Some("nvidia".to_owned()),
            driver_version: Some("550.78".to_owned()),
            memory_total: Some(6 << 30),
            memory_used: Some(2_362_232_013),
            utilisation: Some(38),
            nodes: nodes(&["nvidia0", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools"]),
            used_by: vec!["ml/ollama".to_owned()],
            ..Gpu::default()
        },
    ]
}

/// What is found on a laptop whose second module is not loaded, and where nobody made a specification.
pub(crate) fn gpu_findings() -> Vec<GpuFinding> {
    let finding = |severity, subject: &str, what: &str, hint: Option<&str>| GpuFinding {
        severity,
        subject: subject.to_owned(),
        what: what.to_owned(),
        hint: hint.map(str::to_owned),
    };
    vec![
        finding(
            GpuSeverity::Ok,
            "Intel 8086:9a60 (0000:00:02.0)",
            "is usable: i915, 2 device nodes",
            None,
        ),
        finding(
            GpuSeverity::Problem,
            &format!("{CARD} (0000:01:00.0)"),
            "lacks nvidia-uvm",
            Some(
                "`modprobe nvidia-uvm` loads it now, and ctrd asks for it when a container needs \
                 it; if that fails, the modules are of another kernel than the running one: \
                 restart the host",
            ),
        ),
        finding(
            GpuSeverity::Hint,
            "the NVIDIA driver",
            "loses what is in the card's memory when the host sleeps: programs that use CUDA fail \
             after it",
            Some(
                "on NixOS set `hardware.nvidia.powerManagement.enable`; elsewhere give the module \
                 `NVreg_PreserveVideoMemoryAllocations=1` in /etc/modprobe.d and enable \
                 nvidia-suspend.service, nvidia-hibernate.service and nvidia-resume.service. A \
                 host that never sleeps needs none of it",
            ),
        ),
        finding(
            GpuSeverity::Problem,
            "ml/comfyui",
            "waits for gpu (nvidia-uvm)",
            Some(
                "it starts by itself when that is there; `ctr ml status comfyui` says more, and \
                 `optional = true` in its `gpu` starts it without",
            ),
        ),
    ]
}
