//! What ctr does on a real host: one module for each sentence that is true of it.

mod closes_the_host_to_guests_but_for_host_ports;
mod guests;
mod isolates_groups;
mod masquerades_to_the_uplink;
mod publishes_ports;
mod reaches_services_from_the_host;
mod recovers_from_a_killed_nspawn;
mod starts_at_boot_in_parallel;
mod stops_a_guest_that_is_not_ready_yet;
mod survives_daemon_kill;
mod talk;
