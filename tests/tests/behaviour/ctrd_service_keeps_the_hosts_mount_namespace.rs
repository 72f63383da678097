//! ctrd works for the whole host: its mounts are the host's, and nothing it starts is confined by
//! rules that are ctrd's own.

use ctr_lab::Host;

use crate::guests::{lab, property, running, sleeper};

/// Settings that give a service mounts of its own, with the values that do not.
const NO_MOUNTS: [(&str, &str); 14] = [
    ("ProtectSystem", "no"),
    ("ProtectHome", "no"),
    ("ProtectKernelTunables", "no"),
    ("ProtectKernelModules", "no"),
    ("ProtectKernelLogs", "no"),
    ("ProtectControlGroups", "no"),
    ("ProtectClock", "no"),
    ("ProtectHostname", "no"),
    ("ProtectProc", "default"),
    ("PrivateTmp", "no"),
    ("PrivateDevices", "no"),
    ("PrivateMounts", "no"),
    ("PrivateNetwork", "no"),
    ("NoNewPrivileges", "no"),
];

#[test]
fn ctrd_service_keeps_the_hosts_mount_namespace() {
    let host = Host::with_ctr(&lab(&[sleeper("web", 11, "")]));
    let leader = running(&host, &["web"])[0];
    let pid = property(&host, "ctrd", "MainPID");
    for namespace in ["mnt", "net", "pid", "user", "uts", "ipc", "cgroup"] {
        let of = |pid: &str| host.ok(&format!("readlink /proc/{pid}/ns/{namespace}"));
        assert_eq!(of(&pid), of("1"), "{namespace}");
    }
    for (setting, none) in NO_MOUNTS {
        assert_eq!(property(&host, "ctrd", setting), none, "{setting}");
    }
    // systemd writes an empty list of what is forbidden as `~`.
    for setting in [
        "SystemCallFilter",
        "RestrictAddressFamilies",
        "ReadOnlyPaths",
    ] {
        let value = property(&host, "ctrd", setting);
        assert!(value.is_empty() || value == "~", "{setting}={value}");
    }
    let status = host.read(&format!("/proc/{pid}/status"));
    for line in ["Seccomp:\t0", "NoNewPrivs:\t0"] {
        assert!(status.contains(line), "no {line} in {status}");
    }
    bounded(&host, &status);
    // What ctrd mounts, PID 1 and everybody else on the host see.
    host.ok("findmnt /run/ctr/root/lab-web && test -e /run/netns/ctr-lab-web");
    let of = |pid: &str| host.ok(&format!("readlink /proc/{pid}/ns/mnt"));
    assert_ne!(
        of(&leader.to_string()),
        of("1"),
        "the guest has mounts of its own"
    );
}

/// What bounds ctrd itself, and goes no further than its own control group.
fn bounded(host: &Host, status: &str) {
    let bounding = status
        .lines()
        .find_map(|line| line.strip_prefix("CapBnd:"))
        .expect("every process has a bounding set");
    let bounding = u64::from_str_radix(bounding.trim(), 16).expect("hexadecimal digits");
    // capabilities(7): SYS_MODULE, SYS_RAWIO, SYS_TIME, SYSLOG, BPF.
    for forbidden in [16, 17, 25, 34, 39] {
        assert_eq!(bounding & 1 << forbidden, 0, "capability {forbidden}");
    }
    assert_ne!(bounding & 1 << 21, 0, "it cannot work without SYS_ADMIN");
    for (setting, value) in [
        // Its probes go to any address that is declared.
        ("IPAddressDeny", ""),
        ("SocketBindDeny", "any"),
        // For metrics, where they are declared; systemctl leaves a colon out.
        ("SocketBindAllow", "tcp1024-65535"),
        ("DevicePolicy", "closed"),
        // It makes nodes; NVIDIA's driver is asked how its cards are used.
        ("DeviceAllow", "char-* m char-195 rw"),
        ("LimitCORE", "0"),
    ] {
        let found = property(host, "ctrd", setting);
        let words = |text: &str| {
            let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.sort();
            words
        };
        assert_eq!(words(&found), words(value), "{setting}");
    }
}
