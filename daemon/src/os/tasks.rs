//! How many processes and threads the host can have.

use std::fs;

/// The least of the kernel's two bounds on tasks, of the whole host: `kernel.threads-max` follows
/// from its memory, 7800 to a GiB, and `kernel.pid_max` (both in the kernel's
/// admin-guide/sysctl/kernel). None where neither can be read.
pub fn most_tasks() -> Option<u64> {
    ["threads-max", "pid_max"]
        .iter()
        .filter_map(|name| {
            let text = fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?;
            text.trim().parse().ok()
        })
        .min()
}
