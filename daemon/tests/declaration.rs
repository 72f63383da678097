//! Declarations and the problems they have, one folder each in `declaration_cases`.
//!
//! A folder holds `declaration.toml` and `problems.txt`, what `ctrd check` shows without colour;
//! an empty `problems.txt` says that the declaration is accepted without a warning.
//! `CTR_BLESS=1 cargo test -p ctrd --test declaration` writes `problems.txt` anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ctrd::declaration::{Parsed, Problems, parse};

fn folders() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/declaration_cases")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn problems(text: &str) -> Problems {
    match parse("declaration.toml", text.as_bytes()) {
        Ok(Parsed { warnings, .. }) => warnings,
        Err(problems) => problems,
    }
}

fn case(name: &str) {
    let folder = folders().join(name);
    let found = problems(&read(&folder.join("declaration.toml"))).to_string();
    let expected = folder.join("problems.txt");
    if std::env::var_os("CTR_BLESS").is_some() {
        std::fs::write(&expected, found).expect("the folder can be written");
        return;
    }
    assert_eq!(
        found,
        read(&expected),
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
            let found: BTreeSet<String> = std::fs::read_dir(folders())
                .expect("the folders are there")
                .map(|folder| folder.expect("it is readable").file_name())
                .map(|name| name.into_string().expect("it is text"))
                .collect();
            assert_eq!(named, found);
        }
    };
}

cases! {
    capabilities_are_ones_that_a_guest_can_use
    a_container_boots_or_runs_a_command
    a_container_waits_for_others_that_exist
    a_credential_comes_from_one_place
    a_description_is_one_line
    a_directory_is_written_by_one_container
    a_file_without_anything_lacks_its_schema
    a_group_cannot_be_called_like_a_command
    a_group_reaches_others_that_exist
    a_key_given_twice_is_not_toml
    a_key_of_another_table_is_sent_there
    a_literal_secret_is_a_warning_and_not_shown
    a_long_circle_is_cut_in_the_middle
    a_machine_name_has_at_most_64_bytes
    a_misspelled_key_is_named_and_not_missed_as_well
    a_port_is_declared_once
    a_port_is_published_on_an_address_of_the_host
    a_port_of_the_host_is_published_once
    a_probe_of_health_can_succeed
    a_root_is_one_thing
    a_subnet_is_written_as_one
    a_token_is_a_credential_of_a_port_with_a_url
    a_very_long_line_is_not_shown
    actions_have_a_command
    addresses_are_ipv4_without_a_prefix
    addresses_are_within_their_subnet
    an_alias_leads_to_one_container
    an_empty_declaration_is_accepted
    an_empty_list_of_name_servers_is_refused
    another_schema_is_not_read_any_further
    columns_count_characters
    credentials_are_named_as_systemd_names_them
    environment_names_and_values_are_ones_that_systemd_takes
    everything_the_schema_has_is_accepted
    graphics_processors_are_chosen_in_one_way
    groups_may_reach_each_other
    limits_leave_a_guest_room_to_start
    many_problems_are_all_shown_at_once
    modes_are_octal_and_plain
    a_socket_for_metrics_has_a_short_path
    metrics_are_served_at_a_path_or_an_address
    metrics_are_served_on_ipv6s_loopback_too
    metrics_are_served_on_the_loopback_alone
    metrics_have_no_port_of_the_hosts_services
    name_servers_are_ones_that_guests_can_ask
    names_keep_to_the_rule_of_host_names
    nothing_else_stands_where_credentials_do
    only_a_private_layer_can_be_dropped
    owners_stand_for_each_other_only_with_users_of_their_own
    paths_are_absolute_and_plain
    ports_go_from_1_to_65535
    ports_published_on_other_addresses_or_protocols_do_not_clash
    restarts_leave_a_growing_pause
    sizes_have_binary_units
    subnets_of_groups_do_not_overlap
    text_that_is_not_toml_is_pointed_at
    the_host_address_is_within_its_subnet
    the_order_of_starts_has_no_circle
    the_schema_is_missing
    times_have_units
    two_bridges_cannot_be_alike
    two_machines_cannot_be_alike
    units_are_named_with_their_ending
    users_are_their_own_or_the_hosts
    values_of_the_wrong_type_are_all_named
    what_a_guest_sees_has_a_path_of_its_own
    what_is_missing_is_said_in_one_line
}
