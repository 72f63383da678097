//! Every place on the host that `ctrd` reads or writes, so that a test can move them.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::model::MachineName;

/// The roots of everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The declaration.
    pub declaration: PathBuf,
    /// State that outlives a reboot: one directory per machine, owned by its first user id.
    pub state: PathBuf,
    /// State that does not: mounts, files given to guests, marks.
    pub run: PathBuf,
    /// Named network namespaces, where `ip netns` finds them.
    pub netns: PathBuf,
    /// The host's resolver configurations, the first that exists and names a server outside the host wins.
    pub resolv_conf: Vec<PathBuf>,
    /// The host's persistent journal.
    pub journal: PathBuf,
    /// The host's journal that does not outlive a reboot.
    pub volatile_journal: PathBuf,
    /// Directories of links to journals, one for each set of containers that is read as one.
    pub journal_views: PathBuf,
    /// Which ids the host's users may give to others, subuid(5) and subgid(5).
    pub subordinate_ids: Vec<PathBuf>,
    /// Where systemd-nspawn notes the ranges that it has chosen.
    pub nspawn_uids: PathBuf,
    /// The cgroup2 file system.
    pub cgroup: PathBuf,
    /// The kernel's devices and drivers, sysfs(5).
    pub sys: PathBuf,
    /// What drivers say of themselves, proc(5).
    pub proc: PathBuf,
    /// Device nodes.
    pub dev: PathBuf,
    /// Specifications of the Container Device Interface; of two with one device the later directory's counts.
    pub cdi: Vec<PathBuf>,
    /// The graphics drivers' libraries of a NixOS host.
    pub opengl_driver: PathBuf,
    /// NVIDIA's own program of a NixOS host.
    pub nvidia_smi: PathBuf,
    /// What Nix's garbage collector must not delete, and all that it leads to.
    pub nix_gc_roots: PathBuf,
    /// The program that runs a machine.
    pub nspawn: PathBuf,
    /// The nftables program.
    pub nft: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            declaration: "/etc/ctr/containers.toml".into(),
            state: "/var/lib/ctr".into(),
            run: "/run/ctr".into(),
            netns: "/run/netns".into(),
            resolv_conf: vec![
                "/run/systemd/resolve/resolv.conf".into(),
                "/run/NetworkManager/no-stub-resolv.conf".into(),
                "/etc/resolv.conf".into(),
            ],
            journal: "/var/log/journal".into(),
            volatile_journal: "/run/log/journal".into(),
            journal_views: ctr_api::journal::VIEWS.into(),
            subordinate_ids: vec!["/etc/subuid".into(), "/etc/subgid".into()],
            nspawn_uids: "/run/systemd/nspawn-uid".into(),
            cgroup: "/sys/fs/cgroup".into(),
            sys: "/sys".into(),
            proc: "/proc".into(),
            dev: "/dev".into(),
            cdi: vec!["/etc/cdi".into(), "/run/cdi".into()],
            opengl_driver: "/run/opengl-driver".into(),
            nvidia_smi: "/run/current-system/sw/bin/nvidia-smi".into(),
            nix_gc_roots: "/nix/var/nix/gcroots".into(),
            nspawn: "/usr/bin/systemd-nspawn".into(),
            nft: "/usr/sbin/nft".into(),
        }
    }
}

impl Paths {
    /// The same host with other hardware: what is read of devices and their drivers is read below `directory`.
    #[must_use]
    pub fn with_hardware_below(self, directory: &Path) -> Self {
        Self {
            sys: directory.join("sys"),
            proc: directory.join("proc"),
            dev: directory.join("dev"),
            cdi: vec![directory.join("etc/cdi"), directory.join("run/cdi")],
            opengl_driver: directory.join("run/opengl-driver"),
            nvidia_smi: directory.join("run/current-system/sw/bin/nvidia-smi"),
            ..self
        }
    }

    /// A machine's own state; its owner is the machine's first user id.
    pub fn machine_state(&self, machine: &MachineName) -> PathBuf {
        self.state.join(machine.as_str())
    }

    /// Where roots are mounted; no user of the host can enter.
    pub fn roots(&self) -> PathBuf {
        self.run.join("root")
    }

    /// Where a machine's root is mounted.
    pub fn machine_root(&self, machine: &MachineName) -> PathBuf {
        self.roots().join(machine.as_str())
    }

    /// Where the sources of binds are mounted, with the owners that guests see; no user of the host
    /// can enter.
    pub fn binds(&self) -> PathBuf {
        self.run.join("binds")
    }

    /// Where a machine's binds are mounted, each by its place in the declaration.
    pub fn machine_binds(&self, machine: &MachineName) -> PathBuf {
        self.binds().join(machine.as_str())
    }

    /// Where the device nodes of machines are made, each on a file system of its own; no user of the host
    /// can enter.
    pub fn nodes(&self) -> PathBuf {
        self.run.join("dev")
    }

