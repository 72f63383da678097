//! The command line of systemd-nspawn: pure.

use std::path::{Path, PathBuf};

use crate::gpu::Delivery;
use crate::model::{
    CREDENTIALS_IN_GUEST, CREDENTIALS_VARIABLE, Container, Program, Root, UserMode,
};
use crate::os::Paths;

use super::confinement::Confinement;
use super::root::{UidBase, machine_id};

/// The stable path at which a NixOS guest finds the system to boot; ctrd points it at the declared
/// system before each start.
pub const NIXOS_PROFILE: &str = "/nix/var/nix/profiles/system";

/// What the command line depends on besides the declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Every place on the host.
    pub paths: &'a Paths,
    /// The first user id of the guest; `None` runs it as the host's users.
    pub uid_base: Option<UidBase>,
    /// The host keeps a journal on disk, and with it the guest's.
    pub journal: bool,
    /// The store's file system can be idmapped.
    pub store_idmap: bool,
    /// What it is given of graphics processors.
    pub delivery: &'a Delivery,
}

/// The words after the program's name.
///
/// Each flag is in systemd-nspawn(1). No network flag: the unit joins the namespace before nspawn
/// runs (decision 0005 in docs/decisions), which is the only way that gives an unprivileged guest a
/// network it cannot change.
pub fn command_line(container: &Container, facts: &Facts<'_>) -> Vec<String> {
    let files = facts.paths.machine_files(&container.machine);
    let mut words: Vec<String> = [
        "--quiet",
        "--keep-unit",
        "--settings=no",
        "--register=yes",
        "--console=read-only",
        // Without a private network nspawn would copy the host's resolver configuration in.
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        // SIGRTMIN+3 is what systemd as PID 1, and nspawn's own stub before a command, take as
        // "power off"; nspawn chooses it by itself only with --boot.
        "--kill-signal=SIGRTMIN+3",
    ]
    .map(str::to_owned)
    .to_vec();
    words.push(format!("--machine={}", container.machine));
    words.push(format!(
        "--directory={}",
        root_directory(container, facts.paths).display()
    ));
    users(&mut words, container, facts);
    words.extend(Confinement::of(container).flags());
    words.push(bind(
        "--bind-ro",
        &files.join("hosts"),
        Path::new("/etc/hosts"),
        false,
    ));
    words.push(bind(
        "--bind-ro",
        &files.join("resolv.conf"),
        Path::new("/etc/resolv.conf"),
        false,
    ));
    for (index, path) in container.files.keys().enumerate() {
        words.push(bind("--bind-ro", &given_file(&files, index), path, false));
    }
    if !container.credentials.is_empty() {
        // systemd as the guest's init takes what is there for the system's credentials, and leaves
        // them where they are (systemd(1), $CREDENTIALS_DIRECTORY).
        words.push(bind(
            "--bind-ro",
            &facts.paths.machine_credentials(&container.machine),
            Path::new(CREDENTIALS_IN_GUEST),
            false,
        ));
        words.push(format!(
            "--setenv={CREDENTIALS_VARIABLE}={CREDENTIALS_IN_GUEST}"
        ));
    }
    // Owners are shifted already where ctrd has mounted them (decision 0012).
    let mounted = facts.paths.machine_binds(&container.machine);
    for (index, it) in container.binds.iter().enumerate() {
        let flag = if it.read_only { "--bind-ro" } else { "--bind" };
        let host = mounted.join(index.to_string());
        words.push(bind(flag, &host, &it.guest, false));
    }
    devices(&mut words, container, facts);
    if let Root::Nixos(_) = container.root {
        let store = Path::new("/nix/store");
        let idmap = facts.uid_base.is_some() && facts.store_idmap;
        words.push(bind("--bind-ro", store, store, idmap));
    }
    program(&mut words, container, facts);
    words
}

/// Owners are shifted already, by the nodes' own.
fn devices(words: &mut Vec<String>, container: &Container, facts: &Facts<'_>) {
    let nodes = facts.paths.machine_nodes(&container.machine);
    for node in &facts.delivery.nodes {
        let made = nodes.join(node.file_name());
        words.push(bind("--bind", &made, &node.path, false));
    }
    let mounted = facts.paths.machine_driver_files(&container.machine);
    for (index, mount) in facts.delivery.mounts.iter().enumerate() {
        let host = mounted.join(index.to_string());
        words.push(bind("--bind-ro", &host, &mount.guest, false));
    }
}

/// Where nspawn finds the root.
pub fn root_directory(container: &Container, paths: &Paths) -> PathBuf {
    match &container.root {
        Root::Tree(_) | Root::Directory(_) => paths.machine_root(&container.machine),
        Root::Nixos(_) => paths.machine_state(&container.machine).join("root"),
    }
}

/// Where the text of the `index`th declared file stands on the host.
pub fn given_file(files: &Path, index: usize) -> PathBuf {
    files.join("files").join(index.to_string())
}

fn users(words: &mut Vec<String>, container: &Container, facts: &Facts<'_>) {
    let Some(base) = facts.uid_base.filter(|_| container.users == UserMode::Own) else {
        words.push("--private-users=no".to_owned());
        return;
    };
    words.push(format!("--private-users={}:{}", base.get(), UidBase::RANGE));
    // ctrd has shifted them. `auto` would fall back to changing the owner of every file.
    words.push("--private-users-ownership=off".to_owned());
}

