//! How a process is confined, as `/proc/PID/status` tells it (`proc_pid_status(5)`). Pure.

use thiserror::Error;

/// What limits a process beside its user and its namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Confinement {
    /// `CapBnd`: no exec gives more than these.
    pub(super) bounding: u64,
    /// `CapPrm`: what it has now.
    pub(super) permitted: u64,
    /// `NoNewPrivs`.
    pub(super) no_new_privileges: bool,
    /// `Seccomp`.
    pub(super) seccomp: Seccomp,
}

/// The mode of seccomp(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seccomp {
    /// Every system call is open.
    Off,
    /// The strict mode, in which nothing could be executed.
    Strict,
    /// This many filters.
    Filters(usize),
}

/// The kernel wrote something else than documented.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("/proc/PID/status has no {0} that can be understood")]
pub struct StatusError(&'static str);

impl Confinement {
    /// Reads the text of `/proc/PID/status`.
    ///
    /// The name of a process is in there too, and a guest chooses it; the kernel escapes its line
    /// breaks, so it cannot look like another line.
    pub(super) fn parse(status: &str) -> Result<Self, StatusError> {
        let number = |key: &'static str, radix| {
            field(status, key)
                .and_then(|text| u64::from_str_radix(text, radix).ok())
                .ok_or(StatusError(key))
        };
        let seccomp = match number("Seccomp", 10)? {
            0 => Seccomp::Off,
            1 => Seccomp::Strict,
            _ => Seccomp::Filters(
                usize::try_from(number("Seccomp_filters", 10)?)
                    .map_err(|_| StatusError("Seccomp_filters"))?,
            ),
        };
        Ok(Self {
            bounding: number("CapBnd", 16)?,
            permitted: number("CapPrm", 16)?,
            no_new_privileges: number("NoNewPrivs", 10)? != 0,
            seccomp,
        })
    }

    /// Whether a process of this confinement may run in the guest whose first process is confined
    /// like `leader`: not one right more, and not one filter less.
    pub(super) fn is_within(&self, leader: &Self) -> bool {
        self.bounding & !leader.bounding == 0
            && self.permitted & !leader.bounding == 0
            && self.no_new_privileges == leader.no_new_privileges
            && self.seccomp == leader.seccomp
    }
}

/// Whether this process is the first of a PID namespace below ours: the last of its PIDs is 1, and
/// is not its only one (`NSpid`).
pub(super) fn is_first_of_a_pid_namespace(status: &str) -> bool {
    let pids = field(status, "NSpid").unwrap_or_default();
    pids.split_ascii_whitespace().count() > 1 && pids.split_ascii_whitespace().last() == Some("1")
}

/// The number of its parent process (`PPid`).
pub(super) fn parent(status: &str) -> Result<&str, StatusError> {
    field(status, "PPid").ok_or(StatusError("PPid"))
}

fn field<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    status
        .lines()
        .find_map(|line| Some(line.strip_prefix(key)?.strip_prefix(':')?.trim()))
}

/// The cgroup2 path in the text of `/proc/PID/cgroup` (cgroups(7)): `/machine.slice/…/payload`.
pub(super) fn cgroup2_path(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEADER: &str = "Name:\tsystemd\nState:\tS (sleeping)\nPPid:\t150\nNSpid:\t152\t1\n\
        CapPrm:\t00000000fdecabff\nCapEff:\t00000000fdecabff\nCapBnd:\t00000000fdecabff\n\
        NoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t5\n";

    #[test]
    fn reads_what_the_kernel_writes() {
        let confinement = Confinement::parse(LEADER).unwrap();
        assert_eq!(confinement.bounding, 0xfdec_abff);
        assert_eq!(confinement.seccomp, Seccomp::Filters(5));
        assert!(!confinement.no_new_privileges);
        assert_eq!(
            Confinement::parse("CapBnd:\t0\n"),
            Err(StatusError("Seccomp")),
            "an unknown confinement is no confinement of zero"
        );
    }

    #[test]
    fn a_name_cannot_pretend_to_be_another_line() {
        let status = format!("Name:\tx\\nCapBnd:\tffffffffffffffff\n{LEADER}");
        assert_eq!(Confinement::parse(&status).unwrap().bounding, 0xfdec_abff);
    }

    #[test]
    fn knows_the_first_process_of_a_guest() {
        assert!(is_first_of_a_pid_namespace(LEADER));
        assert!(
            !is_first_of_a_pid_namespace("NSpid:\t1\n"),
            "the host's own first process"
        );
        assert_eq!(parent(LEADER), Ok("150"));
        assert!(!is_first_of_a_pid_namespace("NSpid:\t152\t7\n"));
        assert!(!is_first_of_a_pid_namespace(""));
    }

    #[test]
    fn a_session_may_have_less_and_never_more() {
        let leader = Confinement::parse(LEADER).unwrap();
        assert!(leader.is_within(&leader));
        assert!(
            Confinement {
                bounding: 0,
                permitted: 0,
                ..leader
            }
            .is_within(&leader)
        );
        let more = [
            Confinement {
                bounding: leader.bounding | 1 << 16,
                ..leader
            },
            Confinement {
                permitted: leader.permitted | 1 << 16,
                ..leader
            },
            Confinement {
                seccomp: Seccomp::Filters(4),
                ..leader
            },
            Confinement {
                seccomp: Seccomp::Off,
                ..leader
            },
            Confinement {
                no_new_privileges: true,
                ..leader
            },
        ];
        for confinement in more {
            assert!(!confinement.is_within(&leader), "{confinement:?}");
        }
    }

    #[test]
    fn finds_the_unified_hierarchy_among_older_ones() {
        assert_eq!(
            cgroup2_path("12:pids:/a\n1:name=systemd:/b\n0::/c/payload\n"),
            Some("/c/payload")
        );
        assert_eq!(cgroup2_path("1:name=systemd:/b\n"), None);
    }
}
