//! A declaration of every kind of key yields the model it should.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use ctr_api::{RESERVED_FOR_LATER, RESERVED_GROUP_NAMES};
use ctrd::declaration::parse;
use ctrd::model::{
    ActionCommand, Bind, Container, ContainerId, CredentialSource, FileContent, Limits, Model,
    Port, Program, Protocol, Publish, Reach, Restart, RestartPolicy, Root, UserMode,
};

const DECLARATION: &str = r#"
schema = 1

[groups.ml]
subnet = "192.168.200.0/24"
host-address = "192.168.200.10"
reach = []
host-ports = []

[groups.ml.containers.ollama]
description = "LLM inference"
address = "192.168.200.11"
autostart = true
root = { nixos = "/nix/store/abc-nixos-system-ml-ollama" }
ports = [{ port = 11434, url = "http" }]
binds = [{ host = "/var/lib/ollama/models", guest = "/var/lib/ollama/models", create = true, data = true, owner = "ollama", host-owner = "alice" }]
start-timeout = "2min"
limits = { memory-max = "8G", cpus = 4.0, tasks-max = 4096 }
restart = { policy = "on-failure", delay = "1s", max-delay = "1min" }
actions.list = { command = ["ollama", "list"] }

[groups.dev]
description = "Development"
subnet = "192.168.210.0/24"
host-address = "192.168.210.10"
reach = ["ml", "lab/hello"]
host-ports = [53]

[groups.dev.containers.dev-ml]
address = "192.168.210.11"
root = { directory = "/var/lib/machines/dev-ml/" }
enable = ["jupyter.service"]
environment = { LANG = "C.UTF-8" }

[groups.dev.containers.postgres]
aliases = ["pg"]
address = "192.168.210.15"
root = { tree = "/var/lib/machines/debian" }
ports = [{ port = 5432 }]
after = ["ml/ollama"]
actions.psql = { command = ["psql"], user = "postgres", terminal = true }

[groups.lab]
subnet = "10.77.3.0/24"
host-address = "10.77.3.10"

[groups.lab.containers.hello]
address = "10.77.3.11"
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/python3", "-m", "http.server", "8080"]
user = "nobody"
working-directory = "/srv"
ports = [{ port = 8080, url = "http", token = "token", publish = { host-port = 18080 } }, { port = 53, protocol = "udp", publish = { host-port = 53, address = "127.0.0.1" } }]
files."/etc/motd" = { text = "hello\n" }
files."/etc/secret" = { text = "x", mode = "0600" }
credentials = { token = { generate = true }, password = "/run/secrets/x", key = { path = "/etc/key" } }
limits = { memory-max = 33554432, memory-high = "16M", cpus = 0.5, cpu-weight = 50 }
restart = { policy = "never", delay = "500ms", max-delay = "1min 30s" }
ephemeral = true
users = "host"
"#;

fn model() -> Model {
    match parse("declaration.toml", DECLARATION.as_bytes()) {
        Ok(parsed) => {
            assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
            (*parsed.model).clone()
        }
        Err(problems) => panic!("{problems}"),
    }
}

fn id(group: &str, name: &str) -> ContainerId {
    ContainerId {
        group: group.parse().expect("a group's name"),
        name: name.parse().expect("a container's name"),
    }
}

fn container(group: &str, name: &str) -> Container {
    let model = model();
    let container = model.container(&id(group, name)).expect("it is declared");
    container.clone()
}

