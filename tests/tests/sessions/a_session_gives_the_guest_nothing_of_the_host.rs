//! A session is a process of the guest with the guest's own limits, and nothing of the host comes
//! along.

use ctr_lab::Host;

use crate::{KINDS, PATIENCE, host, leader, prints};

/// What a process may do, as `/proc/PID/status` says it.
const LIMITS: [&str; 6] = [
    "CapPrm",
    "CapEff",
    "CapBnd",
    "NoNewPrivs",
    "Seccomp",
    "Seccomp_filters",
];
const NAMESPACES: [&str; 7] = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"];

#[test]
fn a_session_is_confined_like_its_guest() {
    let host = host();
    for guest in KINDS {
        let mut session = host.spawn(&format!("ctr lab exec {guest} -- sleep 985"));
        host.until("pgrep -fx 'sleep 985'", PATIENCE);
        let (first, process) = (
            leader(&host, guest),
            host.ok("pgrep -fx 'sleep 985'").trim().to_owned(),
        );
        for limit in LIMITS {
            let of = |pid: &str| host.ok(&format!("grep -P '^{limit}:' /proc/{pid}/status"));
            assert_eq!(of(&process), of(&first), "{guest}");
        }
        for namespace in NAMESPACES {
            let of = |pid: &str| host.ok(&format!("readlink /proc/{pid}/ns/{namespace}"));
            assert_eq!(of(&process), of(&first), "{guest}");
        }
        let cgroup = |pid: &str| host.ok(&format!("grep ^0:: /proc/{pid}/cgroup"));
        assert_eq!(cgroup(&process), cgroup(&first), "{guest}");
        let watcher = host.ok("pgrep -x ctr-session").trim().to_owned();
        assert!(
            cgroup(&watcher).trim().ends_with("/supervisor"),
            "{}",
            cgroup(&watcher)
        );
        host.ok(&format!("kill {process}"));
        assert_eq!(session.wait(PATIENCE).expect("an end"), 143);
    }
}

#[test]
fn nothing_of_the_host_comes_along() {
    let host = host();
    for guest in KINDS {
        assert_eq!(
            prints(&host, guest, "ls /proc/self/fd | xargs"),
            "0 1 2 3",
            "3 is ls's own"
        );
        let streams = prints(
            &host,
            guest,
            "readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2",
        );
        assert!(
            streams.lines().all(|stream| stream.starts_with("pipe:")),
            "{streams}"
        );
        let mut names: Vec<String> = prints(&host, guest, "env | cut -d= -f1")
            .lines()
            .map(str::to_owned)
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "USER"],
            "{guest}"
        );
        let signals = prints(
            &host,
            guest,
            "grep -E 'SigBlk|SigIgn' /proc/self/status | cut -f2 | sort -u",
        );
        assert_eq!(signals, "0000000000000000", "{guest}");
        assert_eq!(
            prints(&host, guest, "umask; pwd").replace('\n', " "),
            "0022 /root"
        );
        assert_eq!(
            prints(&host, guest, "tail -n +1 /proc/$$/oom_score_adj"),
            "0"
        );
        assert_eq!(
            prints(&host, guest, "grep PPid /proc/$$/status | cut -f2"),
            "0"
        );
    }
}

#[test]
fn root_of_the_guest_cannot_look_into_a_process_that_joins() {
    let host = host();
    for guest in KINDS {
        let script = host.command([
            "ctr",
            "lab",
            "exec",
            guest,
            "--",
            "sh",
            "-c",
            "cat > /tmp/looker.py",
        ]);
        let script = script
            .stdin(include_str!("looker.py"))
            .output()
            .expect("ctr ran");
        assert!(script.success(), "{script:?}");
        let looker = host.spawn(&format!("ctr lab exec {guest} -- python3 /tmp/looker.py 8"));
        let joins = format!(
            "for i in $(seq 400); do ctr lab exec {guest} -- true || exit 1; test $SECONDS -lt 8 || break; done"
        );
        host.ok(&joins);
        let said = looker.expect("]", PATIENCE).expect("what it got hold of");
        assert!(
            !said.contains("looks=0 "),
            "it saw no process that joins: {said}"
        );
        assert!(said.contains("got=[]"), "{said}");
    }
}

#[test]
fn what_a_guest_puts_in_the_way_is_refused_and_never_waited_for() {
    let host = host();
    // A FIFO in the place of the list of users, and a file in that of the terminals.
    prints(
        &host,
        "sleeps",
        "mv /etc/passwd /etc/p && mkfifo /etc/passwd",
    );
    let output = host.run("ctr lab exec sleeps -- true");
    assert_eq!(output.status, 125, "{output:?}");
    assert!(output.stderr.contains("/etc/passwd"), "{output:?}");
    enter(&host, "sleeps", "rm /etc/passwd && mv /etc/p /etc/passwd");

    // Of the two kinds only a guest that boots can mount.
    prints(
        &host,
        "boots",
        "mount -t tmpfs none /dev/pts && touch /dev/pts/ptmx",
    );
    let mut refused = host.terminal("ctr lab exec --terminal boots -- true");
    refused
        .expect("is no terminal multiplexer", PATIENCE)
        .expect("a refusal");
    assert_eq!(refused.wait(PATIENCE).expect("an end"), 125);
    enter(&host, "boots", "umount /dev/pts");

    // A paused guest lets nobody in; the wait for it is bounded.
    let cgroup = host.ok("systemctl show --value -p ControlGroup ctr-lab-sleeps");
    let freezer = format!("/sys/fs/cgroup{}/payload/cgroup.freeze", cgroup.trim());
    host.ok(&format!("echo 1 > {freezer}"));
    let output = host.run("ctr lab exec sleeps -- true");
    host.ok(&format!("echo 0 > {freezer}"));
    assert_eq!(output.status, 125, "{output:?}");
    prints(&host, "sleeps", "true");

    // A shell that is `#!/proc/self/exe` executes the sealed copy of ctrd, which nobody can change.
    prints(
        &host,
        "sleeps",
        "printf '#!/proc/self/exe\\n' > /tmp/shell && chmod 755 /tmp/shell",
    );
    let before = host.ok("md5sum /usr/bin/ctrd");
    host.run("ctr lab exec sleeps -- /tmp/shell");
    assert_eq!(host.ok("md5sum /usr/bin/ctrd"), before);
}

/// Runs a script in the guest without `ctr`, which is what the guest broke.
#[track_caller]
fn enter(host: &Host, guest: &str, script: &str) {
    let leader = leader(host, guest);
    host.ok(&format!(
        "nsenter -t {leader} -a -S 0 -G 0 sh -c '{script}'"
    ));
}