fn program(words: &mut Vec<String>, container: &Container, facts: &Facts<'_>) {
    let set = |words: &mut Vec<String>, name: &str, value: &str| {
        words.push(format!("--setenv={name}={value}"));
    };
    match &container.program {
        Program::Boot {
            enable,
            environment,
        } => {
            words.push("--notify-ready=yes".to_owned());
            // A root without a machine id gets the one that its journal is found by.
            words.push(format!("--uuid={}", machine_id(&container.machine)));
            if facts.journal {
                // A plain bind of a directory that the guest's root owns: nspawn's own
                // --link-journal would idmap it, which not every /var/log can be.
                let id = machine_id(&container.machine);
                let guest = Path::new("/var/log/journal").join(&id);
                words.push(bind(
                    "--bind",
                    &facts.paths.journal.join(&id),
                    &guest,
                    false,
                ));
            }
            // PID 1 reads the mount table at most five times a second otherwise, and a boot mounts
            // more than that: 290 ms instead of 1270 ms to ready.
            set(words, "SYSTEMD_DEFAULT_MOUNT_RATE_LIMIT_BURST", "1000");
            for (name, value) in environment {
                set(words, name, value);
            }
            let devices = facts.delivery.variables(environment);
            for (name, value) in &devices {
                set(words, name, value);
            }
            if let Root::Nixos(_) = container.root {
                words.push(format!("{NIXOS_PROFILE}/init"));
            } else {
                words.push("--boot".to_owned());
                words.push("--".to_owned());
            }
            // systemd in a container takes its "kernel command line" from its arguments
            // (kernel-command-line(7)); a missing machine id must not ask questions on a console
            // that nobody reads.
            words.push("systemd.firstboot=no".to_owned());
            words.extend(enable.iter().map(|unit| format!("systemd.wants={unit}")));
            // An init's own variables are not those of its services.
            let services = devices.iter();
            words.extend(services.map(|(name, value)| format!("systemd.setenv={name}={value}")));
        }
        Program::Command {
            command,
            user,
            environment,
            working_directory,
        } => {
            words.push("--as-pid2".to_owned());
            if let Some(user) = user {
                words.push(format!("--user={user}"));
            }
            if let Some(directory) = working_directory {
                words.push(format!("--chdir={}", directory.display()));
            }
            for (name, value) in environment {
                set(words, name, value);
            }
            for (name, value) in &facts.delivery.variables(environment) {
                set(words, name, value);
            }
            words.push("--".to_owned());
            words.extend(command.iter().cloned());
        }
    }
}

/// `--bind=HOST:GUEST[:OPTIONS]`; a colon or a backslash of a path is escaped with a backslash.
fn bind(flag: &str, host: &Path, guest: &Path, idmap: bool) -> String {
    let escape = |path: &Path| {
        path.display()
            .to_string()
            .replace('\\', "\\\\")
            .replace(':', "\\:")
    };
    let options = if idmap { ":idmap" } else { "" };
    format!("{flag}={}:{}{options}", escape(host), escape(guest))
}

#[cfg(test)]
mod tests {
    use super::{Facts, bind, command_line};
    use crate::gpu::Delivery;
    use crate::machine::test_container;
    use crate::model::{Program, Root, UserMode};
    use crate::os::Paths;
    use std::path::Path;

    #[test]
    fn a_colon_in_a_path_is_data() {
        assert_eq!(
            bind("--bind", Path::new("/a:b\\c"), Path::new("/d"), true),
            "--bind=/a\\:b\\\\c:/d:idmap"
        );
    }

    #[test]
    fn a_booted_guest_pulls_in_what_is_enabled_and_nothing_of_the_command_is_a_flag() {
        let paths = Paths::default();
        let mut container = test_container("hello");
        container.program = Program::Boot {
            enable: vec!["caddy.service".to_owned()],
            environment: [].into(),
        };
        let facts = Facts {
            paths: &paths,
            uid_base: None,
            journal: false,
            store_idmap: true,
            delivery: &Delivery::default(),
        };
        let words = command_line(&container, &facts);
        assert_eq!(
            words.last().map(String::as_str),
            Some("systemd.wants=caddy.service")
        );
        assert!(words.contains(&"--boot".to_owned()));

        let container = test_container("hello");
        let words = command_line(&container, &facts);
        let end = words
            .iter()
            .position(|word| word == "--")
            .expect("flags end");
        assert_eq!(words[end + 1], "/usr/bin/python3");
    }

    #[test]
    fn the_hosts_users_are_taken_only_when_declared() {
        let paths = Paths::default();
        let mut container = test_container("hello");
        container.root = Root::Directory("/srv/hello".into());
        let base = crate::machine::root::UidBase::new(524_288);
        let facts = Facts {
            paths: &paths,
            uid_base: base,
            journal: false,
            store_idmap: true,
            delivery: &Delivery::default(),
        };
        let words = command_line(&container, &facts);
        assert!(words.contains(&"--private-users=524288:65536".to_owned()));
        assert!(words.contains(&"--private-users-ownership=off".to_owned()));
        container.users = UserMode::Host;
        assert!(command_line(&container, &facts).contains(&"--private-users=no".to_owned()));
    }
}
