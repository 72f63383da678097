//! What ctr does on a real host: one module for each sentence that is true of it.

mod apply_restores_the_firewall;
mod closes_guests_to_the_lan;
mod closes_the_host_to_guests_but_for_host_ports;
mod down_leaves_nothing_behind;
mod drops_spoofed_packets;
mod guests;
mod guests_bind_low_ports_and_ping;
mod isolates_groups;
mod keeps_the_hosts_loopback_to_itself;
mod leaves_foreign_objects_alone;
mod masquerades_to_the_uplink;
mod names_resolve_between_containers;
mod publishes_ports;
mod reaches_services_from_the_host;
mod recovers_from_a_killed_nspawn;
mod resolv_conf_follows_the_host;
mod starts_at_boot_in_parallel;
mod stops_a_guest_that_is_not_ready_yet;
mod survives_daemon_kill;
mod talk;
