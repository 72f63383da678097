//! How many guests that boot the host has inotify instances for.

use std::fs;

/// What the systemd of a guest holds, about (`inotify(7)`). A guest's users are root's children, and
/// the kernel counts theirs as root's too (`inc_ucount()` in kernel/ucount.c).
const OF_A_GUEST: u64 = 5;

/// The bound on a user's inotify instances, of the whole host; none where it cannot be read.
pub fn most_instances() -> Option<u64> {
    let text = fs::read_to_string("/proc/sys/fs/inotify/max_user_instances").ok()?;
    text.trim().parse().ok()
}

/// What to say where so many guests boot and the host has room for fewer; none where it has room.
pub fn too_few_instances(booting: usize, most: u64) -> Option<String> {
    let room = most / OF_A_GUEST;
    let booting = u64::try_from(booting).unwrap_or(u64::MAX);
    (booting > room).then(|| {
        let needed = booting.saturating_mul(OF_A_GUEST).saturating_mul(2);
        format!(
            "{booting} containers boot a system, and fs.inotify.max_user_instances = {most} is enough for \
             about {room}: the others will fail with \"Too many open files\". Install 10-ctr.conf in \
             /usr/lib/sysctl.d, or: sysctl -w fs.inotify.max_user_instances={needed}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{most_instances, too_few_instances};

    #[test]
    fn what_bounds_the_guests_is_said_only_where_it_does() {
        assert_eq!(too_few_instances(25, 128), None);
        assert_eq!(too_few_instances(0, 0), None);
        let said = too_few_instances(50, 128).expect("too few");
        for part in ["50 containers", "= 128", "about 25", "instances=500"] {
            assert!(said.contains(part), "no {part} in {said}");
        }
        assert_eq!(too_few_instances(50, 1_048_576), None);
        assert!(most_instances().is_some_and(|most| most > 0));
    }
}