    /// Where a machine's device nodes are made.
    pub fn machine_nodes(&self, machine: &MachineName) -> PathBuf {
        self.nodes().join(machine.as_str())
    }

    /// Where the driver files that machines see are mounted; no user of the host can enter.
    pub fn driver_files(&self) -> PathBuf {
        self.run.join("drivers")
    }

    /// Where the driver files that a machine sees are mounted, each by its place among them.
    pub fn machine_driver_files(&self, machine: &MachineName) -> PathBuf {
        self.driver_files().join(machine.as_str())
    }

    /// Stands while a machine has a layer that goes with its guest.
    pub fn machine_ephemeral(&self, machine: &MachineName) -> PathBuf {
        self.ephemeral().join(machine.as_str())
    }

    /// The notes of all machines whose layer goes with their guest.
    pub fn ephemeral(&self) -> PathBuf {
        self.run.join("ephemeral")
    }

    /// The files that a machine is given.
    pub fn machine_files(&self, machine: &MachineName) -> PathBuf {
        self.files().join(machine.as_str())
    }

    /// The files that all machines are given.
    pub fn files(&self) -> PathBuf {
        self.run.join("guest")
    }

    /// The credentials that a machine is given.
    pub fn machine_credentials(&self, machine: &MachineName) -> PathBuf {
        self.credentials().join(machine.as_str())
    }

    /// The credentials of all machines, closed to everybody but root.
    pub fn credentials(&self) -> PathBuf {
        self.run.join("credentials")
    }

    /// The secrets that were made for a machine. A leading dot is in no machine's name.
    pub fn machine_secrets(&self, machine: &MachineName) -> PathBuf {
        self.secrets().join(machine.as_str())
    }

    /// The secrets that were made for any machine.
    pub fn secrets(&self) -> PathBuf {
        self.state.join(".secrets")
    }

    /// The key that the digests of secrets are made with.
    pub fn digest_key(&self) -> PathBuf {
        self.state.join(".digest-key")
    }

    /// The last declaration that was accepted.
    pub fn kept_declaration(&self) -> PathBuf {
        self.state.join(".declaration")
    }

    /// Where links to machines' systems stand.
    pub fn gc_roots(&self) -> PathBuf {
        self.nix_gc_roots.join("ctr")
    }

    /// The link to the system that a machine boots next.
    pub fn machine_gc_root(&self, machine: &MachineName) -> PathBuf {
        self.gc_roots().join(machine.as_str())
    }

    /// A machine's network namespace.
    pub fn machine_netns(&self, machine: &MachineName) -> PathBuf {
        self.netns.join(netns_name(machine))
    }

    /// Where a mark about a machine stands, `stopped`, `started` or `powered-off`.
    pub fn mark(&self, machine: &MachineName) -> PathBuf {
        self.marks().join(machine.as_str())
    }

    /// The marks of all machines.
    pub fn marks(&self) -> PathBuf {
        self.run.join("mark")
    }

    /// The program `name`, where the `PATH` that ctrd was given has it, or else where hosts keep their programs.
    ///
    /// The unit says that `PATH`: on NixOS a program that only ctrd needs is in a directory of its own, and in none
    /// that all share.
    pub fn program(name: &str) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        program_on(&path, name)
    }
}

/// Where hosts keep their programs. NixOS has its system's in one directory; elsewhere it is `/usr`.
const PLACES: &str = "/run/current-system/sw/bin:/usr/bin:/usr/sbin:/bin:/sbin";

fn program_on(path: &OsStr, name: &str) -> Option<PathBuf> {
    let places = env::split_paths(path).chain(env::split_paths(PLACES));
    places
        // A relative one is wherever ctrd was started.
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

/// The name of a machine's network namespace, as `ip netns` shows it.
pub fn netns_name(machine: &MachineName) -> String {
    format!("ctr-{machine}")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::program_on;

    #[test]
    fn the_path_of_the_unit_counts_before_where_hosts_keep_programs() {
        let store = tempfile::tempdir().expect("a directory");
        let own = store.path().join("sh");
        let find = |path: &OsStr, name: &str| program_on(path, name);
        assert_eq!(
            find(store.path().as_os_str(), "sh"),
            find(OsStr::new(""), "sh")
        );
        std::fs::create_dir(&own).expect("a directory is no program");
        assert_ne!(find(store.path().as_os_str(), "sh"), Some(own.clone()));
        std::fs::remove_dir(&own).expect("removed");
        std::fs::write(&own, "").expect("written");
        assert_eq!(find(store.path().as_os_str(), "sh"), Some(own));
        assert_eq!(find(OsStr::new("target:."), "Cargo.toml"), None, "relative");
        assert_eq!(find(OsStr::new(""), "no-such-program"), None);
    }
}
