//! What ctr does on a host with a kernel of its own: one module for each sentence that is true of it.

mod a_guest_that_forks_without_end_is_bounded;
mod a_guest_that_wants_too_much_memory_is_bounded;
mod a_guest_uses_a_real_render_node;
mod a_limit_of_processors_holds;
mod a_machine_ends_with_its_owner;
mod a_power_cut_loses_nothing_that_was_promised;
mod guests;
mod networkd_leaves_alone_what_udev_marks;
mod sessions_are_in_their_guests_cgroup;
