//! `daemon/tests/cdi_cases/<sentence>/`: specifications on a host, and what a container is given.
//!
//! `case.toml` has what the container names, and what the host says. Specifications beside it are those
//! of `/etc/cdi`, those in `run/` are of `/run/cdi`. `edits.txt` is what comes of them; `CTR_BLESS=1`
//! writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::gather::{Surroundings, devices, userspace};
use super::host::{Character, FakeHost, Found};
use super::read::specifications;
use super::{CdiError, Edits};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The devices that the container names.
    #[serde(default)]
    names: Vec<String>,
    /// Or the kind that it has one of.
    userspace: Option<String>,
    /// What stands in the host's `/dev`: `195:0 0666`, `226:128 0660 render`, `a block device`.
    #[serde(default)]
    nodes: BTreeMap<PathBuf, String>,
    /// The host's groups.
    #[serde(default)]
    groups: BTreeMap<String, u32>,
    /// The names of the host's libraries.
    #[serde(default)]
    sonames: BTreeMap<PathBuf, String>,
}

impl Case {
    fn host(&self) -> FakeHost {
        FakeHost {
            nodes: self
                .nodes
                .iter()
                .map(|(path, text)| (path.clone(), found(text)))
                .collect(),
            groups: self
                .groups
                .iter()
                .map(|(name, number)| (*number, name.clone()))
                .collect(),
            sonames: self.sonames.clone(),
        }
    }
}

fn found(text: &str) -> Found {
    let other = ["a block device", "a directory", "a file", "a FIFO"];
    if let Some(other) = other.into_iter().find(|it| *it == text) {
        return Found::Other(other);
    }
    let mut words = text.split(' ');
    let numbers = words.next().and_then(|it| it.split_once(':'));
    let (major, minor) = numbers.expect("the numbers of a node");
    let mode = words.next().expect("the mode of a node");
    Found::Character(Character {
        major: major.parse().expect("a major number"),
        minor: minor.parse().expect("a minor number"),
        mode: u32::from_str_radix(mode, 8).expect("a mode"),
        group: words.next().map(str::to_owned),
    })
}

fn shown(result: Result<Option<Edits>, CdiError>) -> String {
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").expect("a string takes all");
    match result {
        Ok(None) => line("no specification".to_owned()),
        Ok(Some(edits)) => {
            for node in &edits.nodes {
                let group = node.group.as_deref().unwrap_or("root");
                line(format!(
                    "node {} {}:{} {:04o} {group}",
                    node.path.display(),
                    node.major,
                    node.minor,
                    node.mode
                ));
            }
            for mount in &edits.mounts {
                let exec = if mount.no_exec {
                    " without programs"
                } else {
                    ""
                };
                let (host, guest) = (mount.host.display(), mount.guest.display());
                line(format!("mount {host} onto {guest}{exec}"));
            }
            for link in &edits.links {
                line(format!(
                    "link {} to {}",
                    link.path.display(),
                    link.target.display()
                ));
            }
            for folder in &edits.library_folders {
                line(format!("folder {}", folder.display()));
            }
            for (name, value) in &edits.environment {
                line(format!("variable {name}={value}"));
            }
            for sentence in &edits.unapplied {
                line(format!("but {sentence}"));
            }
        }
        Err(error) => {
            line(format!("error: {error}"));
            line(format!("hint: {}", error.hint()));
            if let Some(what) = error.waits_for() {
                line(format!("waits for: {what}"));
            }
        }
    }
    text
}

fn folders() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cdi_cases")
}

/// Copies the specifications to where only root can have written them.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    let Ok(entries) = fs::read_dir(from) else {
        return;
    };
    for entry in entries {
        let entry = entry.expect("it is readable");
        if entry.file_type().expect("known").is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}

fn case(name: &str) {
    let folder = folders().join(name);
    let text = fs::read_to_string(folder.join("case.toml")).expect("every folder has one");
    let case: Case = toml::from_str(&text).expect("a case");
    let root = tempfile::tempdir().expect("made");
    let directories = [root.path().join("etc/cdi"), root.path().join("run/cdi")];
    copy(&folder, &directories[0]);
    copy(&folder.join("run"), &directories[1]);
    let host = case.host();
    let around = Surroundings {
        host: &host,
        looked_in: &directories,
        private: &[Path::new("/var/lib/ctr"), Path::new("/run/ctr")],
    };
    let files = specifications(&directories);
    let result = if let Some(kind) = &case.userspace {
        userspace(&files, kind, around)
    } else {
        let names = case.names.iter().map(|it| it.parse().expect("a name"));
        let names: Vec<_> = names.collect();
        devices(&files, &names, around).map(Some)
    };
    let found = shown(result).replace(&root.path().display().to_string(), "");
    let expected = folder.join("edits.txt");
    if std::env::var_os("CTR_BLESS").is_some() {
        fs::write(&expected, found).expect("the folder can be written");
        return;
    }
    let wanted = fs::read_to_string(&expected).expect("bless it with CTR_BLESS=1");
    assert_eq!(
        found, wanted,
        "bless it with CTR_BLESS=1 where the change is meant"
    );
}

