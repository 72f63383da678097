//! What a guest may: pure.
//!
//! A guest gets what its kind needs and no more: one that boots an init more than one that runs a
//! command, one with users of its own more than one whose root is the host's, for whom a capability is
//! the real one.

use std::collections::BTreeSet;

use zbus::Variant;

use crate::gpu::Node;
use crate::model::{Capability, Container, Program, UserMode};

use Capability as C;

/// What a program with root's rights needs to change users, own files and serve.
const EVERY_GUEST: [Capability; 10] = [
    C::AuditWrite,
    C::Chown,
    C::DacOverride,
    C::Fowner,
    C::Fsetid,
    C::Kill,
    C::Setgid,
    C::Setpcap,
    C::Setuid,
    C::SysChroot,
];

/// What an init and a package manager need besides: mounts, namespaces for units, a reboot, and a
/// look at every process.
const EVERY_BOOT: [Capability; 5] = [
    C::IpcOwner,
    C::Setfcap,
    C::SysAdmin,
    C::SysBoot,
    C::SysPtrace,
];

/// System calls that no guest needs and that have led out of many: the kernel's own keys, programs
/// and events, memory faults served by a program, files opened past their path, rings of calls that no
/// filter sees, and what sets the machine's clock, swap, ports and modules.
///
/// Each by its own name: nspawn leaves a name out of its allow list where it stands there, and a
/// group (`@mount`) only where the same group does (`seccomp_add_syscall_filter_item()` in systemd's
/// src/shared/seccomp-util.c).
const NO_GUEST: &[&str] = &[
    "acct",
    "add_key",
    "adjtimex",
    "bpf",
    "clock_adjtime",
    "clock_adjtime64",
    "clock_settime",
    "clock_settime64",
    "delete_module",
    "finit_module",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "modify_ldt",
    "open_by_handle_at",
    "perf_event_open",
    "quotactl",
    "quotactl_fd",
    "request_key",
    "settimeofday",
    // Of 32-bit x86 alone: it would make sockets of the families that are closed below.
    "socketcall",
    "swapoff",
    "swapon",
    "userfaultfd",
    "vm86",
    "vm86old",
];

/// What goes with `CAP_SYS_ADMIN`: mounts and namespaces.
const WITH_SYS_ADMIN: &[&str] = &[
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "pivot_root",
    "setns",
    "umount",
    "umount2",
    "unshare",
];

/// What a guest may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    /// The capabilities that its root has at most.
    pub capabilities: BTreeSet<Capability>,
    /// Nothing that it executes gains rights: `sudo` and other setuid programs do not work.
    pub no_new_privileges: bool,
    /// The system calls that fail with `EPERM`, besides those that systemd-nspawn lets through for
    /// no guest.
    pub denied_calls: BTreeSet<&'static str>,
}

impl Confinement {
    /// What this container may.
    pub fn of(container: &Container) -> Self {
        let boots = matches!(container.program, Program::Boot { .. });
        let own = container.users == UserMode::Own;
        let mut capabilities: BTreeSet<Capability> = EVERY_GUEST.into();
        if boots {
            capabilities.extend(EVERY_BOOT);
        }
        if own {
            // Both count for nothing outside of the guest's own users.
            capabilities.insert(C::Setfcap);
            if boots {
                capabilities.extend([C::DacReadSearch, C::SysNice]);
            }
        } else {
            // With users of its own a guest binds low ports by the namespace's sysctl.
            capabilities.insert(C::NetBindService);
        }
        capabilities.extend(&container.capabilities);
        let mut denied_calls: BTreeSet<&str> = NO_GUEST.iter().copied().collect();
        if !capabilities.contains(&C::SysAdmin) {
            denied_calls.extend(WITH_SYS_ADMIN);
        }
        if !capabilities.contains(&C::SysBoot) {
            denied_calls.insert("reboot");
        }
        Self {
            capabilities,
            // A boot has logins, and a login has su and sudo.
            no_new_privileges: !boots,
            denied_calls,
        }
    }

