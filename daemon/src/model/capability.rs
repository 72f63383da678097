//! The capabilities of capabilities(7).

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! capabilities {
    ($($name:ident $text:literal,)+) => {
        /// One part of what root may do. The order is that of include/uapi/linux/capability.h, so
        /// that the position is the capability's number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is described in capabilities(7) by its name")]
        pub enum Capability {
            $($name,)+
        }

        impl Capability {
            /// All that Linux knows, by number.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its name, as capabilities(7) writes it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

capabilities! {
    Chown "CAP_CHOWN",
    DacOverride "CAP_DAC_OVERRIDE",
    DacReadSearch "CAP_DAC_READ_SEARCH",
    Fowner "CAP_FOWNER",
    Fsetid "CAP_FSETID",
    Kill "CAP_KILL",
    Setgid "CAP_SETGID",
    Setuid "CAP_SETUID",
    Setpcap "CAP_SETPCAP",
    LinuxImmutable "CAP_LINUX_IMMUTABLE",
    NetBindService "CAP_NET_BIND_SERVICE",
    NetBroadcast "CAP_NET_BROADCAST",
    NetAdmin "CAP_NET_ADMIN",
    NetRaw "CAP_NET_RAW",
    IpcLock "CAP_IPC_LOCK",
    IpcOwner "CAP_IPC_OWNER",
    SysModule "CAP_SYS_MODULE",
    SysRawio "CAP_SYS_RAWIO",
    SysChroot "CAP_SYS_CHROOT",
    SysPtrace "CAP_SYS_PTRACE",
    SysPacct "CAP_SYS_PACCT",
    SysAdmin "CAP_SYS_ADMIN",
    SysBoot "CAP_SYS_BOOT",
    SysNice "CAP_SYS_NICE",
    SysResource "CAP_SYS_RESOURCE",
    SysTime "CAP_SYS_TIME",
    SysTtyConfig "CAP_SYS_TTY_CONFIG",
    Mknod "CAP_MKNOD",
    Lease "CAP_LEASE",
    AuditWrite "CAP_AUDIT_WRITE",
    AuditControl "CAP_AUDIT_CONTROL",
    Setfcap "CAP_SETFCAP",
    MacOverride "CAP_MAC_OVERRIDE",
    MacAdmin "CAP_MAC_ADMIN",
    Syslog "CAP_SYSLOG",
    WakeAlarm "CAP_WAKE_ALARM",
    BlockSuspend "CAP_BLOCK_SUSPEND",
    AuditRead "CAP_AUDIT_READ",
    Perfmon "CAP_PERFMON",
    Bpf "CAP_BPF",
    CheckpointRestore "CAP_CHECKPOINT_RESTORE",
}

impl Capability {
    /// The capability of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }

    /// It reaches what no namespace holds: the kernel, its clock, its log and its security modules.
    /// No guest gets it.
    pub const fn is_the_hosts(self) -> bool {
        matches!(
            self,
            Self::AuditControl
                | Self::AuditRead
                | Self::BlockSuspend
                | Self::Bpf
                | Self::CheckpointRestore
                | Self::MacAdmin
                | Self::MacOverride
                | Self::Perfmon
                | Self::SysModule
                | Self::SysPacct
                | Self::SysRawio
                | Self::SysTime
                | Self::Syslog
                | Self::WakeAlarm
        )
    }

    /// The kernel asks for it in the host's user namespace, or over a network that belongs to the
    /// host: a guest with users of its own would have it and could do nothing with it.
    ///
    /// `CAP_SYS_RESOURCE` would let such a guest lift its own bounds, and do nothing else.
    pub const fn needs_the_hosts_users(self) -> bool {
        matches!(
            self,
            Self::Lease
                | Self::LinuxImmutable
                | Self::Mknod
                | Self::NetAdmin
                | Self::NetBindService
                | Self::NetBroadcast
                | Self::NetRaw
                | Self::SysResource
                | Self::SysTtyConfig
        )
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Capability;

    #[test]
    fn positions_are_the_kernels_numbers() {
        for (name, number) in [
            (Capability::Chown, 0),
            (Capability::SysAdmin, 21),
            (Capability::Setfcap, 31),
            (Capability::CheckpointRestore, 40),
        ] {
            assert_eq!(Capability::ALL[number], name);
            assert_eq!(Capability::named(name.as_str()), Some(name));
        }
        assert_eq!(Capability::named("NET_RAW"), None);
    }
}