/// One test for each folder, and one that no folder is forgotten.
macro_rules! cases {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            case(stringify!($name));
        })+

        #[test]
        fn every_folder_is_a_case() {
            let named: BTreeSet<String> = [$(stringify!($name).to_owned()),+].into();
            let found: BTreeSet<String> = fs::read_dir(folders())
                .expect("the folders are there")
                .map(|folder| folder.expect("it is readable").file_name())
                .map(|name| name.into_string().expect("it is text"))
                .collect();
            assert_eq!(named, found);
        }
    };
}

cases! {
    a_bad_file_harms_nobody_who_names_another
    a_bad_file_that_might_have_the_device_is_named
    a_block_device_is_refused
    a_device_that_nobody_has_is_waited_for
    a_device_without_anything_gives_nothing
    a_file_in_yaml_may_use_anchors
    a_file_is_no_node
    a_file_with_another_ending_is_not_read
    a_folder_of_libraries_is_absolute
    a_folder_of_libraries_is_one_folder
    a_group_without_a_name_is_roots
    a_hook_of_somebody_else_is_not_run
    a_host_without_a_specification_has_no_userspace
    a_host_without_specifications_waits_for_one
    a_key_given_twice_is_refused
    a_link_cannot_replace_a_node_that_every_guest_has
    a_link_cannot_replace_etc
    a_link_cannot_replace_the_guests_hosts
    a_link_climbs_nowhere
    a_link_has_one_target
    a_link_in_a_mount_is_said
    a_link_may_lead_anywhere
    a_mode_is_one_of_permissions
    a_mount_climbs_nowhere
    a_mount_does_not_replace_what_is_in_the_store
    a_mount_into_the_credentials_is_refused
    a_mount_into_the_kernels_file_systems_is_left_out
    a_mount_of_another_type_is_left_out
    a_mount_of_ctrds_own_state_is_refused
    a_mount_of_the_hosts_etc_is_refused
    a_mount_of_the_hosts_root_is_refused
    a_mount_of_the_kernels_file_systems_is_left_out
    a_mount_onto_dev_is_refused
    a_mount_onto_etc_hosts_is_refused
    a_mount_onto_run_is_refused
    a_mount_onto_the_root_is_refused
    a_mount_onto_usr_lib_is_refused
    a_mount_that_holds_ctrds_own_state_is_refused
    a_node_declared_as_a_block_device_is_refused
    a_node_does_not_replace_one_that_every_guest_has
    a_node_has_the_hosts_mode_and_group
    a_node_has_the_mode_and_group_that_are_written
    a_node_is_in_dev
    a_node_may_have_another_name_in_the_guest
    a_node_of_the_host_is_in_dev
    a_node_that_is_not_there_is_waited_for
    a_path_of_a_node_climbs_nowhere
    a_path_with_a_control_character_is_refused
    a_recursive_alias_is_refused
    a_relative_path_is_refused
    a_specification_older_than_the_driver_is_refused
    a_variable_has_a_plain_name
    a_variable_has_a_value
    a_variable_is_one_line
    a_version_is_a_version
    a_version_that_is_not_known_is_refused
    amd_ctk_writes_two_cards
    an_alias_bomb_is_refused
    an_older_nvidia_ctk_gives_no_numbers
    deep_nesting_in_json_is_refused
    deep_nesting_in_yaml_is_refused
    dev_itself_is_no_node
    devices_of_two_vendors_come_together
    intels_directory_of_links_is_not_mounted
    keys_that_nobody_knows_are_said
    nixos_mounts_paths_of_its_store_onto_themselves
    nvidia_ctk_writes_a_laptop_in_json
    nvidia_ctk_writes_a_laptop_in_yaml
    of_two_directories_the_later_one_counts
    one_card_brings_no_node_of_the_other
    one_device_in_two_files_is_refused
    one_device_twice_in_a_file_is_refused
    permissions_are_three_letters
    the_userspace_has_no_nodes
    two_devices_cannot_have_one_path
    two_documents_are_refused
    two_mounts_cannot_have_one_path
    what_a_container_cannot_have_is_said
    what_a_mount_cannot_have_is_said
    what_another_device_has_wrong_does_not_matter
    what_is_twice_in_the_earlier_directory_does_not_matter
    what_is_written_as_nothing_is_nothing
}

/// A tool writes the one or the other, with the same effect.
#[test]
fn json_says_what_yaml_says() {
    let edits = |name: &str| {
        let edits = fs::read_to_string(folders().join(name).join("edits.txt"));
        edits.expect("every folder has one")
    };
    assert_eq!(
        edits("nvidia_ctk_writes_a_laptop_in_yaml"),
        edits("nvidia_ctk_writes_a_laptop_in_json").replace("nvidia.json", "nvidia.yaml")
    );
}