    /// The flags of systemd-nspawn(1) that say so.
    ///
    /// Every capability is in one of the two lists: what nspawn keeps by default differs between its
    /// versions.
    pub fn flags(&self) -> Vec<String> {
        let names = |kept: bool| {
            let names = Capability::ALL
                .iter()
                .filter(|it| self.capabilities.contains(it) == kept);
            names.map(|it| it.as_str()).collect::<Vec<_>>().join(",")
        };
        let denied: Vec<&str> = self.denied_calls.iter().copied().collect();
        let mut flags = vec![
            format!("--capability={}", names(true)),
            format!("--drop-capability={}", names(false)),
            format!("--system-call-filter=~{}", denied.join(" ")),
        ];
        if self.no_new_privileges {
            flags.push("--no-new-privileges=yes".to_owned());
        }
        flags
    }
}

/// How many lines a guest may write into the host's journal within [`LOG_INTERVAL_USEC`], before
/// journald lets more through for a disk with much room (journald.conf(5), `RateLimitBurst=`). Half of what a
/// service of the host may.
pub const LOG_BURST: u32 = 5_000;
/// In microseconds.
pub const LOG_INTERVAL_USEC: u64 = 30_000_000;

/// The devices that a guest can open besides the harmless ones of `DevicePolicy=closed`
/// (systemd.resource-control(5)).
///
/// `m` is making a node without opening it: systemd-nspawn makes these two for every guest and ends
/// where it may not.
pub const DEVICES: [(&str, &str); 3] = [
    ("/dev/net/tun", "m"),
    ("char-pts", "rw"),
    ("/dev/fuse", "m"),
];

/// The sockets that a guest can make. Others have no network namespace, as `AF_VSOCK`, which leads
/// past every firewall to the hypervisor or into the host, or are doors into the kernel that few
/// programs use, as `AF_ALG`.
pub const ADDRESS_FAMILIES: [&str; 5] =
    ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_UNIX"];

/// How an entry begins that stands for a node by its numbers: systemd needs no such node to be there
/// (`device_path_parse_major_minor()` in systemd's src/basic/devnum-util.c).
pub(super) const BY_NUMBER: &str = "/dev/char/";

/// The entries of the unit's list of devices, `DeviceAllow=`, of a guest that is given these nodes.
pub(super) fn devices(nodes: &[Node]) -> impl Iterator<Item = (String, String)> + '_ {
    let every = DEVICES
        .iter()
        .map(|(node, mode)| ((*node).to_owned(), (*mode).to_owned()));
    let given = nodes.iter().map(|node| {
        let number = format!("{BY_NUMBER}{}:{}", node.major, node.minor);
        (number, "rw".to_owned())
    });
    every.chain(given)
}

/// The unit's properties that hold a guest down that is given these nodes.
pub fn properties(nodes: &[Node]) -> Vec<(&'static str, Variant<'static>)> {
    let devices: Vec<(String, String)> = devices(nodes).collect();
    vec![
        ("DevicePolicy", Variant::from("closed".to_owned())),
        ("DeviceAllow", Variant::from(devices)),
        ("LogRateLimitIntervalUSec", Variant::from(LOG_INTERVAL_USEC)),
        ("LogRateLimitBurst", Variant::from(LOG_BURST)),
        (
            // `true` is an allow list.
            "RestrictAddressFamilies",
            Variant::from((true, ADDRESS_FAMILIES.map(str::to_owned).to_vec())),
        ),
        // A dump would be handed to the host's own program (core(5)), which runs as root.
        ("LimitCORE", Variant::from(0_u64)),
        ("LimitCORESoft", Variant::from(0_u64)),
    ]
}

