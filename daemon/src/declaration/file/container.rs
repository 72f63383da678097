//! One container and the tables within it.

use std::net::Ipv4Addr;

use toml::de::DeValue;

use super::credential::Credential;
use super::shape::{Key, Presence, Shape, Table, table};
use crate::declaration::collect::Collector;
use crate::declaration::place::{At, Place};
use crate::declaration::read::{Entries, Read, TableReader, mismatch};
use crate::declaration::value::{
    AbsolutePath, ActionName, CdiNames, Cpus, Devices, HostUserName, Line, Mode, Number, Policy,
    PortNumber, Reference, Remark, Scheme, Size, Time, UnitName, UserName, Users, VariableName,
    VariableValue, Word,
};
use crate::model::{Capability, ContainerName, CredentialId, GpuVendors, Protocol};

table! {
    /// One container.
    Container is "a container" in "`[groups.<group>.containers.<container>]`" {
        /// What it is for.
        Optional description: Line = "description", r#""LLM inference""#;
        /// Other names it answers to within its group.
        Optional aliases: Vec<At<ContainerName>> = "aliases", r#"["pg"]"#;
        /// Its address in the group's subnet.
        Required address: Ipv4Addr = "address", r#""192.168.200.11""#;
        /// Start it with the host.
        Optional autostart: bool = "autostart", "true";
        /// What it lacks in order to start.
        Optional missing: Missing = "missing", r#"{ what = "no model" }"#;
        /// Where its files come from.
        Required root: Root = "root", r#"{ tree = "/var/lib/machines/debian" }"#;
        /// Its own state is dropped when it stops.
        Optional ephemeral: bool = "ephemeral", "true";
        /// Whose users it runs as.
        Optional users: Users = "users", r#""own""#;
        /// What it may besides what its kind of guest gets.
        Optional capabilities: Vec<At<Capability>> = "capabilities", r#"["CAP_IPC_LOCK"]"#;
        /// The root's own init runs.
        Optional boot: bool = "boot", "true";
        /// Units pulled in besides the default target.
        Optional enable: Vec<At<UnitName>> = "enable", r#"["caddy.service"]"#;
        /// One process runs.
        Optional command: Vec<At<Word>> = "command", r#"["/usr/bin/python3", "-m", "http.server"]"#;
        /// The user that runs it.
        Optional user: UserName = "user", r#""www-data""#;
        /// Where it starts.
        Optional working_directory: AbsolutePath = "working-directory", r#""/srv/www""#;
        /// Variables set for the init or the process.
        Optional environment: Entries<VariableName, VariableValue> = "environment",
            r#"{ LANG = "C.UTF-8" }"#;
        /// The ports it serves.
        Optional ports: Vec<At<Port>> = "ports", r#"[{ port = 8080, url = "http" }]"#;
        /// Directories of the host that it sees.
        Optional binds: Vec<At<Bind>> = "binds",
            r#"[{ host = "/srv/models", guest = "/var/lib/models", create = true }]"#;
        /// Small files put into it, by the path in the guest.
        Optional files: Entries<AbsolutePath, FileEntry> = "files",
            r#"{ "/etc/motd" = { text = "hello\n" } }"#;
        /// Containers that are ready before it starts.
        Optional after: Vec<At<Reference>> = "after", r#"["dev/postgres"]"#;
        /// How long it may take from its start to ready.
        Optional start_timeout: Time = "start-timeout", r#""90s""#;
        /// Bounds on what it uses.
        Optional limits: Limits = "limits", r#"{ memory-max = "8G", cpus = 4.0 }"#;
        /// What happens when it ends by itself.
        Optional restart: Restart = "restart", r#"{ policy = "on-failure" }"#;
        /// Commands that people run in it, by name.
        Optional actions: Entries<ActionName, Action> = "actions",
            r#"{ list = { command = ["ollama", "list"] } }"#;
        /// How to find out whether it works.
        Optional health: Health = "health", "{ tcp = 5432 }";
        /// Graphics processors that it is given.
        Optional gpu: Gpu = "gpu", r#"{ vendor = "nvidia" }"#;
        /// Secrets that it is given, by name.
        Optional credentials: Entries<CredentialId, Credential> = "credentials",
            r#"{ token = { generate = true }, password = "/run/secrets/x" }"#;
    }
}

table! {
    /// What a container lacks in order to start.
    Missing is "what is missing" in "`missing`" {
        /// In a few words.
        Required what: Remark = "what", r#""no model""#;
        /// What a person can do about it.
        Optional hint: Remark = "hint", r#""set a model, such as \"llama3\"""#;
    }
}

table! {
    /// Where a container's files come from: one of its keys.
    Root is "a root" in "`root`" {
        /// A base tree that many containers share.
        Optional tree: AbsolutePath = "tree", r#""/var/lib/machines/debian""#;
        /// A tree of its own.
        Optional directory: AbsolutePath = "directory", r#""/var/lib/machines/web""#;
        /// A NixOS system.
        Optional nixos: AbsolutePath = "nixos", r#""/nix/store/…-nixos-system-web""#;
    }
}

table! {
    /// A port that a container serves.
    Port is "a port" in "`ports`" {
        /// Its number.
        Required port: PortNumber = "port", "8080";
        /// Its protocol.
        Optional protocol: Protocol = "protocol", r#""tcp""#;
        /// The scheme of its address for people.
        Optional url: Scheme = "url", r#""http""#;
        /// The credential that its address for people carries.
        Optional token: CredentialId = "token", r#""token""#;
        /// Where the host offers it.
        Optional publish: Publish = "publish", "{ host-port = 18080 }";
    }
}

