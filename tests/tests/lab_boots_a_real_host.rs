//! The lab boots a real systemd host, and what tests rely on is true there.

use std::time::Duration;

use ctr_lab::{Host, Options, recorded_machine};

const SHORT: Duration = Duration::from_secs(10);

#[test]
fn boots_systemd_as_pid_1_without_a_failed_unit() {
    let host = Host::boot();
    assert_eq!(host.ok("cat /proc/1/comm"), "systemd\n");
    assert_eq!(host.ok("systemctl is-system-running"), "running\n");
    assert_eq!(host.ok("hostname"), "lab\n");
    assert_eq!(host.ok("machinectl list --no-legend"), "");
}

#[test]
fn two_labs_at_once_never_meet() {
    let (one, other) = (Host::boot(), Host::boot());
    assert_ne!(
        one.ok("cat /etc/machine-id"),
        other.ok("cat /etc/machine-id")
    );
    one.write("/root/mine", "one");
    other.fails("test -e /root/mine");
    one.ok("systemd-run --quiet --unit=same-name sleep 60");
    other.ok("systemd-run --quiet --unit=same-name sleep 60");
    one.ok("systemctl stop same-name");
    assert_eq!(other.ok("systemctl is-active same-name"), "active\n");
}

#[test]
fn commands_keep_their_streams_and_status() {
    let host = Host::boot();
    let output = host.run("echo data; echo talk >&2; exit 7");
    assert_eq!(
        (
            output.status,
            output.stdout.as_str(),
            output.stderr.as_str()
        ),
        (7, "data\n", "talk\n")
    );
    assert_eq!(host.run("kill -9 $$").status, 137);
    host.write("/var/tmp/new/file", "a\0b\n");
    assert_eq!(host.read("/var/tmp/new/file"), "a\0b\n");
    let error = host
        .bash("sleep 60")
        .timeout(Duration::from_millis(200))
        .output();
    let error = error
        .expect_err("a command that takes too long is an error")
        .to_string();
    assert!(error.contains("took longer"), "{error}");
}

#[test]
fn a_command_runs_in_the_hosts_cgroup() {
    let host = Host::boot();
    let cgroup = host.ok("grep ^0:: /proc/self/cgroup");
    assert!(cgroup.starts_with("0::/lab.slice/"), "{cgroup}");
}

#[test]
fn the_uplink_reaches_a_lan_and_an_internet_of_our_own() {
    let host = Host::boot();
    host.ok("ping -q -c1 -W2 192.0.2.1 && ping -q -c1 -W2 198.51.100.1");
    host.in_lan("ping -q -c1 -W2 192.0.2.2");
    let mut server = host.spawn_in_lan("echo listening; nc -l -p 9000 -s 198.51.100.1");
    server
        .expect("listening", SHORT)
        .expect("the server starts");
    host.until("echo hello | nc -N 198.51.100.1 9000", SHORT);
    server
        .expect("hello", SHORT)
        .expect("what the host sends arrives");
    assert_eq!(
        server.wait(SHORT).expect("the server ends with its client"),
        0
    );
    // A real address of somebody else: nobody between here and there takes the packet.
    host.fails("ping -q -c1 -W1 203.0.113.1");
}

#[test]
fn a_terminal_is_one_of_the_hosts_own() {
    let host = Host::boot();
    let mut terminal = host.terminal("tty; stty size; read -r line; stty size; echo got $line");
    terminal
        .expect("/dev/pts/", SHORT)
        .expect("a terminal with a name on the host");
    terminal.expect("24 80", SHORT).expect("its first size");
    terminal
        .resize(132, 43)
        .expect("a terminal can change its size");
    terminal.send("typed\r").expect("keys go in");
    terminal.expect("43 132", SHORT).expect("its new size");
    terminal.expect("got typed", SHORT).expect("what was typed");
    assert_eq!(terminal.wait(SHORT).expect("it ends"), 0);

    let mut shell = host.terminal("exec bash --norc");
    shell.send("sleep 60\r").expect("keys go in");
    // Running (N: with less of the processor, as the tests may be), and in the foreground: before that
    // the key would be the shell's.
    host.until(
        "ps -C sleep -o stat=,args= | grep '^SN\\?+ *sleep 60$'",
        SHORT,
    );
    shell.send("\u{3}").expect("ctrl-C goes in");
    shell.send("echo status $?\r").expect("keys go in");
    shell
        .expect("status 130", SHORT)
        .expect("job control: only the sleep ended");
}

#[test]
fn guests_storage_can_be_idmapped_and_hold_overlays() {
    let host = Host::boot();
    host.ok("
        set -e
        cd /var/lib/ctr && mkdir low up work merged && chown 589824:589824 up work
        mount --bind -o X-mount.idmap=0:589824:65536 /var/lib/machines/debian low
        mount -t overlay overlay -o lowerdir=low,upperdir=up,workdir=work merged
        test \"$(stat -c %u merged/etc/passwd)\" = 589824
        touch merged/etc/passwd
    ");
    host.fails("touch /var/lib/machines/debian/etc/passwd");
}

#[test]
fn the_machines_settings_are_out_of_reach() {
    let host = Host::boot();
    host.ok("echo 1 >/proc/sys/net/ipv4/ip_forward");
    host.fails("echo 1 >/proc/sys/kernel/dmesg_restrict");
    host.fails("test -e /dev/vda || test -e /dev/kmsg");
}

#[test]
fn the_base_enables_nothing_by_itself() {
    let host = Host::boot();
    host.fails("systemctl is-active postgresql caddy nftables apt-daily.timer | grep -qx active");
}

#[test]
fn a_unit_that_fails_the_boot_is_named_with_its_own_words() {
    let unit = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo the reason; exit 1'\n";
    let error = Options::new()
        .file("/etc/systemd/system/broken.service", unit)
        .link(
            "../broken.service",
            "/etc/systemd/system/multi-user.target.wants/broken.service",
        )
        .boot()
        .expect_err("a host that boots degraded is an error")
        .to_string();
    assert!(error.contains("broken.service"), "{error}");
    assert!(error.contains("the reason"), "{error}");
}

#[test]
fn a_recorded_machine_is_the_hardware_that_ctrd_finds() {
    let machine = recorded_machine("nvidia-laptop").expect("a machine");
    let options = Options::new().with_ctr("schema = 1\n").hardware(machine);
    let host = options.boot().expect("a host");
    let seen =
        "stat --format='%A %Hr:%Lr %G' /run/hardware/dev/nvidia0 /run/hardware/dev/dri/card0";
    assert_eq!(
        host.ok(seen),
        "crw-rw---- 195:0 nvidia\ncrw-rw---- 226:0 video\n"
    );
    // Links lead where they do in the kernel's own tree.
    let class = "/run/hardware/sys/class/drm/renderD129/device/class";
    assert_eq!(host.ok(&format!("cat {class}")), "0x030000\n");
    // A node is one: what fails is that nobody drives its device.
    let output = host.fails("cat /run/hardware/dev/nvidia0");
    assert!(
        output.stderr.contains("No such device or address"),
        "{}",
        output.stderr
    );
    host.until("systemctl is-active ctrd", SHORT);
    let command = "tr '\\0' ' ' </proc/$(systemctl show --value -p MainPID ctrd)/cmdline";
    assert_eq!(
        host.ok(command).trim(),
        "/usr/bin/ctrd run --hardware /run/hardware"
    );
    let list = host.until("ctr gpu", SHORT);
    assert!(list.contains("GeForce RTX 3050"), "{list}");
}