/// How much of a kernel resource a guest's users may hold: the file's name in `/proc/sys/user`
/// (namespaces(7)) and the most that each user of the guest can have.
pub type Bound = (&'static str, u64);

/// What the kernel shares out by user namespace. Without a bound of its own a guest can use up
/// what the host's root has, for every guest together.
///
/// A guest with the host's users has no user namespace to be bounded by.
pub fn bounds(container: &Container) -> &'static [Bound] {
    match (container.users, &container.program) {
        (UserMode::Host, _) => &[],
        (UserMode::Own, Program::Boot { .. }) => &[
            ("max_cgroup_namespaces", 64),
            ("max_fanotify_groups", 16),
            ("max_inotify_instances", 128),
            ("max_inotify_watches", 65_536),
            ("max_ipc_namespaces", 64),
            ("max_mnt_namespaces", 512),
            ("max_net_namespaces", 64),
            ("max_pid_namespaces", 64),
            ("max_time_namespaces", 64),
            ("max_user_namespaces", 64),
            ("max_uts_namespaces", 64),
        ],
        (UserMode::Own, Program::Command { .. }) => &[
            // One of most nspawn makes for the guest itself, of cgroups only after the guest
            // is registered.
            ("max_cgroup_namespaces", 1),
            ("max_fanotify_groups", 0),
            ("max_inotify_instances", 64),
            ("max_inotify_watches", 65_536),
            ("max_ipc_namespaces", 1),
            ("max_mnt_namespaces", 4),
            ("max_net_namespaces", 0),
            ("max_pid_namespaces", 1),
            ("max_time_namespaces", 0),
            ("max_user_namespaces", 0),
            ("max_uts_namespaces", 1),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::{Confinement, bounds};
    use crate::machine::test_container;
    use crate::model::{Capability, Container, Program, UserMode};

    fn kinds() -> [Container; 4] {
        let command = test_container("command");
        let mut boots = test_container("boots");
        boots.program = Program::Boot {
            enable: Vec::new(),
            environment: [].into(),
        };
        let host = |it: &Container| Container {
            users: UserMode::Host,
            ..it.clone()
        };
        [host(&command), host(&boots), command, boots]
    }

    #[test]
    fn no_guest_has_what_reaches_the_kernel() {
        for container in kinds() {
            let capabilities = Confinement::of(&container).capabilities;
            assert!(!capabilities.iter().any(|it| it.is_the_hosts()));
            for never in [
                Capability::SysResource,
                Capability::Mknod,
                Capability::LinuxImmutable,
                Capability::NetAdmin,
                Capability::NetRaw,
            ] {
                assert!(!capabilities.contains(&never), "{never}");
            }
        }
    }

    #[test]
    fn a_command_gains_nothing_and_mounts_nothing() {
        let confinement = Confinement::of(&test_container("hello"));
        assert!(confinement.no_new_privileges);
        assert!(!confinement.capabilities.contains(&Capability::SysAdmin));
        assert!(confinement.denied_calls.contains("mount"));
        let users = ("max_user_namespaces", 0);
        assert!(bounds(&test_container("hello")).contains(&users));
    }

    #[test]
    fn what_is_declared_is_added_with_its_calls() {
        let mut container = test_container("hello");
        container.capabilities = [Capability::SysAdmin].into();
        let confinement = Confinement::of(&container);
        assert!(confinement.capabilities.contains(&Capability::SysAdmin));
        assert!(!confinement.denied_calls.contains("mount"));
        assert!(confinement.denied_calls.contains("bpf"));
    }

    #[test]
    fn every_capability_is_kept_or_dropped_by_name() {
        for container in kinds() {
            let flags = Confinement::of(&container).flags();
            let count = |flag: &str| {
                let names = flags.iter().find_map(|it| it.strip_prefix(flag));
                names.expect("the flag").split(',').count()
            };
            let all = count("--capability=") + count("--drop-capability=");
            assert_eq!(all, Capability::ALL.len());
        }
    }
}