/// What a container is of which nothing but the necessary is said.
fn plain(group: &str, name: &str, address: [u8; 4], root: Root) -> Container {
    let id = id(group, name);
    Container {
        machine: id.machine().expect("it is short"),
        id,
        description: String::new(),
        aliases: Vec::new(),
        address: address.into(),
        autostart: false,
        missing: None,
        root,
        program: Program::Boot {
            enable: Vec::new(),
            environment: BTreeMap::new(),
        },
        ports: Vec::new(),
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
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn groups_have_their_networks_and_policies() {
    let model = model();
    assert_eq!(model.nameservers, None);
    let names: Vec<&str> = model.groups.keys().map(AsRef::as_ref).collect();
    assert_eq!(names, ["dev", "lab", "ml"]);
    let dev = &model.groups[&id("dev", "x").group];
    assert_eq!(dev.name.as_str(), "dev");
    assert_eq!(dev.description, "Development");
    assert_eq!(dev.subnet.to_string(), "192.168.210.0/24");
    assert_eq!(dev.host_address, Ipv4Addr::new(192, 168, 210, 10));
    assert_eq!(dev.bridge.as_str(), "br-dev");
    assert_eq!(
        dev.reach,
        [
            Reach::Group(id("ml", "x").group),
            Reach::Container(id("lab", "hello"))
        ]
    );
    assert_eq!(dev.host_ports, [53]);
    let ml = &model.groups[&id("ml", "x").group];
    assert_eq!(
        (ml.description.as_str(), ml.reach.len(), ml.host_ports.len()),
        ("", 0, 0)
    );
}

#[test]
fn name_servers_are_kept_in_their_order() {
    let text = b"schema = 1\nnameservers = [\"9.9.9.9\", \"1.1.1.1\"]";
    let model = parse("declaration.toml", text).expect("it is right").model;
    let servers = [Ipv4Addr::new(9, 9, 9, 9), Ipv4Addr::new(1, 1, 1, 1)];
    assert_eq!(model.nameservers, Some(servers.to_vec()));
}

#[test]
fn what_is_not_said_has_its_default() {
    let root = Root::Directory("/var/lib/machines/dev-ml".into());
    let expected = Container {
        program: Program::Boot {
            enable: words(&["jupyter.service"]),
            environment: [("LANG".to_owned(), "C.UTF-8".to_owned())].into(),
        },
        ..plain("dev", "dev-ml", [192, 168, 210, 11], root)
    };
    let container = container("dev", "dev-ml");
    assert_eq!(container, expected);
    assert_eq!(container.machine.as_str(), "dev-ml");
}

#[test]
fn a_nixos_guest_with_data_and_limits() {
    let root = Root::Nixos("/nix/store/abc-nixos-system-ml-ollama".into());
    let expected = Container {
        description: "LLM inference".to_owned(),
        autostart: true,
        missing: None,
        ports: vec![Port {
            port: 11434,
            protocol: Protocol::Tcp,
            url: Some("http".to_owned()),
            token: None,
            publish: None,
        }],
        binds: vec![Bind {
            host: "/var/lib/ollama/models".into(),
            guest: "/var/lib/ollama/models".into(),
            read_only: false,
            create: true,
            data: true,
            owner: Some("ollama".to_owned()),
            host_owner: Some("alice".to_owned()),
        }],
        start_timeout: Duration::from_secs(120),
        limits: Limits {
            memory_max: Some(8 << 30),
            memory_high: None,
            milli_cpus: Some(4000),
            cpu_weight: None,
            tasks_max: Some(4096),
        },
        actions: [(
            "list".to_owned(),
            ActionCommand {
                command: words(&["ollama", "list"]),
                user: None,
                terminal: false,
            },
        )]
        .into(),
        ..plain("ml", "ollama", [192, 168, 200, 11], root)
    };
    assert_eq!(container("ml", "ollama"), expected);
}

#[test]
fn a_guest_with_an_alias_that_waits_for_another() {
    let root = Root::Tree("/var/lib/machines/debian".into());
    let expected = Container {
        aliases: vec!["pg".parse().expect("a name")],
        ports: vec![Port {
            port: 5432,
            protocol: Protocol::Tcp,
            url: None,
            token: None,
            publish: None,
        }],
        after: vec![id("ml", "ollama")],
        actions: [(
            "psql".to_owned(),
            ActionCommand {
                command: words(&["psql"]),
                user: Some("postgres".to_owned()),
                terminal: true,
            },
        )]
        .into(),
        ..plain("dev", "postgres", [192, 168, 210, 15], root)
    };
    assert_eq!(container("dev", "postgres"), expected);
}

#[test]
fn a_guest_that_runs_one_command() {
    let root = Root::Tree("/var/lib/machines/debian".into());
    let file = |text: &str, mode| FileContent {
        text: text.to_owned(),
        mode,
    };
    let publish = |host_port, address| Some(Publish { host_port, address });
    let expected = Container {
        program: Program::Command {
            command: words(&["/usr/bin/python3", "-m", "http.server", "8080"]),
            user: Some("nobody".to_owned()),
            environment: BTreeMap::new(),
            working_directory: Some("/srv".into()),
        },
        ports: vec![
            Port {
                port: 8080,
                protocol: Protocol::Tcp,
                url: Some("http".to_owned()),
                token: Some("token".parse().expect("a name")),
                publish: publish(18080, None),
            },
            Port {
                port: 53,
                protocol: Protocol::Udp,
                url: None,
                token: None,
                publish: publish(53, Some(Ipv4Addr::LOCALHOST)),
            },
        ],
        files: [
            ("/etc/motd".into(), file("hello\n", 0o644)),
            ("/etc/secret".into(), file("x", 0o600)),
        ]
        .into(),
        credentials: [
            ("token", CredentialSource::Generated),
            ("password", CredentialSource::File("/run/secrets/x".into())),
            ("key", CredentialSource::File("/etc/key".into())),
        ]
        .map(|(id, source)| (id.parse().expect("a name"), source))
        .into(),
        limits: Limits {
            memory_max: Some(32 << 20),
            memory_high: Some(16 << 20),
            milli_cpus: Some(500),
            cpu_weight: Some(50),
            tasks_max: None,
        },
        restart: Restart {
            policy: RestartPolicy::Never,
            delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(90),
            window: Duration::from_secs(60),
            on_unhealthy: false,
        },
        ephemeral: true,
        users: UserMode::Host,
        capabilities: std::collections::BTreeSet::new(),
        ..plain("lab", "hello", [10, 77, 3, 11], root)
    };
    assert_eq!(container("lab", "hello"), expected);
}

#[test]
fn problems_travel_with_their_place() {
    let text =
        b"schema = 1\n\n[groups.ml]\nsubnet = \"10.0.0.1/24\"\nhost-address = \"10.0.0.1\"\n";
    let problems = parse("/etc/ctr/containers.toml", text).expect_err("bits are set");
    let wire = problems.to_wire();
    let [problem] = wire.as_slice() else {
        panic!("{problems}")
    };
    assert_eq!(problem.file, "/etc/ctr/containers.toml");
    assert_eq!((problem.line, problem.column), (4, 10));
    assert_eq!(problem.key, "groups.ml.subnet");
    assert_eq!(
        problem.message,
        "10.0.0.1/24 has bits set behind its prefix"
    );
    assert_eq!(problem.hint.as_deref(), Some("write \"10.0.0.0/24\""));
    assert!(
        problem.rendered.contains("/etc/ctr/containers.toml:4:10"),
        "{}",
        problem.rendered
    );
}

#[test]
fn the_reference_shows_what_is_true() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/reference/declaration.md"
    );
    let reference = std::fs::read_to_string(path).expect("the reference is there");
    let block = |kind: &str| {
        let (_, after) = reference
            .split_once(&format!("\n```{kind}\n"))
            .expect("a block");
        let (block, _) = after.split_once("```\n").expect("its end");
        block.to_owned()
    };
    let declaration = block("toml");
    let parsed = parse("containers.toml", declaration.as_bytes());
    assert!(parsed.expect("it is right").warnings.is_empty());
    let wrong = declaration.replace("10.77.3.11", "10.77.4.11");
    let problems = parse("containers.toml", wrong.as_bytes()).expect_err("it is outside");
    assert_eq!(problems.to_string(), block("text"));
    for name in RESERVED_GROUP_NAMES.iter().chain(RESERVED_FOR_LATER) {
        assert!(reference.contains(&format!("`{name}`")), "{name}");
    }
}