table! {
    /// Where the host offers a port.
    Publish is "a published port" in "`publish`" {
        /// The port on the host.
        Required host_port: PortNumber = "host-port", "18080";
        /// The address of the host.
        Optional address: Ipv4Addr = "address", r#""127.0.0.1""#;
    }
}

table! {
    /// A directory or file of the host that a container sees.
    Bind is "a bind" in "`binds`" {
        /// The path on the host.
        Required host: AbsolutePath = "host", r#""/srv/models""#;
        /// The path in the guest.
        Required guest: AbsolutePath = "guest", r#""/var/lib/models""#;
        /// The guest cannot write to it.
        Optional read_only: bool = "read-only", "true";
        /// Make the directory where it is missing.
        Optional create: bool = "create", "true";
        /// It holds data that a person would miss.
        Optional data: bool = "data", "true";
        /// The user of the guest that its files belong to.
        Optional owner: UserName = "owner", r#""ollama""#;
        /// The user of the host that its files belong to.
        Optional host_owner: HostUserName = "host-owner", r#""alice""#;
    }
}

table! {
    /// A small file put into a guest.
    FileEntry is "a file" in "`files.\"<path>\"`" {
        /// Its text.
        Required text: String = "text", r#""hello\n""#;
        /// Its permissions.
        Optional mode: Mode = "mode", r#""0644""#;
    }
}

table! {
    /// A command that people run in a guest.
    Action is "an action" in "`actions.<action>`" {
        /// Its words.
        Required command: Vec<At<Word>> = "command", r#"["psql"]"#;
        /// The user of the guest that runs it.
        Optional user: UserName = "user", r#""postgres""#;
        /// It wants a terminal.
        Optional terminal: bool = "terminal", "true";
    }
}

table! {
    /// Bounds on what a container uses.
    Limits is "a table of limits" in "`limits`" {
        /// Bytes of memory.
        Optional memory_max: Size = "memory-max", r#""8G""#;
        /// Bytes of memory above which it is slowed down.
        Optional memory_high: Size = "memory-high", r#""6G""#;
        /// Processors.
        Optional cpus: Cpus = "cpus", "4.0";
        /// Share of the processors under contention.
        Optional cpu_weight: Number = "cpu-weight", "100";
        /// Processes and threads.
        Optional tasks_max: Number = "tasks-max", "4096";
    }
}

table! {
    /// What happens when a container ends by itself.
    Restart is "a restart policy" in "`restart`" {
        /// When it is started again.
        Optional policy: Policy = "policy", r#""on-failure""#;
        /// The pause before the first restart.
        Optional delay: Time = "delay", r#""1s""#;
        /// The longest pause.
        Optional max_delay: Time = "max-delay", r#""1min""#;
        /// A run of this length ends a row of failures.
        Optional window: Time = "window", r#""1min""#;
        /// A container that turns unhealthy has failed.
        Optional on_unhealthy: bool = "on-unhealthy", "true";
    }
}

table! {
    /// How to find out whether a container works: one of `http`, `tcp` and `command`.
    Health is "a health probe" in "`health`" {
        /// A request that has to succeed.
        Optional http: HealthHttp = "http", r#"{ port = 8080, path = "/" }"#;
        /// A port that has to accept a connection.
        Optional tcp: PortNumber = "tcp", "5432";
        /// A command that has to succeed.
        Optional command: Vec<At<Word>> = "command", r#"["pg_isready"]"#;
        /// The user of the guest that runs the command.
        Optional user: UserName = "user", r#""postgres""#;
        /// From the beginning of one probe to that of the next.
        Optional interval: Time = "interval", r#""10s""#;
        /// How long a probe may take.
        Optional timeout: Time = "timeout", r#""2s""#;
        /// The same as `interval`, until the first success.
        Optional start_interval: Time = "start-interval", r#""1s""#;
        /// How many failures in a row make it unhealthy.
        Optional failures: Number = "failures", "3";
        /// How many successes in a row make an unhealthy one healthy.
        Optional successes: Number = "successes", "1";
    }
}

table! {
    /// Graphics processors that a container is given: by `vendor`, or by `cdi`.
    Gpu is "a choice of graphics processors" in "`gpu`" {
        /// Whose they are.
        Optional vendor: GpuVendors = "vendor", r#""nvidia""#;
        /// Which of those.
        Optional devices: Devices = "devices", r#"[0, "0000:01:00.0"]"#;
        /// Which, as specifications of the Container Device Interface name them.
        Optional cdi: CdiNames = "cdi", r#"["nvidia.com/gpu=all"]"#;
        /// It starts without those that are not there.
        Optional optional: bool = "optional", "true";
    }
}

table! {
    /// A request that has to succeed.
    HealthHttp is "an HTTP probe" in "`health.http`" {
        /// The port in the guest.
        Required port: PortNumber = "port", "8080";
        /// The path of the request.
        Optional path: Word = "path", r#""/health""#;
        /// The statuses that are a success.
        Optional status: Vec<At<Number>> = "status", "[200]";
        /// The name that is asked for.
        Optional host: Word = "host", r#""www.example.org""#;
    }
}
