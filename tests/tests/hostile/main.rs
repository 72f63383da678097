//! What the root of a guest tries, and what comes of it: one module for each thing attacked.
//!
//! Every attack has a control: the same thing where it is allowed, which works. The table of both in
//! docs/reference/attacks.md is written from here (`CTR_BLESS=1`).

mod bounds;
mod confinement;
mod elsewhere;
mod kernel;
mod links;
mod logs;
mod network;
mod services;
mod table;

use std::time::Duration;

use ctr_lab::{Host, Options, Output};

/// Long enough for anything on a busy machine, far too long for anything that hangs.
const PATIENCE: Duration = Duration::from_secs(40);

/// One attack that is a script, and its control.
pub(crate) struct Attack {
    /// What the guest's root tries, in words.
    what: &'static str,
    /// The guest that tries it.
    guest: &'static str,
    /// Its shell's text, which has to fail.
    script: &'static str,
    /// What stops it.
    stopped_by: &'static str,
    /// Where the same works, in words.
    control: &'static str,
    /// Where that is run.
    place: Place,
    /// Its shell's text, which has to succeed.
    proof: &'static str,
}

/// Where a control is run.
pub(crate) enum Place {
    /// On the host, as root.
    Host,
    /// In this guest of the group `red`.
    Guest(&'static str),
}

/// A line of the table.
pub(crate) struct Row {
    /// Who tries it.
    pub(crate) guest: &'static str,
    /// What.
    pub(crate) what: &'static str,
    /// `fails`, `bounded` or `harmless`, and by what.
    pub(crate) outcome: String,
    /// Where the same works.
    pub(crate) control: &'static str,
}

impl Attack {
    /// Its line of the table.
    fn row(&self) -> Row {
        Row {
            guest: self.guest,
            what: self.what,
            outcome: format!("fails: {}", self.stopped_by),
            control: self.control,
        }
    }

    /// Its control works and it does not; else why not.
    fn is_stopped(&self, host: &Host) -> Result<(), String> {
        let proof = match self.place {
            Place::Host => host.run(self.proof),
            Place::Guest(name) => exec(host, name, self.proof),
        };
        if !proof.success() {
            return Err(format!("the control of `{}`: {proof:?}", self.what));
        }
        let tried = exec(host, self.guest, self.script);
        // 125 is `ctr`'s own, 127 a program that is not there: neither is the attack.
        if tried.success() || [125, 127].contains(&tried.status) {
            return Err(format!("`{}` was not stopped: {tried:?}", self.what));
        }
        Ok(())
    }
}

/// All of these attacks are stopped.
#[track_caller]
pub(crate) fn are_stopped(host: &Host, attacks: &[Attack]) {
    let failures: Vec<_> = attacks
        .iter()
        .filter_map(|attack| attack.is_stopped(host).err())
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Two groups: in `red` a guest of each kind, one of them as strong as a declaration makes a
/// command's guest, and in `blue` somebody to reach.
const DECLARATION: &str = r#"
schema = 1

[groups.red]
subnet = "10.77.1.0/24"
host-address = "10.77.1.1"
host-ports = [7778]

[groups.red.containers.boots]
address = "10.77.1.11"
autostart = true
root = { tree = "/var/lib/machines/debian" }
files."/srv/call.py" = { text = '''CALL''' }
files."/opt/app/file" = { text = "declared\n" }

[groups.red.containers.sleeps]
address = "10.77.1.12"
autostart = true
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/python3", "-m", "http.server", "8080"]
files."/srv/call.py" = { text = '''CALL''' }

[groups.red.containers.strong]
address = "10.77.1.13"
autostart = true
users = "host"
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/sleep", "infinity"]
capabilities = ["CAP_NET_ADMIN", "CAP_NET_RAW"]
files."/srv/frames.py" = { text = '''FRAMES''' }
files."/srv/call.py" = { text = '''CALL''' }

[groups.blue]
subnet = "10.77.2.0/24"
host-address = "10.77.2.1"

[groups.blue.containers.other]
address = "10.77.2.11"
autostart = true
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/python3", "-m", "http.server", "8080"]
ports = [{ port = 8080, publish = { host-port = 18080, address = "127.0.0.1" } }]
"#;

/// The program that makes one system call.
const CALL: &str = include_str!("call.py");
/// The program that sends frames past the guest's own network.
const FRAMES: &str = include_str!("../behaviour/frames.py");

/// A host with both groups running.
#[track_caller]
pub(crate) fn host() -> Host {
    host_with("")
}

/// The same with more in its declaration.
#[track_caller]
pub(crate) fn host_with(more: &str) -> Host {
    let declaration = DECLARATION.replace("CALL", CALL).replace("FRAMES", FRAMES) + more;
    let options = Options::new()
        .file("/srv/call.py", CALL)
        .file("/srv/frames.py", FRAMES);
    let host = match options.with_ctr(&declaration).boot() {
        Ok(host) => host,
        Err(error) => panic!("{error:#}"),
    };
    host.ok("ctr red wait boots sleeps strong --timeout 60s && ctr blue wait other --timeout 60s");
    host
}

/// Runs `script` in a guest of `red`, as its root.
#[track_caller]
pub(crate) fn exec(host: &Host, guest: &str, script: &str) -> Output {
    let words = ["ctr", "red", "exec", guest, "--", "bash", "-c", script];
    let output = host.command(words).timeout(PATIENCE).output();
    output.expect("ctr ran")
}

/// What `script` prints in a guest of `red`, where it has to succeed.
#[track_caller]
pub(crate) fn prints(host: &Host, guest: &str, script: &str) -> String {
    let output = exec(host, guest, script);
    assert!(output.success(), "`{script}` in {guest}: {output:?}");
    output.stdout.trim().to_owned()
}

/// The guest's first process, on the host.
#[track_caller]
pub(crate) fn leader(host: &Host, guest: &str) -> String {
    let leader = host.ok(&format!("machinectl show red-{guest} -p Leader --value"));
    leader.trim().to_owned()
}
