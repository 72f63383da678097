//! What a change of each key of the declaration takes: one table, and which keys two models differ
//! in.
//!
//! Everything that depends on it is made from here: the digests on a running unit, the reasons in a
//! plan, the table in docs/explanation/how-it-converges.md. The values are taken out of the model's
//! structures without `..`, so a field that is added without a key does not compile.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::{
    ActionCommand, Bind, Container, ContainerId, FileContent, Group, Limits, Model, Port, Program,
    Publish, Restart, Root,
};

/// What a change of a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A running guest has it at once.
    Live,
    /// It counts the next time that it matters, and nothing is to be done for it now.
    Later,
    /// A running guest switches to it from inside, where it can.
    Switch,
    /// A running guest cannot follow: it is stopped and started again.
    Restart,
}

impl Class {
    /// The word that people see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Later => "later",
            Self::Switch => "switch",
            Self::Restart => "restart",
        }
    }
}

/// Where a key stands in the declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// At the top.
    Host,
    /// In `[groups.<group>]`.
    Group,
    /// In `[groups.<group>.containers.<container>]`.
    Container,
}

/// A line of the table.
#[derive(Debug)]
struct Row {
    level: Level,
    /// As it is written, from its level on; `*` is a name that the declaration chose.
    name: &'static str,
    class: Class,
    /// The digest on a running unit that it is part of.
    digest: &'static [&'static str],
    effect: &'static str,
}

macro_rules! table {
    ($($level:ident { $($key:ident $name:literal $class:ident $(in $digest:literal)? : $effect:literal,)* })*) => {
        /// A key of the declaration, or keys of one thing that are of one kind.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key {
            $($(#[doc = concat!("`", $name, "`.")] $key,)*)*
        }

        impl Key {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$($(Self::$key,)*)*];

            const fn row(self) -> &'static Row {
                match self {
                    $($(Self::$key => &Row {
                        level: Level::$level,
                        name: $name,
                        class: Class::$class,
                        digest: &[$($digest)?],
                        effect: $effect,
                    },)*)*
                }
            }
        }
    };
}

table! {
    Host {
        Nameservers "nameservers" Live: "each guest's resolv.conf is rewritten",
    }
    Group {
        GroupDescription "description" Live: "shown from now on",
        Subnet "subnet" Restart in "address": "every guest of the group gets its new address",
        HostAddress "host-address" Restart in "address": "every guest of the group gets its new gateway",
        Reach "reach" Live: "the firewall's elements change; established connections go on",
        HostPorts "host-ports" Live: "the firewall's elements change; established connections go on",
    }
    Container {
        Description "description" Live: "shown from now on; the unit's own description follows with the next start",
        Aliases "aliases" Live: "the hosts file of every guest that knows it is rewritten",
        Address "address" Restart in "address": "the address is the guest's from its first moment",
        Autostart "autostart" Later: "matters when the host boots",
        Root "root" Restart in "root": "the guest runs from other files",
        System "root.nixos" Switch in "system": "a guest that boots switches from inside; one that runs a command is restarted",
        Ephemeral "ephemeral" Restart in "ephemeral": "where its state is kept is decided at its start",
        Users "users" Restart in "users": "its users change, and its state is given to them while it is down",
        Capabilities "capabilities" Restart in "capabilities": "what a process may is decided at its start",
        Command "command" Restart in "command": "another program runs; so does a change between `boot` and `command`",
        User "user" Restart in "command": "the program runs as somebody else",
        WorkingDirectory "working-directory" Restart in "command": "the program starts elsewhere",
        Enable "enable" Restart in "enable": "its init gets its units with its first words",
        Environment "environment" Restart in "environment": "a process gets its variables at its start",
        Ports "ports" Live: "the firewall's elements change; established connections go on",
        PortPublish "ports.publish" Live: "the firewall's elements change; established connections go on",
        PortUrl "ports.url" Live: "shown from now on, with `ports.token`",
        Binds "binds" Restart in "binds": "what is mounted is mounted before the guest's first moment: `host`, `guest`, `read-only`",
        BindOwners "binds.owner" Restart in "bind-owners": "with `binds.host-owner`: who owns what is decided by the mount",
        BindCreate "binds.create" Later: "matters before a start",
        BindData "binds.data" Live: "named from now on where data stays",
        Files "files" Restart in "files": "which files there are: each is mounted before the guest's first moment",
        FileText "files.*.text" Live: "rewritten in place",
        FileMode "files.*.mode" Live: "set in place",
        Credential "credentials.*" Restart: "by what it says, and not by where it is read from",
        CredentialSource "credentials.*.path" Later: "with `generate`: where it is read from when it is next read",
        After "after" Later: "matters before a start",
        StartTimeout "start-timeout" Later: "matters at a start",
        MemoryMax "limits.memory-max" Live: "set on the running unit",
        MemoryHigh "limits.memory-high" Live: "set on the running unit",
        Cpus "limits.cpus" Live: "set on the running unit",
        CpuWeight "limits.cpu-weight" Live: "set on the running unit",
        TasksMax "limits.tasks-max" Live: "set on the running unit",
        RestartPolicy "restart.policy" Live: "decides at the next end",
        RestartDelay "restart.delay" Live: "counts from the next pause on",
        RestartMaxDelay "restart.max-delay" Live: "counts from the next pause on",
        Action "actions.*" Live: "counts from the next `ctr … run` on",
    }
}

