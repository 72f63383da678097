//! Which process a number stands for.

use std::fs::{self, File};
use std::io::{self, Read};

/// When a process was started, in ticks since the boot (`starttime` of `proc_pid_stat(5)`): together
/// with its number it stands for one process and no later one. `None` where there is none.
pub fn process_start(pid: u32) -> io::Result<Option<u64>> {
    // Longer than any: fifty numbers and a name of sixteen bytes. One read has it whole.
    let mut stat = [0; 2048];
    let read = File::open(format!("/proc/{pid}/stat")).and_then(|mut file| file.read(&mut stat));
    match read {
        Ok(length) => Ok(start_in(&String::from_utf8_lossy(&stat[..length]))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // It ended while it was read.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a process is in a cgroup or below it (`proc_pid_cgroup(5)`). `cgroup` begins with a slash.
pub fn process_is_in(pid: u32, cgroup: &str) -> io::Result<bool> {
    let lines = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    Ok(is_in(&lines, cgroup))
}

/// The program's name stands in parentheses and may hold anything; nineteen fields come between it
/// and the time. One that has ended and is not waited for (`Z`, `X`) is none.
fn start_in(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn is_in(lines: &str, cgroup: &str) -> bool {
    lines.lines().any(|line| {
        let path = line.splitn(3, ':').nth(2);
        let below = path.and_then(|path| path.strip_prefix(cgroup));
        !cgroup.is_empty() && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::{is_in, process_start, start_in};

    #[test]
    fn the_time_is_found_behind_any_name() {
        let rest = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 2415437 20 21";
        assert_eq!(start_in(&format!("7 (a) b) S {rest}")), Some(2_415_437));
        assert_eq!(start_in(&format!("7 (a) Z {rest}")), None);
        assert_eq!(start_in("7 (a) S 1 2"), None);
        let own = process_start(std::process::id()).expect("read");
        assert!(own.is_some_and(|start| start > 0));
        assert_eq!(process_start(u32::MAX).expect("read"), None);
    }

    #[test]
    fn a_cgroup_is_above_those_below_it_and_no_others() {
        let lines = "9:name=systemd:/\n0::/machine.slice/ctr-a.service/supervisor\n";
        assert!(is_in(lines, "/machine.slice/ctr-a.service"));
        assert!(is_in(lines, "/machine.slice/ctr-a.service/supervisor"));
        assert!(!is_in(lines, "/machine.slice/ctr-a"));
        assert!(!is_in(lines, ""));
    }
}
