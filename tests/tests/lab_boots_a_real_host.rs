//! The lab boots a real systemd host, and everything tests rely on works there.

use std::time::{Duration, Instant};

use ctr_lab::{Cgroup, Host};

const SHORT: Duration = Duration::from_secs(10);

#[test]
fn boots_systemd_as_pid_1_without_a_failed_unit() {
    let started = Instant::now();
    let host = Host::boot();
    eprintln!("booted in {} ms", started.elapsed().as_millis());
    assert_eq!(host.ok("cat /proc/1/comm"), "systemd\n");
    assert_eq!(host.ok("systemctl is-system-running"), "running\n");
    assert_eq!(host.ok("hostname"), "lab\n");
    assert_eq!(host.ok("busctl call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager ListMachines | cut -c1-8"), "a(ssso) \n");
}