impl Key {
    /// Where it stands.
    pub const fn level(self) -> Level {
        self.row().level
    }

    /// As it is written, from its level on: `limits.memory-max`. A `*` is a name that the
    /// declaration chose: `files.*.text`.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What a change of it takes.
    pub const fn class(self) -> Class {
        self.row().class
    }

    /// What a change of it does, in a few words.
    pub const fn effect(self) -> &'static str {
        self.row().effect
    }

    /// The digest on a running unit that it is part of, where it has one. That of a credential is
    /// made from what it says, which no model knows.
    pub fn digest(self) -> Option<&'static str> {
        self.row().digest.first().copied()
    }

    /// The key of a container that a digest is called after.
    pub(crate) fn of_digest(digest: &str) -> Option<Self> {
        let mut keys = Self::ALL.iter().copied();
        keys.find(|key| key.level() == Level::Container && key.digest() == Some(digest))
    }

    /// A thing that is declared in another place than its content: without the thing there is
    /// nothing to say about its content.
    const fn is_content_of_a_file(self) -> bool {
        matches!(self, Self::FileText | Self::FileMode)
    }
}

/// A key whose value differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change {
    /// The key.
    pub key: Key,
    /// The name that stands for the `*` of the key.
    pub entry: Option<String>,
}

impl Change {
    /// A change of a key without a name in it.
    pub const fn of(key: Key) -> Self {
        Self { key, entry: None }
    }

    /// What it takes.
    pub const fn class(&self) -> Class {
        self.key.class()
    }
}

impl fmt::Display for Change {
    /// The key as it is written in the declaration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.key.name();
        let (Some((before, after)), Some(entry)) = (name.split_once('*'), &self.entry) else {
            return f.write_str(name);
        };
        let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !entry.is_empty() && entry.chars().all(is_bare) {
            write!(f, "{before}{entry}{after}")
        } else {
            write!(f, "{before}{entry:?}{after}")
        }
    }
}

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
    } = restart;
    into.put(Key::RestartPolicy, None, policy);
    into.put(Key::RestartDelay, None, delay);
    into.put(Key::RestartMaxDelay, None, max_delay);
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
fn group_values(group: &Group, into: &mut impl Values) {
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
fn host_values(model: &Model, into: &mut impl Values) {
    let Model {
        nameservers,
        groups: _,
    } = model;
    into.put(Key::Nameservers, None, nameservers);
}

/// The values as texts, to compare.
#[derive(Default)]
struct Texts(BTreeMap<(Key, Option<String>), String>);

impl Values for Texts {
    fn put<T: Serialize + ?Sized>(&mut self, key: Key, entry: Option<&str>, value: &T) {
        self.0.insert((key, entry.map(str::to_owned)), text(value));
    }
}

/// A value of the model as canonical JSON.
///
/// # Panics
/// Never: no value of a model has a map with keys that are not text.
pub(crate) fn text<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("a model's value is JSON")
}

impl Texts {
    fn changes(&self, new: &Self) -> Vec<Change> {
        let all: BTreeSet<_> = self.0.keys().chain(new.0.keys()).collect();
        let changed = all.into_iter().filter_map(|(key, entry)| {
            let at = (*key, entry.clone());
            let key = match (self.0.get(&at), new.0.get(&at)) {
                (Some(old), Some(new)) => (old != new).then_some(*key),
                // It comes or goes with another: `enable` with `boot`, a text with its file.
                _ if entry.is_none() || key.is_content_of_a_file() => None,
                _ if *key == Key::CredentialSource => Some(Key::Credential),
                _ => Some(*key),
            };
            Some(Change {
                key: key?,
                entry: entry.clone(),
            })
        });
        whole(changed.collect())
    }
}

/// What came or went as a whole is named as a whole: `ports`, and not `ports.publish` besides.
pub(crate) fn whole(changed: Vec<Change>) -> Vec<Change> {
    let names: BTreeSet<&str> = changed.iter().map(|it| it.key.name()).collect();
    let is_part = |it: &Change| {
        let first = it.key.name().split_once('.').map(|(first, _)| first);
        it.entry.is_none() && first.is_some_and(|first| names.contains(first))
    };
    let whole = changed.iter().filter(|it| !is_part(it));
    whole.cloned().collect()
}

/// The keys in which a container that is declared in both models differs, in the order of the table.
/// Empty where one of them does not declare it.
pub fn changes(old: &Model, new: &Model, id: &ContainerId) -> Vec<Change> {
    let values = |model: &Model| {
        let group = model.groups.get(&id.group)?;
        let mut texts = Texts::default();
        host_values(model, &mut texts);
        container_values(group, group.containers.get(&id.name)?, &mut texts);
        Some(texts)
    };
    match (values(old), values(new)) {
        (Some(old), Some(new)) => old.changes(&new),
        _ => Vec::new(),
    }
}

/// The keys of a group itself in which two declarations of it differ.
pub fn group_changes(old: &Group, new: &Group) -> Vec<Change> {
    let values = |group: &Group| {
        let mut texts = Texts::default();
        group_values(group, &mut texts);
        texts
    };
    values(old).changes(&values(new))
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
