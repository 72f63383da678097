//! systemd-nspawn machines, each in a transient unit of its own.
//!
//! `command_line`, `confinement`, `unit`, `declared` and `names` are pure; `observe`, `settled`, `drop_ins` and `control` talk
//! to systemd and machined; `user_namespace` to the kernel; `root` makes the tree that a machine runs from.

mod command_line;
pub mod confinement;
mod control;
pub mod credentials;
mod declared;
mod drop_ins;
mod last_exit;
pub mod leftovers;
mod live_nodes;
mod names;
mod observe;
pub mod root;
mod settled;
mod systemd1;
mod together;
mod unit;
mod usage;
mod user_namespace;

pub use command_line::{Facts, NIXOS_PROFILE, command_line, given_file, root_directory};
pub use control::{Systemd, SystemdError};
pub use declared::Declared;
pub use drop_ins::{LIMITS, LimitName};
pub use last_exit::last_exit;
pub use live_nodes::{LiveGuest, LiveNodeError, change_nodes, has_nodes};
pub use names::{ALL_SLICE, machine_of_unit, slice_name, unit_name, unit_path};
pub use observe::{Active, Ended, Registered, Unit};
pub use unit::{TransientUnit, default_tasks_max, devices_to_set, limits_to_set, transient_unit};
pub use usage::{Usage, usage};
pub use user_namespace::{BoundsError, observe_bounds, set_bounds};

/// A group for tests, without the containers.
#[cfg(test)]
pub(crate) fn test_group() -> crate::model::Group {
    use crate::model::{Group, GroupName, InterfaceName};
    let name: GroupName = "lab".parse().expect("valid");
    Group {
        bridge: InterfaceName::bridge(&name),
        name,
        description: String::new(),
        subnet: "10.77.3.0/24".parse().expect("valid"),
        host_address: "10.77.3.1".parse().expect("valid"),
        reach: Vec::new(),
        host_ports: Vec::new(),
        containers: std::collections::BTreeMap::new(),
    }
}

/// A container for tests: one command on a shared tree.
#[cfg(test)]
pub(crate) fn test_container(name: &str) -> crate::model::Container {
    use crate::model::{
        Container, ContainerId, Limits, Program, Restart, RestartPolicy, Root, UserMode,
    };
    use std::time::Duration;
    let id = ContainerId {
        group: "lab".parse().expect("valid"),
        name: name.parse().expect("valid"),
    };
    Container {
        machine: id.machine().expect("short"),
        id,
        description: String::new(),
        aliases: Vec::new(),
        address: "10.77.3.11".parse().expect("valid"),
        autostart: true,
        missing: None,
        root: Root::Tree("/var/lib/machines/debian".into()),
        program: Program::Command {
            command: ["/usr/bin/python3", "-m", "http.server"]
                .map(str::to_owned)
                .to_vec(),
            user: None,
            environment: std::collections::BTreeMap::new(),
            working_directory: None,
        },
        ports: Vec::new(),
        binds: Vec::new(),
        files: std::collections::BTreeMap::new(),
        credentials: std::collections::BTreeMap::new(),
        after: Vec::new(),
        actions: std::collections::BTreeMap::new(),
        start_timeout: Duration::from_secs(90),
        limits: Limits::default(),
        restart: Restart {
            policy: RestartPolicy::OnFailure,
            delay: Duration::from_secs(1),
            max_delay: Duration::from_mins(1),
            window: Duration::from_mins(1),
            on_unhealthy: false,
        },
        health: None,
        gpu: None,
        ephemeral: false,
        users: UserMode::Own,
        capabilities: std::collections::BTreeSet::new(),
    }
}
