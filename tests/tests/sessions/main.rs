//! What is true of `ctr enter` and `ctr exec` on a real host: one module for each sentence.

mod a_session_ends_with_its_client_and_its_container;
mod a_session_gives_the_guest_nothing_of_the_host;
mod a_session_is_confined_like_its_guest_from_the_first_moment;
mod enter_is_a_real_terminal;
mod exec_keeps_exit_status_and_streams;
mod sessions_survive_a_daemon_restart;

use std::time::Duration;

use ctr_lab::{Host, Output};

/// Long enough for anything on a busy machine, far too long for anything that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Guests of both kinds: one boots systemd, one is a single command.
const KINDS: [&str; 2] = ["boots", "sleeps"];

/// A host with a guest of each kind, running.
#[track_caller]
fn host() -> Host {
    let host = Host::with_ctr(
        r#"
schema = 1

[groups.lab]
subnet = "10.77.4.0/24"
host-address = "10.77.4.10"

[groups.lab.containers.boots]
address = "10.77.4.11"
autostart = true
root = { tree = "/var/lib/machines/debian" }

[groups.lab.containers.sleeps]
address = "10.77.4.12"
autostart = true
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/sleep", "infinity"]
"#,
    );
    host.ok("ctr lab wait boots sleeps --timeout 40s");
    host
}

/// Runs `script` in a guest's shell.
#[track_caller]
fn exec(host: &Host, guest: &str, script: &str) -> Output {
    let words = ["ctr", "lab", "exec", guest, "--", "sh", "-c", script];
    host.command(words)
        .timeout(PATIENCE)
        .output()
        .expect("ctr ran")
}

/// What `script` prints in a guest's shell, where it must succeed.
#[track_caller]
fn prints(host: &Host, guest: &str, script: &str) -> String {
    let output = exec(host, guest, script);
    assert!(output.success(), "`{script}` in {guest}: {output:?}");
    output.stdout.trim().to_owned()
}

/// The guest's first process, on the host.
#[track_caller]
fn leader(host: &Host, guest: &str) -> String {
    host.ok(&format!("machinectl show lab-{guest} -p Leader --value"))
        .trim()
        .to_owned()
}

/// The host's processes that watch sessions.
#[track_caller]
fn watchers(host: &Host) -> usize {
    host.run("pgrep -x ctr-session").stdout.lines().count()
}
