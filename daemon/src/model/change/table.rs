//! The table: every key of the declaration, what a change of it takes and does.

use super::Class;

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
        Metrics "metrics" Live: "served there from now on",
        LoadGpuModules "load-gpu-modules" Live: "counts from the next module that is missing on",
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
        Missing "missing" Later: "matters before a start: one that waited for it starts when it is gone",
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
        RestartWindow "restart.window" Live: "counts at the next end",
        RestartOnUnhealthy "restart.on-unhealthy" Live: "decides at once, also of a guest that is unhealthy",
        Health "health" Live: "probed so from now on; what was found out holds until then",
        HealthInterval "health.interval" Live: "counts from the next probe on",
        HealthTimeout "health.timeout" Live: "counts from the next probe on",
        HealthStartInterval "health.start-interval" Live: "counts from the next probe on",
        HealthFailures "health.failures" Live: "decides at the next probe",
        HealthSuccesses "health.successes" Live: "decides at the next probe",
        Gpu "gpu" Restart in "gpu": "`vendor` and `cdi`: what comes with it is mounted before the guest's first moment",
        GpuDevices "gpu.devices" Live: "nodes come and go while it runs",
        GpuOptional "gpu.optional" Later: "matters before a start",
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
    pub(super) const fn is_content_of_a_file(self) -> bool {
        matches!(self, Self::FileText | Self::FileMode)
    }
}
